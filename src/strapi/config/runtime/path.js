// Node's `path`, the POSIX flavour. The project's folders reach the engine with forward slashes on every
// platform, so one flavour is enough; a leading drive letter counts as a root.
(function (host, lib) {
  'use strict';

  const text = (value, name) => {
    if (typeof value !== 'string') {
      throw new TypeError(`The "${name}" argument must be of type string. Received ${value === null ? 'null' : typeof value}`);
    }
    return value;
  };

  // '/' or 'C:/' or ''
  const rootOf = (path) => /^([A-Za-z]:)?\//.exec(path)?.[0] ?? '';

  const squeeze = (rest, rooted) => {
    const out = [];
    for (const part of rest.split('/')) {
      if (part === '' || part === '.') continue;
      if (part !== '..') out.push(part);
      else if (out.length > 0 && out[out.length - 1] !== '..') out.pop();
      else if (!rooted) out.push('..');
    }
    return out.join('/');
  };

  const isAbsolute = (path) => rootOf(text(path, 'path')) !== '';

  const normalize = (path) => {
    if (text(path, 'path') === '') return '.';
    const root = rootOf(path);
    let rest = squeeze(path.slice(root.length), root !== '');
    if (rest === '' && root === '') rest = '.';
    if (rest !== '' && path.endsWith('/')) rest += '/';
    return root + rest;
  };

  const join = (...parts) => normalize(parts.filter((part) => text(part, 'path') !== '').join('/'));

  const resolve = (...parts) => {
    let path = '';
    for (let i = parts.length - 1; i >= 0 && rootOf(path) === ''; i -= 1) {
      if (text(parts[i], `paths[${i}]`) !== '') path = path === '' ? parts[i] : `${parts[i]}/${path}`;
    }
    if (rootOf(path) === '') path = path === '' ? host.project : `${host.project}/${path}`;
    const root = rootOf(path);
    return root + squeeze(path.slice(root.length), true);
  };

  const parse = (path) => {
    const root = rootOf(text(path, 'path'));
    const rest = path.slice(root.length).replace(/\/+$/, '');
    const cut = rest.lastIndexOf('/');
    const base = rest.slice(cut + 1);
    const dot = base.lastIndexOf('.');
    const ext = dot > 0 && base !== '..' ? base.slice(dot) : '';
    const parent = cut < 0 ? '' : rest.slice(0, cut).replace(/\/+$/, '');
    return { root, dir: root + parent, base, ext, name: ext === '' ? base : base.slice(0, -ext.length) };
  };

  const basename = (path, suffix) => {
    const { base } = parse(path);
    return suffix && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  };

  const relative = (from, to) => {
    const a = resolve(from).split('/').filter(Boolean);
    const b = resolve(to).split('/').filter(Boolean);
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
    return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
  };

  lib.path = {
    sep: '/',
    delimiter: ':',
    isAbsolute,
    normalize,
    join,
    resolve,
    relative,
    parse,
    basename,
    dirname: (path) => parse(path).dir || '.',
    extname: (path) => parse(path).ext,
    format: ({ dir, root, base, name, ext }) => {
      const file = base ?? `${name ?? ''}${ext ?? ''}`;
      const folder = dir ?? root ?? '';
      return folder === '' || folder === root ? folder + file : `${folder}/${file}`;
    },
    toNamespacedPath: (path) => path,
  };
  lib.path.posix = lib.path;
})
