'use strict';

// Boots the Strapi project in a folder and fills it through Strapi's own services.
//
//     node seed.js DIR boot      create the tables and the rows that every start creates, and nothing else
//     node seed.js DIR content   the content that the tests export
//     node seed.js DIR other     content that a restore has to replace, and admin data that it has to keep
//
// The values are the same in every run. The ids of documents, the hashes of files, tokens and dates of creation are
// Strapi's, so two runs differ in those. What one major version of Strapi does otherwise stands in versions.js.

const path = require('path');
const { png, temporaryFile, upload } = require('./files');
const start = require('./versions');

const [dir, mode] = process.argv.slice(2).map((arg, index) => (index === 0 ? path.resolve(arg) : arg));
const modes = { boot: async () => {}, content, other };

const LONG_TYPE =
  'api::weather-observation-of-the-northern-magnetic-expeditions.weather-observation-of-the-northern-magnetic-expeditions';
const LONG_COMPONENT = 'panels.an-instrument-reading-with-a-name-longer-than-any-identifier';

let documents;
let holds;
let ref;
let releasedEntry;
let webhooks;

async function main() {
  if (!dir || !modes[mode]) {
    throw new Error('usage: node seed.js DIR boot|content|other');
  }
  process.chdir(dir);
  const running = await start(dir);
  ({ documents, ref, releasedEntry, webhooks } = running);
  holds = holdings(running);
  await modes[mode](running.strapi);
  await running.strapi.destroy();
}

// What the database of a project holds, where not all do.
function holdings({ strapi, jsonStrings }) {
  const { client } = strapi.db.dialect;
  return {
    nul: client !== 'postgres',
    // The driver for MySQL and MariaDB takes a year before 100 for one of the last century, and so does whatever Strapi
    // copies when it publishes.
    early: client === 'mysql' ? '1000-02-03T04:05:06.007Z' : '0099-02-03T04:05:06.007Z',
    // Strapi 5 stores them as they are, and databases that check JSON take none without quotes.
    jsonStrings: jsonStrings || client === 'sqlite',
  };
}

const paragraph = (text, marks = {}) => ({ type: 'paragraph', children: [{ type: 'text', text, ...marks }] });

// ---------------------------------------------------------------- the content that the tests export

async function content(strapi) {
  const locales = strapi.plugin('i18n').service('locales');
  await locales.create({ code: 'fr', name: 'French (fr)' });
  await locales.create({ code: 'zh-Hans', name: 'Chinese (Simplified) (zh-Hans)' });

  const admin = await adminData(strapi, 'source');
  const files = await mediaLibrary(strapi, admin);
  const world = await places(strapi, files);
  await expeditions(strapi, files, world, admin);
  if (strapi.contentTypes[LONG_TYPE]) await observations(strapi, files, world);
  await singleTypes(strapi, files, world);
  await notes(strapi, files, world);
  await usersAndRoles(strapi, world);
  await settings(strapi);
  await unexported(strapi, 'Spring', world.edges);
}

async function adminData(strapi, name) {
  const role = await strapi.service('admin::role').create({ name: `Archivist of the ${name}`, description: 'reads' });
  const user = await strapi.service('admin::user').create({
    email: `archivist@${name}.example.org`,
    firstname: 'Åsa',
    lastname: 'Archivist',
    password: 'Not-a-secret-1',
    registrationToken: null,
    isActive: true,
    roles: [role.id],
  });
  await strapi.service('admin::api-token').create({
    name: `nightly ${name}`,
    description: '',
    type: 'custom',
    lifespan: null,
    permissions: ['plugin::upload.content-api.find', 'plugin::users-permissions.user.me'],
  });
  await strapi.service('admin::transfer').token.create({
    name: `transfer ${name}`,
    description: '',
    lifespan: null,
    permissions: ['push', 'pull'],
  });
  return user;
}

