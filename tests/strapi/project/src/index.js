module.exports = {
  register({ strapi }) {
    strapi.customFields.register({ name: 'colour', type: 'string' });
    strapi.customFields.register({ name: 'motto', type: 'richtext' });
  },
  bootstrap() {},
};
