// The globals that a configuration may use, Strapi's `env()`, and the function that evaluates one file.
(function (host, lib) {
  'use strict';

  const environment = JSON.parse(host.environment);
  lib.env = environment;

  const has = (key) => Object.hasOwn(environment, key);
  const raw = (key) => environment[key] ?? '';
  const env = (key, otherwise) => (has(key) ? environment[key] : otherwise);

  env.int = (key, otherwise) => (has(key) ? parseInt(raw(key), 10) : otherwise);
  env.float = (key, otherwise) => (has(key) ? parseFloat(raw(key)) : otherwise);
  env.bool = (key, otherwise) => (has(key) ? raw(key) === 'true' : otherwise);
  env.date = (key, otherwise) => (has(key) ? new Date(raw(key)) : otherwise);
  env.json = (key, otherwise) => {
    if (!has(key)) return otherwise;
    try {
      return JSON.parse(raw(key));
    } catch (error) {
      throw new Error(`Invalid json environment variable ${key}: ${error.message}`);
    }
  };
  env.array = (key, otherwise) => {
    if (!has(key)) return otherwise;
    const text = raw(key);
    const inner = text.startsWith('[') && text.endsWith(']') ? text.substring(1, text.length - 1) : text;
    return inner.split(',').map((part) => part.replace(/^ +| +$/g, '').replace(/^"+|"+$/g, ''));
  };
  env.oneOf = (key, expected, otherwise) => {
    if (!expected) throw new Error('env.oneOf requires expectedValues');
    if (otherwise && !expected.includes(otherwise)) {
      throw new Error('env.oneOf requires defaultValue to be included in expectedValues');
    }
    const value = env(key, otherwise);
    return value !== undefined && expected.includes(value) ? value : otherwise;
  };
  lib.envHelper = env;

  const quiet = () => {};
  const refuse = (what) => () => {
    throw new Error(`${what} is not available while the configuration is read`);
  };

  globalThis.global = globalThis;
  globalThis.console = new Proxy({}, { get: () => quiet });
  globalThis.process = {
    env: environment,
    argv: ['node', 'strapi'],
    execArgv: [],
    platform: host.platform,
    arch: host.arch,
    pid: 1,
    version: 'v20.0.0',
    versions: { node: '20.0.0' },
    title: 'strapi',
    release: { name: 'node' },
    config: {},
    features: {},
    stdin: { isTTY: false, on: quiet },
    stdout: { isTTY: false, write: () => true, on: quiet },
    stderr: { isTTY: false, write: () => true, on: quiet },
    cwd: () => host.project,
    uptime: () => 0,
    hrtime: lib.hrtime,
    memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), { rss: () => 0 }),
    cpuUsage: () => ({ user: 0, system: 0 }),
    getuid: () => 0,
    getgid: () => 0,
    umask: () => 0o22,
    nextTick: (run, ...args) => void Promise.resolve().then(() => run(...args)),
    emitWarning: quiet,
    on: quiet,
    once: quiet,
    off: quiet,
    addListener: quiet,
    removeListener: quiet,
    removeAllListeners: quiet,
    emit: () => false,
    listenerCount: () => 0,
    exit: refuse('process.exit'),
  };
  BigInt.prototype.toJSON = function () {
    return this.toString();
  };

  // A connection may be given as a function that makes it; Knex calls it when it connects.
  const called = (config) => {
    const make = config?.connection?.connection;
    if (typeof make !== 'function') return config;
    return Promise.resolve(make()).then((connection) => ({
      ...config,
      connection: { ...config.connection, connection },
    }));
  };

  // As they are before a configuration changes them.
  const { stringify } = JSON;
  const { create } = Object;

  const report = (config, key, made = false) => {
    const answer = create(null);
    answer.made = made;
    const part = config?.[key];
    if (config === undefined || config === null) answer.found = 'nothing';
    // Strapi does not wait, and finds nothing in it.
    else if (config instanceof Promise && !lib.lenient) answer.found = 'promise';
    else answer.found = part === undefined ? 'no part' : 'part';
    answer.part = part ?? null;
    // The provider for S3 of Strapi 5 tells an ACL that is undefined from one that is not there.
    return stringify(answer, (name, value) => (name === 'ACL' && value === undefined ? false : value));
  };

  // Evaluates `file` and reports the value under `key` as JSON (or a promise of it).
  lib.evaluate = (file, key, lenient) => {
    lib.lenient = lenient;
    const exported = globalThis.__importDefault(lib.load(file));
    const config = typeof exported === 'function' ? exported({ env }) : exported;
    // Plugins are the one thing that Strapi waits for.
    if (key === 'upload' && config instanceof Promise) return config.then((it) => report(it, key));
    if (key !== 'connection' || config?.connection === undefined) return report(config, key);
    const ready = called({ connection: config?.connection });
    return ready instanceof Promise ? ready.then((it) => report(it, key, true)) : report(config, key);
  };
})