async function mediaLibrary(strapi, user) {
  const folders = strapi.plugin('upload').service('folder');
  const plates = await folders.create({ name: 'Plates', parent: null }, { user });
  const winter = await folders.create({ name: 'Winter 1893 ❄️ «ice»', parent: plates.id });
  await folders.create({ name: '空', parent: null });

  const wide = await upload(strapi, 'the ship, wide.png', 'image/png', png(1100, 640, [20, 40, 90]), {
    alternativeText: 'A ship in the ice — "stuck"',
    caption: 'line one\nline two',
    folder: winter.id,
  });
  const portrait = await upload(strapi, '写真 🚀.png', 'image/png', png(180, 320, [120, 40, 40]), { folder: plates.id });
  const dot = await upload(strapi, 'odd.png', 'image/png', png(2, 2, [0, 0, 0]));
  // No file may be uploaded under this name, and every file may be renamed to it.
  await strapi.plugin('upload').service('upload').updateFileInfo(dot.id, { name: `it's "quoted" & <odd> 100%.png` });
  const log = await upload(strapi, 'log book (final) v1.2.txt', 'text/plain', Buffer.from('Día 1: niebla.\r\n❄\n\0end'));
  const bare = await upload(strapi, 'README', 'application/octet-stream', Buffer.from([0, 1, 2, 253, 254, 255]));
  const data = await upload(strapi, 'readings.json', 'application/json', Buffer.from('[]\n'));
  const long = await upload(strapi, `${'a very long file name '.repeat(7)}.txt`, 'text/plain', Buffer.from('long\n'));
  await upload(strapi, 'empty.csv', 'text/csv', Buffer.alloc(0));
  await upload(strapi, 'never used.png', 'image/png', png(3, 1, [9, 9, 9]));
  return { wide, portrait, dot, log, bare, data, long };
}

async function places(strapi, files) {
  const create = (uid, data) => documents(uid).create(data);
  const fram = await create('api::vessel.vessel', { name: 'Fram', tonnage: 0.1 + 0.2 });
  const boat = await create('api::vessel.vessel', { name: 'Boat "№ 1"', tonnage: -1234567.891, mothership: ref(fram) });
  const raft = await create('api::vessel.vessel', { name: '筏', tonnage: 0, mothership: ref(boat) });
  const nameless = await create('api::vessel.vessel', { name: null, tonnage: null });

  const sponsor = await create('api::sponsor.sponsor', { name: 'The Society', pledge: '-9007199254740991', logo: files.dot.id });
  await documents('api::sponsor.sponsor').translate(sponsor, 'fr', { name: 'La Société', pledge: '12', logo: files.dot.id });
  const crown = await create('api::sponsor.sponsor', { name: 'Crown', pledge: null });
  const unnamed = await create('api::sponsor.sponsor', { name: '' });

  const sextant = await create('api::instrument.instrument', { label: 'Sextant', maker: sponsor.id });
  const spare = await create('api::instrument.instrument', { label: 'Spare', maker: crown.id, spareFor: sextant.id });
  const clock = await create('api::instrument.instrument', { label: 'Chronometer\t⏱' });

  const captain = await create('api::crew-member.crew-member', {
    name: 'Fridtjof',
    born: '1861-10-10',
    portrait: files.portrait.id,
  });
  const mate = await create('api::crew-member.crew-member', { name: '李\\雷', born: '0001-01-01', mentor: ref(captain) });
  const cook = await create('api::crew-member.crew-member', {
    name: "D'Arcy; DROP TABLE",
    born: null,
    mentor: ref(captain),
    ...foreign(fram, raft),
  });

  // The rows of this relation do not stand in the order of the crew.
  await documents('api::crew-member.crew-member').update(cook, { berth: ref(boat) });
  await documents('api::crew-member.crew-member').update(captain, { berth: ref(fram) });

  const open = await create('api::permit.permit', { number: 'N-1', holder: ref(captain) });
  await documents('api::permit.permit').publish(open);
  const draft = await create('api::permit.permit', { number: 'N-2 (draft)', holder: ref(mate) });
  return { fram, boat, raft, nameless, sponsor, crown, unnamed, sextant, spare, clock, captain, mate, cook, open, draft };
}

