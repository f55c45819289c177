// The custom fields of the models here: one of each kind of column.
const FIELDS = { colour: 'string', notes: 'richtext', count: 'integer', shape: 'json' };

module.exports = {
  register({ strapi }) {
    for (const [name, type] of Object.entries(FIELDS)) strapi.customFields.register({ name, type });
  },
  bootstrap() {},
};
