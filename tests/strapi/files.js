'use strict';

// Files for the seed: small pictures, and whatever else is uploaded.

const fs = require('fs');
const os = require('os');
const path = require('path');
const zlib = require('zlib');

const crcTable = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function pngChunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const crc = body.reduce((sum, byte) => crcTable[(sum ^ byte) & 0xff] ^ (sum >>> 8), 0xffffffff);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A PNG of one colour with a diagonal, as large as the test needs and small as a file. */
function png(width, height, [red, green, blue]) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const pixel = x === y ? [255, 255, 255] : [red, green, blue];
      rows.set(pixel, y * (1 + width * 3) + 1 + x * 3);
    }
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', zlib.deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

let folder;
process.on('exit', () => folder && fs.rmSync(folder, { recursive: true, force: true }));

/** Puts bytes where Strapi's upload service reads them from. Strapi 4 and 5 look under different names. */
function temporaryFile(bytes, name, mimetype) {
  folder ??= fs.mkdtempSync(path.join(os.tmpdir(), 'seed-'));
  const filepath = path.join(fs.mkdtempSync(path.join(folder, 'file-')), 'upload');
  fs.writeFileSync(filepath, bytes);
  const size = bytes.length;
  return { filepath, originalFilename: name, mimetype, path: filepath, name, type: mimetype, size };
}

async function upload(strapi, name, mimetype, bytes, fileInfo = {}) {
  // Strapi checks the name that the browser sends, not the one that the user gives the file afterwards.
  const sent = temporaryFile(bytes, `upload${path.extname(name)}`, mimetype);
  const [file] = await strapi
    .plugin('upload')
    .service('upload')
    .upload({ data: { fileInfo: { name, ...fileInfo } }, files: [sent] });
  return file;
}

module.exports = { png, temporaryFile, upload };
