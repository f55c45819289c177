// Strapi 4 adds the creation of translations to this.
module.exports = {};
