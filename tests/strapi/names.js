// Names at random, and what Strapi's own code makes of them: node names.js NODE_MODULES SEED COUNT
//
// A line of JSON each: a name, another one, the first one's snake case, its global id as a component's, its column and
// the join table of the two.

'use strict';

const path = require('path');
const [modules, seed, count] = process.argv.slice(2);
const _ = require(path.join(modules, 'lodash'));
// The package does not export it.
const { Identifiers } = require(path.join(modules, '@strapi/database/dist/utils/identifiers/index.js'));

let state = Number(seed);
function below(limit) {
  // mulberry32
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % limit;
}

const between = (first, last) => () => String.fromCodePoint(first + below(last - first + 1));
const oneOf = (texts) => () => texts[below(texts.length)];
const KINDS = [
  between(0x61, 0x7a),
  between(0x61, 0x7a),
  between(0x41, 0x5a),
  between(0x30, 0x39),
  between(0x00, 0xff),
  between(0xc0, 0x17f),
  between(0x300, 0x36f),
  between(0x370, 0x52f),
  between(0x3040, 0x30ff),
  between(0x4e00, 0x9fa5),
  between(0x2000, 0x20ff),
  between(0x2700, 0x27bf),
  between(0x1f300, 0x1faff),
  between(0x1f1e6, 0x1f1ff),
  between(0x10400, 0x1044f),
  oneOf(['\ufeff', '\u180e', '\u1680', '\u3000', '\ufe20', '\ufe0f', '\ufe0e', '\u200d', '\u{1f3fb}', '\u{1f3ff}']),
  oneOf(['1st', '2ND', '3rd', '11th', '4TH', '13rd', '0th', "'s", '’ve', "'LL", '_', '-', ' ', '.']),
  oneOf(['straße', 'ÉtatCivil', 'Größe', 'œuvre', 'Łódź', 'имя', 'Фамилия', 'ΟΔΟΣ', 'İstanbul', 'HTML', 'año', '👩‍👩‍👧']),
];

function name() {
  // A few kinds a name, so that runs come about.
  const kinds = Array.from({ length: 1 + below(4) }, () => KINDS[below(KINDS.length)]);
  const length = below(8) ? 1 + below(12) : 1 + below(90);
  return Array.from({ length }, () => kinds[below(kinds.length)]()).join('');
}

const identifiers = new Identifiers({ maxLength: 55 });
const lines = [];
while (lines.length < Number(count)) {
  const [one, other] = [name(), name()];
  const [table, attribute] = [_.snakeCase(one), _.snakeCase(other)];
  // Strapi has no name for those either.
  if (!table || !attribute) continue;
  lines.push(
    JSON.stringify([
      one,
      other,
      table,
      _.upperFirst(_.camelCase(`component_${one}`)),
      // As it reaches a database: half a character is replaced.
      Buffer.from(identifiers.getColumnName(table)).toString(),
      Buffer.from(identifiers.getJoinTableName(table, attribute)).toString(),
    ])
  );
}
process.stdout.write(`${lines.join('\n')}\n`);
