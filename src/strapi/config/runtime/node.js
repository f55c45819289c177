// What Node has besides: real where that is simple, and inert where it cannot matter to a configuration, which Strapi reads
// without waiting for anything.
(function (host, lib) {
  'use strict';

  const define = (name, value) => {
    if (globalThis[name] === undefined) globalThis[name] = value;
  };

  define('TextEncoder', class TextEncoder {
    encoding = 'utf-8';
    encode(text = '') {
      return new Uint8Array(host.utf8Bytes(String(text)));
    }
  });
  define('TextDecoder', class TextDecoder {
    encoding = 'utf-8';
    decode(bytes = []) {
      const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
      return host.utf8Text(Array.from(view)).replace(/^\ufeff/, '');
    }
  });

  const copy = (value, seen) => {
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`${String(value)} could not be cloned.`);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (made) => (seen.set(value, made), made);
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof Uint8Array) return keep(value.slice());
    if (value instanceof Map) {
      const map = keep(new Map());
      for (const [key, one] of value) map.set(copy(key, seen), copy(one, seen));
      return map;
    }
    if (value instanceof Set) {
      const set = keep(new Set());
      for (const one of value) set.add(copy(one, seen));
      return set;
    }
    const made = keep(Array.isArray(value) ? [] : {});
    for (const key of Object.keys(value)) made[key] = copy(value[key], seen);
    return made;
  };
  define('structuredClone', (value) => copy(value, new Map()));

  // Whoever waits for one gets on at once; what would come again and again does not come.
  const timer = () => {
    const self = { ref: () => self, unref: () => self, hasRef: () => false, refresh: () => self, close: () => self };
    self[Symbol.toPrimitive] = () => 1;
    return self;
  };
  const soon = (run, args) => {
    const own = timer();
    Promise.resolve().then(() => own.cleared || (typeof run === 'function' && run(...args)));
    return own;
  };
  const clear = (own) => {
    if (typeof own === 'object' && own !== null) own.cleared = true;
  };
  define('setTimeout', (run, _wait, ...args) => soon(run, args));
  define('setImmediate', (run, ...args) => soon(run, args));
  define('setInterval', () => timer());
  define('clearTimeout', clear);
  define('clearImmediate', clear);
  define('clearInterval', clear);
  define('queueMicrotask', (run) => void Promise.resolve().then(() => run()));

  class Event {
    constructor(type) {
      this.type = String(type);
    }
  }
  class EventTarget {
    addEventListener() {}
    removeEventListener() {}
    dispatchEvent() {
      return true;
    }
  }
  class AbortSignal extends EventTarget {
    aborted = false;
    reason = undefined;
    throwIfAborted() {
      if (this.aborted) throw this.reason;
    }
    static abort(reason) {
      const signal = new AbortSignal();
      return Object.assign(signal, { aborted: true, reason: reason ?? new Error('This operation was aborted') });
    }
    static timeout() {
      return new AbortSignal();
    }
    static any() {
      return new AbortSignal();
    }
  }
  define('Event', Event);
  define('EventTarget', EventTarget);
  define('AbortSignal', AbortSignal);
  define('AbortController', class AbortController {
    signal = new AbortSignal();
    abort(reason) {
      Object.assign(this.signal, AbortSignal.abort(reason));
    }
  });

  define('performance', { now: () => 0, timeOrigin: Date.now(), mark() {}, measure() {} });

  // Enough to be asked for the time zone, and to print something.
  const format = (text) =>
    class {
      format(value) {
        return text(value);
      }
      formatToParts(value) {
        return [{ type: 'literal', value: text(value) }];
      }
      resolvedOptions() {
        return { locale: 'en-US', calendar: 'gregory', numberingSystem: 'latn', timeZone: lib.env.TZ || host.timeZone };
      }
      static supportedLocalesOf(locales) {
        return [locales ?? []].flat();
      }
    };
  // Node lets them be called without `new` as well.
  const callable = (type) => new Proxy(type, { apply: (target, _this, args) => new target(...args) });
  define('Intl', {
    DateTimeFormat: callable(format((value) => new Date(value ?? Date.now()).toISOString())),
    NumberFormat: callable(format(String)),
    ListFormat: callable(format((list) => Array.from(list).join(', '))),
    PluralRules: callable(class { select() { return 'other'; } }),
    Collator: callable(class { compare(a, b) { return a < b ? -1 : a > b ? 1 : 0; } }),
    getCanonicalLocales: (locales) => [locales ?? []].flat(),
    supportedValuesOf: () => [],
  });

  const randomBytes = (size) => {
    const bytes = lib.Buffer.alloc(size);
    for (let i = 0; i < size; i += 1) bytes[i] = Math.floor(Math.random() * 256);
    return bytes;
  };
  const randomUUID = () => {
    const hex = randomBytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  lib.crypto = {
    randomBytes,
    randomUUID,
    randomInt: (low, high) => (high === undefined ? 0 : low),
    getRandomValues: (view) => (view.set(randomBytes(view.length)), view),
  };
  define('crypto', lib.crypto);

  const seconds = () => Date.now() / 1000;
  lib.hrtime = Object.assign(
    ([since, part] = [0, 0]) => {
      const now = seconds() - since - part / 1e9;
      return [Math.floor(now), Math.floor((now % 1) * 1e9)];
    },
    { bigint: () => BigInt(Date.now()) * 1000000n }
  );
})
