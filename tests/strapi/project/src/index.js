module.exports = {
  register({ strapi }) {
    strapi.customFields.register({ name: 'colour', type: 'string' });
  },
  bootstrap() {},
};
