// `require`: the project's own files, a few modules that configurations lean on, and nothing else.
(function (host, lib) {
  'use strict';

  // A module that is here only in part. What is missing fails when it is called, and says so.
  const partly = (name, known) =>
    new Proxy(known, {
      get(target, key) {
        if (key in target || typeof key === 'symbol' || key === '__esModule' || key === 'default' || key === 'then') {
          return target[key];
        }
        if (lib.lenient) return noted(name);
        return () => {
          throw new Error(`${name}.${key} is not available while the configuration is read`);
        };
      },
    });

  // A stand-in for something of this module, of which it is told where it was asked for.
  const noted = (name) => {
    host.noteUnknown(name, String(new Error().stack));
    return standIn(host.standInMark(name));
  };

  const real = (file) => lib.path.resolve(file instanceof lib.url.URL ? lib.url.fileURLToPath(file) : String(file));

  const missing = (call, file) =>
    Object.assign(new Error(`ENOENT: no such file or directory, ${call} '${file}'`), { code: 'ENOENT', path: file });

  const stat = (file) => {
    const kind = host.kind(real(file));
    if (kind === '') throw missing('stat', file);
    return { isFile: () => kind === 'file', isDirectory: () => kind === 'directory' };
  };

  const fs = partly('fs', {
    existsSync: (file) => host.kind(real(file)) !== '',
    readFileSync: (file, options) => {
      const path = real(file);
      if (host.kind(path) === '') throw missing('open', file);
      const buffer = lib.Buffer.from(host.readBytes(path));
      const name = typeof options === 'string' ? options : options?.encoding;
      return name ? buffer.toString(name) : buffer;
    },
    statSync: stat,
    lstatSync: stat,
    accessSync: (file) => void stat(file),
    realpathSync: Object.assign((file) => (stat(file), real(file)), { native: (file) => (stat(file), real(file)) }),
    readdirSync: (folder, options) => {
      const path = real(folder);
      if (host.kind(path) !== 'directory') throw missing('scandir', folder);
      const entries = JSON.parse(host.list(path));
      if (!options?.withFileTypes) return entries.map(([name]) => name);
      return entries.map(([name, kind]) => ({
        name,
        path,
        parentPath: path,
        isFile: () => kind === 'file',
        isDirectory: () => kind === 'directory',
        isSymbolicLink: () => kind === 'link',
      }));
    },
    constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 },
  });

  const os = partly('os', {
    EOL: '\n',
    hostname: () => lib.env.HOSTNAME ?? 'localhost',
    homedir: () => lib.env.HOME ?? '/',
    tmpdir: () => lib.env.TMPDIR ?? '/tmp',
    platform: () => host.platform,
    type: () => (host.platform === 'darwin' ? 'Darwin' : host.platform === 'win32' ? 'Windows_NT' : 'Linux'),
    cpus: () => [{}],
    availableParallelism: () => 1,
    networkInterfaces: () => ({}),
    arch: () => host.arch,
    release: () => '',
    version: () => '',
    uptime: () => 0,
    loadavg: () => [0, 0, 0],
    userInfo: () => ({ username: lib.env.USER ?? '', homedir: lib.env.HOME ?? '/', uid: 0, gid: 0, shell: null }),
    totalmem: () => 0,
    freemem: () => 0,
  });

  const parseConnection = (text) => JSON.parse(host.parseConnectionString(String(text)));

  const parseDotenv = (text) => JSON.parse(host.parseDotenv(String(text)));

  const dotenv = partly('dotenv', {
    parse: parseDotenv,
    config: (options = {}) => {
      const parsed = {};
      for (const file of [options.path ?? '.env'].flat()) {
        if (!fs.existsSync(file)) return { parsed, error: missing('open', file) };
        for (const [key, value] of Object.entries(parseDotenv(fs.readFileSync(file, 'utf8')))) {
          if (!(key in parsed) || options.override) parsed[key] = value;
        }
      }
      for (const [key, value] of Object.entries(parsed)) {
        if (!(key in lib.env) || options.override) lib.env[key] = value;
      }
      return { parsed };
    },
  });

  const crypto = partly('crypto', lib.crypto);

  const util = partly('util', {
    TextEncoder: globalThis.TextEncoder,
    TextDecoder: globalThis.TextDecoder,
    inspect: (value) => String(value),
    format: (...parts) => parts.map(String).join(' '),
    promisify: (run) => (...args) => new Promise((done, fail) => run(...args, (error, value) => (error ? fail(error) : done(value)))),
    deprecate: (run) => run,
    isDeepStrictEqual: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });

  const { setTimeout, setImmediate, setInterval, clearTimeout, clearImmediate, clearInterval } = globalThis;
  const timers = { setTimeout, setImmediate, setInterval, clearTimeout, clearImmediate, clearInterval };

  const builtin = {
    path: () => lib.path,
    'path/posix': () => lib.path,
    fs: () => fs,
    os: () => os,
    url: () => lib.url,
    buffer: () => ({ Buffer: lib.Buffer }),
    process: () => globalThis.process,
    crypto: () => crypto,
    util: () => util,
    timers: () => timers,
    perf_hooks: () => ({ performance: globalThis.performance }),
    dotenv: () => dotenv,
    'dotenv/config': () => dotenv.config(),
    'pg-connection-string': () =>
      Object.assign((text) => parseConnection(text), { parse: parseConnection, parseIntoClientConfig: parseConnection }),
    '@strapi/database': () =>
      partly('@strapi/database', { isDatabaseClientKind: (client) => ['sqlite', 'mysql', 'postgres'].includes(client) }),
    '@strapi/utils': () => partly('@strapi/utils', { env: lib.envHelper }),
  };

  // Stands for a package that is not here, in files of which only one answer is wanted. Whatever is done with
  // it gives another stand-in, and where it ends up in the answer its mark is found.
  const standIn = (mark) => {
    const self = new Proxy(function () {}, {
      get(_, key) {
        if (key === Symbol.toPrimitive || key === 'toString' || key === 'toJSON') return () => mark;
        return key === '__esModule' || key === 'then' ? undefined : self;
      },
      set: () => true,
      has: () => true,
      apply: () => self,
      construct: () => self,
    });
    return self;
  };

  const isPath = (name) => /^(\.{0,2}\/|\.{1,2}$|[A-Za-z]:\/)/.test(name);

  // Where a package, or a file of one, is installed, as seen from a folder; nothing where it is not.
  const installed = (folder, name) => {
    for (let place = folder; ; place = lib.path.dirname(place)) {
      const path = lib.path.join(place, 'node_modules', name);
      if (host.kind(path) === 'file') return path;
      if (host.kind(path) === 'directory') {
        const manifest = lib.path.join(path, 'package.json');
        const main = host.kind(manifest) === 'file' ? JSON.parse(fs.readFileSync(manifest, 'utf8')).main : undefined;
        return host.locate(lib.path.join(path, main ?? 'index.js')) || manifest;
      }
      const found = host.locate(path);
      if (found !== '') return found;
      if (place === lib.path.dirname(place)) return '';
    }
  };

  const cache = Object.create(null);

  const load = (file) => {
    if (file in cache) return cache[file].exports;
    const module = { exports: {}, id: file, filename: file, loaded: false, children: [], paths: [] };
    cache[file] = module;
    try {
      if (file.endsWith('.json')) {
        module.exports = host.parseJson(file);
      } else {
        const seen = host.seenAs(file);
        const run = host.compile(file);
        run.call(module.exports, module.exports, requireFrom(file), module, seen, lib.path.dirname(seen));
      }
      module.loaded = true;
    } catch (error) {
      delete cache[file];
      throw error;
    }
    return module.exports;
  };

  const requireFrom = (from) => {
    const folder = lib.path.dirname(from);
    const require = (name) => {
      const bare = String(name).replace(/^node:/, '');
      if (Object.hasOwn(builtin, bare)) return builtin[bare]();
      const file = isPath(bare) ? host.locate(lib.path.resolve(folder, bare)) : '';
      if (file !== '') return load(file);
      const error = new Error(`Cannot find module '${name}'`);
      const line = host.noteUnknown(bare, String(error.stack));
      if (lib.lenient) return standIn(host.standInMark(bare));
      throw Object.assign(error, { code: 'MODULE_NOT_FOUND', configProblem: 'module', configModule: bare, configLine: line });
    };
    require.resolve = (name) => {
      const text = String(name);
      const bare = text.replace(/^node:/, '');
      if (Object.hasOwn(builtin, bare)) return text;
      const file = isPath(text) ? host.locate(lib.path.resolve(folder, text)) : installed(folder, text);
      if (file !== '') return file;
      if (lib.lenient) return String(noted(bare));
      throw Object.assign(new Error(`Cannot find module '${text}'`), { code: 'MODULE_NOT_FOUND' });
    };
    require.resolve.paths = () => [];
    require.main = undefined;
    require.cache = cache;
    return require;
  };

  lib.load = load;

  // What rewritten `import` statements and enums call.
  globalThis.__importDefault = (module) => (module && module.__esModule ? module.default : module);
  globalThis.__importAll = (module) => {
    if (module && module.__esModule) return module;
    return Object.create(Object(module), { default: { value: module, enumerable: true } });
  };
  globalThis.__exportAll = (exports, module) => {
    for (const key of Object.keys(module)) if (key !== 'default' && !(key in exports)) exports[key] = module[key];
  };
  globalThis.__enumMember = (target, name, ...value) => {
    const numbers = Object.keys(target).filter((key) => typeof target[key] === 'number');
    const next = numbers.length === 0 ? 0 : target[numbers[numbers.length - 1]] + 1;
    const given = value.length === 0 ? next : value[0];
    target[name] = given;
    if (typeof given === 'number') target[given] = name;
  };
})
