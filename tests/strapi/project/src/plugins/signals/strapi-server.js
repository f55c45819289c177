const PLUGIN = 'signals';

module.exports = {
  register({ strapi }) {
    strapi.customFields.register({ name: 'call-sign', plugin: PLUGIN, type: 'email' });
  },
};