// Attributes whose names are not ASCII, and custom fields in a component.
const foreign = (one, other) => ({
  année: 1893,
  "l'adresse": 'Rue de l’Église 1',
  Größe2x: 1.5,
  имяФамилия: 'Амундсен',
  équipages: [ref(other), ref(one)],
  légendes: [
    { où: 'à bord', chargés: [ref(one), ref(other)], colour: '#fff', motto: '**En avant**', signal: 'fram@example.org' },
    { où: null },
  ],
});

// A relation without a join table takes the id of a row; the others take the id of a document.
const coordinate = (label, latitude, longitude, nearestPort) => ({ label, latitude, longitude, nearestPort });

function card(files, heading) {
  return {
    heading,
    text: `${heading}\n— ${'long '.repeat(60)}`,
    picture: files.dot.id,
    tags: ['ice', heading, { nested: [null, true] }],
    pins: [coordinate('pin 1', 1.5, -1.5, null), coordinate('pin 2', 0.1 + 0.2, 1e21, null)],
  };
}

function stop(files, world, name, number) {
  return {
    name,
    arrival: number % 2 ? '1893-06-24T11:59:59.001Z' : null,
    at: coordinate(`${name} anchorage`, 85.95 + number, -0.000001 * number, number % 2 ? world.boat.id : null),
    photos: number % 2 ? [files.portrait.id, files.wide.id, files.portrait.id].slice(0, 2) : [],
    guide: number % 3 ? ref(world.mate) : null,
    used: [ref(world.clock), ref(world.sextant)].slice(0, number % 3),
    seen: number === 1 ? [ref(world.raft), ref(world.nameless)] : [],
  };
}

function leg(files, world, title, stops) {
  return {
    title,
    mode: ['sea', 'ice', 'air'][stops % 3],
    stops: Array.from({ length: stops }, (_, n) => stop(files, world, `${title}/${n}`, n)),
    turningPoint: stops ? coordinate(`${title} turn`, -90, 180, world.fram.id) : null,
    vessel: stops === 2 ? ref(world.boat) : ref(world.fram),
  };
}

function panels(files, world, label) {
  return [
    {
      __component: 'panels.banner',
      title: `${label} banner`,
      picture: files.wide.id,
      gallery: [files.dot.id, files.wide.id, files.portrait.id],
      stop: stop(files, world, `${label} stop`, 1),
      legs: [leg(files, world, `${label} A`, 1), leg(files, world, `${label} B`, 2)],
    },
    {
      __component: 'panels.remark',
      text: '**bold** \\ back `tick`',
      body: [paragraph('said', { italic: true })],
      by: ref(world.captain),
      on: '1969-12-31',
      bell: '00:00:00.001',
      at: holds.early,
      weight: -5e-324,
      loud: true,
      count: '9007199254740991',
    },
    { __component: 'panels.remark', text: '', loud: false, weight: 0, about: world.first && ref(world.first) },
    { __component: 'parts.coordinate', label: null, latitude: null, longitude: 123456789.125 },
    {
      __component: LONG_COMPONENT,
      theScaleOnWhichTheReadingWasMadeAndItsMaker: 'Réaumur',
      theCrewMembersWhoConfirmedTheReadingOneAfterAnother: [ref(world.cook), ref(world.captain)],
      photographOfTheInstrumentWhileItWasBeingRead: files.portrait.id,
      whereTheInstrumentStoodWhenTheReadingWasMade: [coordinate('bow', 1, 2, world.raft.id), coordinate('stern', 3, 4, null)],
    },
  ];
}

