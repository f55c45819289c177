'use strict';

// What Strapi 4 and Strapi 5 do otherwise, by major version: how to start it, and how to write content.
//
// `documents(uid)` writes the entries of a content type, `ref(entry)` is what a relation to an entry is set to.

const load = (name, dir) => require(require.resolve(name, { paths: [dir] }));

async function strapi4(dir, configure) {
  // Before 4.3 it knows one folder only.
  const strapi = load('@strapi/strapi', dir)({ dir, appDir: dir, distDir: dir });
  configure(strapi.config);
  await strapi.load();
  const rows = strapi.entityService;
  // Every language of an entry is a row of its own; attributes without languages are copied from row to row.
  const populate = ['localizations'];
  const languages = async (uid, { id }) => {
    const row = await strapi.db.query(uid).findOne({ where: { id }, populate });
    return [row, ...row.localizations];
  };
  const setPublished = async (uid, entry, publishedAt, locales) => {
    const all = locales ? await languages(uid, entry) : [entry];
    for (const { id, locale } of all) {
      if (!locales || locales.includes(locale)) await rows.update(uid, id, { data: { publishedAt } });
    }
  };
  const documents = (uid) => ({
    create: (data) => rows.create(uid, { data }),
    update: ({ id }, data) => rows.update(uid, id, { data, populate }),
    publish: (entry, locales) => setPublished(uid, entry, new Date(), locales),
    unpublish: (entry) => setPublished(uid, entry, null),
    remove: ({ id }) => rows.delete(uid, id),
    async translate(entry, locale, data) {
      const all = await languages(uid, entry);
      const shared = strapi.plugin('i18n').service('content-types').copyNonLocalizedAttributes(strapi.getModel(uid), all[0]);
      const localizations = all.map(({ id }) => id);
      return rows.create(uid, { data: { ...shared, ...data, locale, localizations }, populate });
    },
  });
  return {
    strapi,
    documents,
    jsonStrings: true,
    languagesFirst: false,
    ref: ({ id }) => id,
    webhooks: () => strapi.webhookStore,
    releasedEntry: (uid, { id }) => ({ entry: { __type: uid, id } }),
  };
}

async function strapi5(dir, configure) {
  const strapi = load('@strapi/strapi', dir).createStrapi({ appDir: dir, distDir: dir });
  configure(strapi.config);
  await strapi.load();
  const documents = (uid) => {
    const of = strapi.documents(uid);
    return {
      create: (data) => of.create({ data }),
      update: ({ documentId }, data) => of.update({ documentId, data }),
      translate: ({ documentId }, locale, data) => of.update({ documentId, locale, data }),
      publish: ({ documentId }, locale) => of.publish({ documentId, locale }),
      unpublish: ({ documentId }) => of.unpublish({ documentId }),
      remove: ({ documentId }) => of.delete({ documentId, locale: '*' }),
    };
  };
  return {
    strapi,
    documents,
    jsonStrings: false,
    // A language of a document is linked to the same language of others, which has to be there.
    languagesFirst: true,
    ref: ({ documentId }) => documentId,
    webhooks: () => strapi.get('webhookStore'),
    releasedEntry: (uid, { documentId }) => ({ entryDocumentId: documentId }),
  };
}

// Every step is a transaction of its own. On MariaDB Strapi's queries can lock each other out; the server then rolls one
// back and asks to try again.
const patient = (steps) => {
  const retried = (step) => async (...values) => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await step(...values);
      } catch (error) {
        if (error.code !== 'ER_LOCK_DEADLOCK' || attempts === 5) throw error;
      }
    }
  };
  return Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, retried(step)]));
};

/** `configure` is given the project's configuration before Strapi looks at it. */
module.exports = async (dir, configure = () => {}) => {
  const { version } = load('@strapi/strapi/package.json', dir);
  const found = await (version.startsWith('4.') ? strapi4(dir, configure) : strapi5(dir, configure));
  return { ...found, documents: (uid) => patient(found.documents(uid)) };
};
