// URL and URLSearchParams for reading: the parsing itself is done outside the engine.
(function (host, lib) {
  'use strict';

  const plus = (text) => {
    try {
      return decodeURIComponent(text.replace(/\+/g, ' '));
    } catch {
      return text;
    }
  };

  class URLSearchParams {
    #pairs = [];
    constructor(from = '') {
      if (typeof from === 'string') {
        for (const part of from.replace(/^\?/, '').split('&')) {
          if (part === '') continue;
          const cut = part.indexOf('=');
          this.#pairs.push(cut < 0 ? [plus(part), ''] : [plus(part.slice(0, cut)), plus(part.slice(cut + 1))]);
        }
      } else {
        const pairs = typeof from[Symbol.iterator] === 'function' ? Array.from(from) : Object.entries(from);
        this.#pairs = pairs.map(([key, value]) => [String(key), String(value)]);
      }
    }
    get(key) {
      return this.#pairs.find(([name]) => name === key)?.[1] ?? null;
    }
    getAll(key) {
      return this.#pairs.filter(([name]) => name === key).map(([, value]) => value);
    }
    has(key) {
      return this.#pairs.some(([name]) => name === key);
    }
    append(key, value) {
      this.#pairs.push([String(key), String(value)]);
    }
    delete(key) {
      this.#pairs = this.#pairs.filter(([name]) => name !== key);
    }
    set(key, value) {
      this.delete(key);
      this.append(key, value);
    }
    forEach(visit) {
      for (const [key, value] of this.#pairs) visit(value, key, this);
    }
    keys() {
      return this.#pairs.map(([key]) => key).values();
    }
    values() {
      return this.#pairs.map(([, value]) => value).values();
    }
    entries() {
      return this.#pairs.map((pair) => [...pair]).values();
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    get size() {
      return this.#pairs.length;
    }
    toString() {
      const encode = (text) => encodeURIComponent(text).replace(/%20/g, '+');
      return this.#pairs.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&');
    }
  }

  class URL {
    constructor(text, base) {
      const parsed = host.parseUrl(String(text), base === undefined ? '' : String(base));
      if (parsed === '') {
        throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' });
      }
      Object.assign(this, JSON.parse(parsed));
      this.searchParams = new URLSearchParams(this.search);
    }
    static canParse(text, base) {
      return host.parseUrl(String(text), base === undefined ? '' : String(base)) !== '';
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  }

  // The old `url.parse`, whose fields are null where the new class has empty strings.
  const parse = (text, queryObject) => {
    const url = new URL(text);
    const auth = url.username === '' ? null : plus(url.username) + (url.password === '' ? '' : `:${plus(url.password)}`);
    const query = url.search === '' ? null : url.search.slice(1);
    return {
      href: url.href,
      protocol: url.protocol,
      slashes: true,
      auth,
      host: url.host,
      hostname: url.hostname,
      port: url.port === '' ? null : url.port,
      pathname: url.pathname === '' ? null : url.pathname,
      path: url.pathname + url.search,
      search: url.search === '' ? null : url.search,
      hash: url.hash === '' ? null : url.hash,
      query: queryObject ? Object.fromEntries(url.searchParams) : query,
    };
  };

  lib.url = {
    URL,
    URLSearchParams,
    parse,
    pathToFileURL: (path) => new URL(`file://${encodeURI(lib.path.resolve(path)).replace(/[?#]/g, encodeURIComponent)}`),
    fileURLToPath: (url) => decodeURIComponent(new URL(String(url)).pathname),
  };
  globalThis.URL = URL;
  globalThis.URLSearchParams = URLSearchParams;
})