async function expeditions(strapi, files, world, admin) {
  const entries = documents('api::expedition.expedition');

  // Everything filled in, published, in three languages; changed after it was published.
  const first = await entries.create({
    title: 'Farthest North',
    slug: 'farthest-north',
    diary: '# Day 1\n\n* ice\n* <b>more</b> ice\u2028\u2029',
    story: [
      { type: 'heading', level: 2, children: [{ type: 'text', text: 'Ice' }] },
      paragraph('“Forward” 🇳🇴 👩‍👩‍👧', { bold: true, underline: true }),
      { type: 'list', format: 'ordered', children: [{ type: 'list-item', children: [{ type: 'text', text: 'one' }] }] },
    ],
    abstract: 'Tab\there, "quotes", back\\slash, bell \u0007',
    temperature: 0.1 + 0.2,
    budget: 12345678.91,
    distanceInMm: '9007199254740991',
    headcount: 2147483647,
    finished: true,
    season: 'second summer',
    sailedOn: '1893-06-24',
    watchBell: '13:45:30.250',
    sightedAt: '1895-04-08T23:59:59.999Z',
    extra: { a: 1, b: [1, 2.5, { c: null }], ключ: 'значение 🎉', '': 'empty key', '10': 'x', '9': 'y', big: 1e21, neg: -0.5 },
    inbox: 'ice@example.org',
    safeCode: 'open sesame',
    flagColour: '#ff0080',
    cover: files.wide.id,
    plates4x5: [files.portrait.id, files.dot.id, files.wide.id],
    leader: ref(world.captain),
    members: [ref(world.cook), ref(world.captain), ref(world.mate)],
    vessel: ref(world.fram),
    sponsors: [ref(world.crown), ref(world.sponsor)],
    instruments: [ref(world.clock), ref(world.sextant)],
    permit: ref(world.open),
    card: card(files, 'English card'),
    route: [leg(files, world, 'first', 2), leg(files, world, 'second', 0), leg(files, world, 'third', 3)],
    base: stop(files, world, 'base', 1),
    panels: panels(files, world, 'en'),
    createdBy: admin.id,
    updatedBy: admin.id,
  });
  for (const [locale, title] of [
    ['fr', 'Au plus haut nord — « été »'],
    ['zh-Hans', '最北'],
  ]) {
    await entries.translate(first, locale, {
      title,
      slug: `north-${locale.toLowerCase()}`,
      story: [],
      extra: locale === 'fr' || !holds.jsonStrings ? [] : 'a string',
      cover: files.portrait.id,
      card: card(files, `${locale} card`),
      route: locale === 'fr' ? [leg(files, world, 'seul', 1)] : [],
      panels: panels(files, world, locale).reverse(),
    });
  }
  await entries.publish(first, ['en', 'fr']);
  await entries.update(first, {
    title: 'Farthest North (changed)',
    sightedAt: '1895-04-08T23:59:59.998+01:00',
    panels: panels(files, world, 'changed').slice(0, 2),
  });

  // The least a row can hold.
  const least = await entries.create({ title: ' ', season: null, finished: null });

  // The other edges, linked to the first and to itself.
  const edges = await entries.create({
    title: "'; --  \u00a0\u200b\ufeff",
    slug: 'edges',
    diary: '',
    abstract: holds.nul ? 'NUL \u0000 inside' : 'no NUL',
    temperature: -1.7976931348623157e308,
    budget: -0.00000001,
    distanceInMm: '-9007199254740991',
    headcount: -2147483648,
    finished: false,
    sailedOn: '9999-12-31',
    watchBell: '00:00:00.000',
    sightedAt: '1969-12-31T23:59:59.999Z',
    extra: false,
    plates4x5: [files.log.id, files.bare.id, files.data.id, files.long.id],
    members: [ref(world.mate)],
    sponsors: [ref(world.unnamed)],
    sequel: ref(first),
    inspired: [ref(first), ref(least)],
    panels: [],
    route: [],
  });
  await entries.update(least, { inspired: [ref(least), ref(edges)], extra: 0 });
  await entries.publish(edges);

  // More than a double can hold: Strapi rounds it when it exports.
  await entries.create({ title: 'Largest integer', distanceInMm: '9223372036854775807', extra: 9007199254740991 });
  await entries.create({ title: 'First odd integer', distanceInMm: '9007199254740993', temperature: 1e21 });

  // Deleted again, so that the ids have gaps.
  const lost = await entries.create({
    title: 'Lost',
    members: [ref(world.cook)],
    card: card(files, 'lost'),
    panels: panels(files, world, 'lost'),
  });
  await entries.publish(lost);
  await entries.remove(lost);
  const last = await entries.create({ title: 'Last', permit: ref(world.draft), card: card(files, 'last') });
  await entries.publish(last);
  await entries.unpublish(last);
  world.first = first;
  world.edges = edges;
}

