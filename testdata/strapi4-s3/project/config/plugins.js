module.exports = ({ env }) => ({
  upload: {
    config: {
      provider: 'aws-s3',
      providerOptions: {
        baseUrl: `${env('MEDIA_ENDPOINT')}/${env('MEDIA_BUCKET')}`,
        rootPath: env('MEDIA_ROOT', 'site/media'),
        s3Options: {
          accessKeyId: env('MEDIA_KEY_ID'),
          secretAccessKey: env('MEDIA_SECRET'),
          region: env('MEDIA_REGION', 'eu-central-1'),
          endpoint: env('MEDIA_ENDPOINT'),
          forcePathStyle: true,
          params: {
            Bucket: env('MEDIA_BUCKET'),
          },
        },
      },
      actionOptions: { upload: {}, uploadStream: {}, delete: {} },
    },
  },
});
