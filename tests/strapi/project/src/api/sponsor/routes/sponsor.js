// Strapi 4 adds the route of translations to this.
module.exports = { routes: [] };
