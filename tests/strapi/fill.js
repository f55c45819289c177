'use strict';

// Fills any content model through Strapi's own services, at random: every attribute of its content types and components.
//
//     node fill.js DIR SEED
//
// The same seed gives the same content, but for what Strapi makes up itself: ids of documents, hashes, dates of creation.
// What one major version of Strapi does otherwise stands in versions.js.

const path = require('path');
const { png, upload } = require('./files');
const start = require('./versions');

const [dir, seed] = process.argv.slice(2).map((arg, index) => (index === 0 ? path.resolve(arg) : arg));
const ENTRIES = 5;
const LANGUAGES = ['fr', 'zh-Hans'];
const DEPTH = 4;
const WORDS = ['apple', 'Ångström', '梨', 'naïve «été»', "it's", '"so"', 'a\nb', 'имя', '\\n', '🍐🌳', ' ', '%_', 'null'];

// Numbers at random from a text (mulberry32 over its hash).
function randomness(text) {
  let state = 0;
  for (const letter of text) state = (Math.imul(state, 31) + letter.codePointAt(0)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

let random;
const below = (limit) => Math.floor(random() * limit);
const chance = (share) => random() < share;
const pick = (list) => list[below(list.length)];
const some = (list, most) => {
  const rest = [...list];
  const count = Math.min(below(most + 1), rest.length);
  return Array.from({ length: count }, () => rest.splice(below(rest.length), 1)[0]);
};
const text = (words) => Array.from({ length: 1 + below(words) }, () => pick(WORDS)).join(' ');

class Filling {
  constructor(running, files) {
    Object.assign(this, running);
    this.files = files;
    this.rows = {};
    this.counter = 0;
  }

  scalar(attribute) {
    const number = () => (attribute.min ?? -1000) + below((attribute.max ?? 1000) - (attribute.min ?? -1000));
    this.counter += 1;
    switch (attribute.customField ? this.kind(attribute) : attribute.type) {
      case 'string':
        return attribute.unique ? `${text(2)} ${this.counter}` : text(3);
      case 'text':
      case 'richtext':
        return text(12);
      case 'uid':
        return `uid-${this.counter}`;
      case 'email':
        return `mail${this.counter}@example.org`;
      case 'password':
        return `Secret-${this.counter}`;
      case 'enumeration':
        return pick(attribute.enum);
      case 'blocks':
        return [{ type: 'paragraph', children: [{ type: 'text', text: text(5), bold: chance(0.5) }] }];
      case 'json':
        return { list: [number(), null, chance(0.5)], [text(1)]: { deep: text(2) } };
      case 'integer':
        return number();
      case 'biginteger':
        return String(number() * 9007199254);
      case 'float':
        return number() / 8;
      case 'decimal':
        return number() + below(100) / 100;
      case 'boolean':
        return chance(0.5);
      case 'date':
        return new Date(Date.UTC(1000 + below(8000), below(12), 1 + below(28))).toISOString().slice(0, 10);
      case 'time':
        return new Date(below(86400000)).toISOString().slice(11, 23);
      case 'datetime':
      case 'timestamp':
        return new Date(Date.UTC(1971, 0, 1) + below(1600000000) * 1000 + below(1000)).toISOString();
      default:
        throw new Error(`no value for an attribute of type ${attribute.type}`);
    }
  }

  kind({ customField, type }) {
    return type === 'customField' ? this.strapi.get('custom-fields').get(customField).type : type;
  }

  attributes(uid) {
    const made = ['createdAt', 'updatedAt', 'publishedAt', 'createdBy', 'updatedBy', 'locale', 'localizations', 'documentId'];
    const { attributes } = this.strapi.getModel(uid);
    return Object.entries(attributes).filter(([name]) => !made.includes(name));
  }

  // Values for everything that does not need other rows, or for all of it.
  data(uid, withOthers, depth = 0) {
    const data = {};
    for (const [name, attribute] of this.attributes(uid)) {
      const needed = attribute.required || attribute.unique || attribute.type === 'uid';
      if (!needed && !chance(0.85)) continue;
      const value = this.value(attribute, withOthers, depth);
      if (value !== undefined) data[name] = value;
    }
    return data;
  }

  value(attribute, withOthers, depth) {
    const component = (uid) => this.data(uid, withOthers, depth + 1);
    switch (attribute.type) {
      case 'component':
        if (!withOthers || depth >= DEPTH) return undefined;
        if (!attribute.repeatable) return component(attribute.component);
        return Array.from({ length: below(4) }, () => component(attribute.component));
      case 'dynamiczone':
        if (!withOthers) return undefined;
        return Array.from({ length: 1 + below(5) }, () => {
          const uid = pick(attribute.components);
          return { __component: uid, ...component(uid) };
        });
      case 'media': {
        if (!withOthers) return undefined;
        const ids = some(this.files, 3).map(({ id }) => id);
        return attribute.multiple ? ids : (ids[0] ?? null);
      }
      case 'relation':
        return withOthers ? this.relation(attribute) : undefined;
      default:
        return this.scalar(attribute);
    }
  }

  relation({ relation, target, mappedBy, useJoinTable }) {
    if (relation.startsWith('morph') || (mappedBy && chance(0.7))) return undefined;
    const rows = this.rows[target] ?? [];
    const refs = some(rows, 3).map((row) => (useJoinTable === false ? row.id : this.ref(row)));
    return relation.endsWith('Many') ? refs : (refs[0] ?? null);
  }

  async all() {
    const types = Object.keys(this.strapi.contentTypes).filter((uid) => uid.startsWith('api::'));
    for (const uid of types) {
      const count = this.strapi.getModel(uid).kind === 'singleType' ? 1 : ENTRIES;
      this.rows[uid] = [];
      for (let n = 0; n < count; n += 1) {
        const row = await this.documents(uid).create(this.data(uid, false));
        this.rows[uid].push(row);
        if (this.languagesFirst) await this.translate(uid, row, LANGUAGES, false);
      }
    }
    for (const uid of types) {
      for (const row of this.rows[uid]) {
        await this.documents(uid).update(row, this.data(uid, true));
        await this.more(uid, row);
      }
    }
    for (const uid of types) await this.polymorphic(uid);
  }

  // Languages and publication.
  async more(uid, row) {
    const { options } = this.strapi.getModel(uid);
    const languages = this.isLocalized(uid) ? some(LANGUAGES, 2) : [];
    await this.translate(uid, row, languages, true);
    if (!options?.draftAndPublish || chance(0.4)) return;
    await this.documents(uid).publish(row, languages.length ? ['en', ...languages.slice(0, 1)] : undefined);
    if (chance(0.4)) await this.documents(uid).update(row, this.data(uid, true));
    if (chance(0.2)) await this.documents(uid).unpublish(row);
  }

  isLocalized(uid) {
    return this.strapi.getModel(uid).pluginOptions?.i18n?.localized;
  }

  async translate(uid, row, languages, withOthers) {
    for (const language of this.isLocalized(uid) ? languages : []) {
      await this.documents(uid).translate(row, language, this.localized(uid, withOthers));
    }
  }

  localized(uid, withOthers) {
    const own = this.attributes(uid).filter(([, attribute]) => attribute.pluginOptions?.i18n?.localized);
    const data = this.data(uid, withOthers);
    return Object.fromEntries(own.filter(([name]) => name in data).map(([name]) => [name, data[name]]));
  }

  // These have no form in the admin, so they go in as the database layer takes them.
  async polymorphic(uid) {
    const attributes = this.attributes(uid).filter(([, { relation }]) => ['morphToOne', 'morphToMany'].includes(relation));
    const all = Object.entries(this.rows).flatMap(([type, rows]) => rows.map(({ id }) => ({ __type: type, id })));
    for (const { id } of attributes.length ? this.rows[uid] : []) {
      const values = attributes.map(([name, { relation }]) => [name, relation === 'morphToOne' ? pick(all) : some(all, 4)]);
      await this.strapi.db.query(uid).update({ where: { id }, data: Object.fromEntries(values) });
    }
  }
}

async function main() {
  if (!dir || !seed) throw new Error('usage: node fill.js DIR SEED');
  random = randomness(seed);
  process.chdir(dir);
  const running = await start(dir);
  const { strapi } = running;
  const locales = strapi.plugin('i18n').service('locales');
  for (const code of LANGUAGES) await locales.create({ code, name: code });
  const files = [];
  for (const [name, width, height] of [['wide.png', 700, 30], ['Größe 🍐.png', 40, 300], ['dot.png', 2, 2]]) {
    files.push(await upload(strapi, name, 'image/png', png(width, height, [below(256), below(256), below(256)])));
  }
  files.push(await upload(strapi, 'имя.txt', 'text/plain', Buffer.from(text(20))));
  await new Filling(running, files).all();
  await strapi.destroy();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error, JSON.stringify(error.details));
    process.exit(1);
  }
);