async function observations(strapi, files, world) {
  const entries = documents(LONG_TYPE);
  const reading = (label) => ({
    theScaleOnWhichTheReadingWasMadeAndItsMaker: label,
    theCrewMembersWhoConfirmedTheReadingOneAfterAnother: [ref(world.mate), ref(world.cook)],
    photographOfTheInstrumentWhileItWasBeingRead: files.dot.id,
    whereTheInstrumentStoodWhenTheReadingWasMade: [coordinate(`${label} mast`, 7, 8, world.fram.id)],
  });
  const observation = await entries.create({
    theTemperatureReadBeforeTheMorningWatchWasRelieved: -52.5,
    everyInstrumentThatWasConsultedForThisObservation: [ref(world.spare), ref(world.clock)],
    theExpeditionOnWhichThisObservationWasWrittenDown: ref(world.first),
    photographsTakenOfTheSkyAboveTheShipThatMorning: [files.wide.id, files.dot.id],
    reading: [reading('Celsius'), reading('Fahrenheit')],
    anotherReadingWhoseAttributeNameIsAlsoFarTooLongToKeep: reading('Kelvin'),
    zoneOfPanelsWithAnAttributeNameThatWillBeShortened: [
      { __component: 'panels.remark', text: 'before' },
      { __component: LONG_COMPONENT, ...reading('Rømer') },
    ],
  });
  await entries.publish(observation);
  await entries.create({ theTemperatureReadBeforeTheMorningWatchWasRelieved: 0 });
}

async function singleTypes(strapi, files, world) {
  const pages = documents('api::front-page.front-page');
  const page = await pages.create({
    headline: 'Welcome',
    feature: ref(world.first),
    card: card(files, 'front'),
    panels: panels(files, world, 'front').slice(0, 3),
  });
  await pages.translate(page, 'zh-Hans', { headline: '欢迎', panels: [] });
  await pages.publish(page);
  await documents('api::ship-rules.ship-rules').create({
    text: '1. No fire.\n2. No ice.',
    seal: files.dot.id,
    attachments: [files.log.id, files.log.id],
  });
}

// Polymorphic relations of content types have no form in the admin, so they go in as the database layer takes them.
async function notes(strapi, files, world) {
  const create = (text, subject, mentions) =>
    strapi.db.query('api::logbook-note.logbook-note').create({ data: { text, subject, mentions, publishedAt: new Date(0) } });
  const to = (type, document) => ({ __type: type, id: document.id });
  await create('about the captain', to('api::crew-member.crew-member', world.captain), [
    to('api::vessel.vessel', world.fram),
    to('api::crew-member.crew-member', world.cook),
    to('api::vessel.vessel', world.boat),
  ]);
  await create('about a file', to('plugin::upload.file', files.log), []);
  await create('about nothing', null, [to('api::vessel.vessel', world.fram)]);
}

