module.exports = ({ env }) => ({
  upload: {
    config: {
      provider: 'aws-s3',
      providerOptions: {
        s3Options: {
          credentials: {
            accessKeyId: env('MEDIA_KEY_ID'),
            secretAccessKey: env('MEDIA_SECRET'),
          },
          region: env('MEDIA_REGION', 'eu-central-1'),
          endpoint: env('MEDIA_ENDPOINT'),
          forcePathStyle: true,
          params: {
            ACL: env('MEDIA_ACL', 'private'),
            signedUrlExpires: env.int('MEDIA_URL_EXPIRES', 15 * 60),
            Bucket: env('MEDIA_BUCKET'),
          },
        },
      },
      actionOptions: { upload: {}, uploadStream: {}, delete: {} },
    },
  },
});
