// A small Buffer: enough to decode secrets and certificates that arrive in base64 or as files.
(function (host, lib) {
  'use strict';

  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

  const fromBase64 = (text) => {
    const out = [];
    let bits = 0;
    let held = 0;
    for (const letter of text.replace(/-/g, '+').replace(/_/g, '/')) {
      if (letter === '=') break;
      const six = ALPHABET.indexOf(letter);
      if (six < 0) continue;
      held = ((held << 6) | six) & 0xffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out.push((held >> bits) & 0xff);
      }
    }
    return out;
  };

  const toBase64 = (bytes) => {
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const chunk = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
      out += ALPHABET[chunk >> 18] + ALPHABET[(chunk >> 12) & 63];
      out += i + 1 < bytes.length ? ALPHABET[(chunk >> 6) & 63] : '=';
      out += i + 2 < bytes.length ? ALPHABET[chunk & 63] : '=';
    }
    return out;
  };

  const fromLatin1 = (text) => Array.from(text, (letter) => letter.charCodeAt(0) & 0xff);
  const toLatin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

  const encodings = {
    utf8: { read: (text) => host.utf8Bytes(text), write: (bytes) => host.utf8Text(Array.from(bytes)) },
    base64: { read: fromBase64, write: toBase64 },
    base64url: {
      read: fromBase64,
      write: (bytes) => toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, ''),
    },
    hex: {
      read: (text) => (/^([0-9a-f]{2})*/i.exec(text)[0].match(/../g) ?? []).map((pair) => parseInt(pair, 16)),
      write: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    },
    latin1: { read: fromLatin1, write: toLatin1 },
  };
  encodings['utf-8'] = encodings.utf8;
  encodings.binary = encodings.latin1;
  encodings.ascii = { read: fromLatin1, write: (bytes) => toLatin1(Array.from(bytes, (byte) => byte & 0x7f)) };

  const encoding = (name) => {
    const found = encodings[String(name ?? 'utf8').toLowerCase()];
    if (!found) throw new TypeError(`Unknown encoding: ${name}`);
    return found;
  };

  class Buffer extends Uint8Array {
    static from(value, name) {
      if (typeof value === 'string') return new Buffer(encoding(name).read(value));
      if (value instanceof ArrayBuffer) return new Buffer(value);
      return new Buffer(Array.from(value));
    }
    static alloc(size, fill) {
      return new Buffer(size).fill(fill ?? 0);
    }
    static isBuffer(value) {
      return value instanceof Buffer;
    }
    static byteLength(value, name) {
      return typeof value === 'string' ? encoding(name).read(value).length : value.byteLength;
    }
    static concat(list) {
      return new Buffer(list.flatMap((part) => Array.from(part)));
    }
    toString(name) {
      return encoding(name).write(this);
    }
    equals(other) {
      return this.length === other.length && this.every((byte, i) => byte === other[i]);
    }
    // What a configuration hands over: text where the bytes are text, else a marked base64 string.
    toJSON() {
      const text = this.toString('utf8');
      return text.includes('\ufffd') ? `base64:${toBase64(this)}` : text;
    }
  }

  lib.Buffer = Buffer;
  globalThis.Buffer = Buffer;
  globalThis.atob = (text) => toLatin1(fromBase64(String(text)));
  globalThis.btoa = (text) => toBase64(fromLatin1(String(text)));
})