async function usersAndRoles(strapi, world) {
  await strapi.plugin('users-permissions').service('role').createRole({
    name: 'Reader',
    description: 'May read',
    type: 'reader',
    permissions: { 'plugin::upload': { controllers: { 'content-api': { find: { enabled: true, policy: '' } } } } },
  });
  const roles = await strapi.db.query('plugin::users-permissions.role').findMany();
  const role = (type) => roles.find((candidate) => candidate.type === type).id;
  const users = strapi.plugin('users-permissions').service('user');
  const add = (username, type, more) =>
    users.add({ username, email: `${username}@example.org`, password: 'not-secret', provider: 'local', confirmed: true, role: role(type), ...more });
  await add('reader', 'reader', { crewMember: world.cook.id });
  await add('member', 'authenticated', { blocked: true, confirmed: false });
}

async function settings(strapi) {
  await webhooks().createWebhook({
    name: 'rebuild «site»',
    url: 'https://hooks.example.org/build?a=1&b=2',
    headers: { 'X-Token': 'abc', Authorization: 'Bearer "x"' },
    events: ['entry.create', 'media.delete'],
    isEnabled: true,
  });
  await webhooks().createWebhook({
    name: 'silent',
    url: 'https://hooks.example.org/never',
    headers: {},
    events: [],
    isEnabled: false,
  });
  const store = strapi.store({ type: 'api', name: 'expedition' });
  await store.set({ key: 'object', value: { z: 1, a: [null, '👍', { b: false }] } });
  await store.set({ key: 'list', value: [3, 1, 2] });
  await store.set({ key: 'text', value: 'a "text"' });
  await store.set({ key: 'number', value: 0.5 });
  await store.set({ key: 'truth', value: false });
  await store.set({ key: 'tagged', value: 'per environment', environment: 'staging', tag: 'v2' });

  const projectSettings = strapi.service('admin::project-settings');
  const logo = temporaryFile(png(5, 4, [200, 0, 0]), 'menu logo.png', 'image/png');
  await projectSettings.updateProjectSettings(await projectSettings.parseFilesData({ menuLogo: logo }));
}

// Rows of types that Strapi leaves out of its exports, with links into what it exports.
async function unexported(strapi, name, entry) {
  const release = await strapi.db.query('plugin::content-releases.release').create({ data: { name, status: 'empty' } });
  await strapi.db.query('plugin::content-releases.release-action').create({
    data: {
      type: 'publish',
      contentType: 'api::expedition.expedition',
      locale: 'en',
      release: release.id,
      isEntryValid: true,
      ...releasedEntry('api::expedition.expedition', entry),
    },
  });
}

// ---------------------------------------------------------------- what a restore has to replace

async function other(strapi) {
  await strapi.plugin('i18n').service('locales').create({ code: 'de', name: 'German (de)' });
  await adminData(strapi, 'destination');
  const folder = await strapi.plugin('upload').service('folder').create({ name: 'Old folder', parent: null });
  const file = await upload(strapi, 'old picture.png', 'image/png', png(300, 10, [1, 2, 3]), { folder: folder.id });
  for (let n = 0; n < 30; n += 1) {
    const vessel = await documents('api::vessel.vessel').create({ name: `Old vessel ${n}`, tonnage: n });
    const expedition = await documents('api::expedition.expedition').create({
      title: `Old expedition ${n}`,
      vessel: ref(vessel),
      cover: file.id,
      card: { heading: 'old', picture: file.id, pins: [{ label: 'old', nearestPort: vessel.id }] },
      panels: [{ __component: 'panels.remark', text: 'old' }],
    });
    if (n % 2) await documents('api::expedition.expedition').publish(expedition);
    if (n === 1) await unexported(strapi, 'Autumn', expedition);
  }
  await webhooks().createWebhook({
    name: 'old',
    url: 'https://old.example.org',
    headers: {},
    events: ['entry.update'],
    isEnabled: true,
  });
  await strapi.store({ type: 'api', name: 'old' }).set({ key: 'setting', value: 'old' });
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  }
);
