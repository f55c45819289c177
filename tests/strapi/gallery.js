'use strict';

// Fills the galleries of testdata/strapi5-s3 and testdata/strapi4-s3: pictures that go through whatever provider the project
// has, and exhibits that name their URLs in texts of every kind.
//
//     node gallery.js DIR
//
// The folder `objects` there holds what lay in the bucket afterwards, `strapi-export.tar.gz` what Strapi exported.

const path = require('path');
const { png, temporaryFile, upload } = require('./files');
const start = require('./versions');

const dir = path.resolve(process.argv[2] ?? '');

// Under a folder that the row of the file does not tell of, as plugins and scripts use it.
async function uploadBelow(strapi, folder, name, bytes) {
  const sent = temporaryFile(bytes, 'upload.png', 'image/png');
  const data = { fileInfo: { name }, path: folder };
  const [file] = await strapi.plugin('upload').service('upload').upload({ data, files: [sent] });
  return file;
}

async function fill({ strapi, documents }) {
  const wide = await upload(strapi, 'wide.png', 'image/png', png(600, 300, [20, 90, 40]), { alternativeText: 'wide' });
  const dot = await upload(strapi, 'a dot & more.png', 'image/png', png(2, 2, [0, 0, 0]));
  const notes = await upload(strapi, 'notes.txt', 'text/plain', Buffer.from('Grüße\n'));
  // Strapi exports no original that is private and lies below a folder.
  const isPrivate = await strapi.plugin('upload').provider.isPrivate();
  const deep = await uploadBelow(strapi, isPrivate ? null : '2024/05', 'deep.png', png(300, 200, [90, 10, 10]));

  const exhibits = documents('api::exhibit.exhibit');
  await exhibits.create({
    title: 'Pictures and their URLs',
    summary: `see ${notes.url}, or ${deep.url}?v=2`,
    body: `![wide](${wide.formats.small.url})\n\n<img src="${wide.url}" srcset="${wide.formats.thumbnail.url} 245w">\n`,
    story: [
      { type: 'paragraph', children: [{ type: 'link', url: notes.url, children: [{ type: 'text', text: 'notes' }] }] },
      { type: 'image', image: { ...wide, provider_metadata: null }, children: [{ type: 'text', text: '' }] },
    ],
    data: { poster: deep.url, other: 'https://elsewhere.example.com/wide.png' },
    quotes: [{ text: `[a dot](${dot.url})` }],
    cover: wide.id,
    pictures: [dot.id, deep.id],
  });
  await exhibits.create({ title: 'Without any', cover: null });
}

async function main() {
  process.chdir(dir);
  const running = await start(dir);
  await fill(running);
  await running.strapi.destroy();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error, JSON.stringify(error.details));
    process.exit(1);
  }
);
