// What Node dials for configurations of many kinds: each is loaded with Strapi's own loader and given to the clients of the
// databases, in a process of its own. Writes the answers to a file of the tests:
//
//     node tests/strapi/dials.js NODE_MODULES src/strapi/config/tests/dials.json
//
// NODE_MODULES is that of a Strapi 5, as tests/strapi/install.sh makes it. In an answer, `error` says that Strapi would not
// have started.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const js = (body) => `module.exports = ({ env }) => (${body});`;
const pg = (connection, more = '') => js(`{ connection: { client: 'postgres', connection: ${connection}${more} } }`);
const my = (connection) => js(`{ connection: { client: 'mysql', connection: ${connection} } }`);
const lite = (name) => js(`{ connection: { client: 'sqlite', connection: { filename: ${name} }, useNullAsDefault: true } }`);
const BASE = pg("{ host: 'base', port: 1, database: 'cms', user: 'u', password: 'p', schema: 's' }");
const TEMPLATE = `const path = require('path');
module.exports = ({ env }) => {
  const client = env('DATABASE_CLIENT', 'sqlite');
  const connections = {
    mysql: { connection: { host: env('DATABASE_HOST', 'localhost'), port: env.int('DATABASE_PORT', 3306), database:
      env('DATABASE_NAME', 'strapi'), user: env('DATABASE_USERNAME', 'strapi'), password: env('DATABASE_PASSWORD', 'strapi'),
      ssl: env.bool('DATABASE_SSL', false) && { rejectUnauthorized: env.bool('DATABASE_SSL_REJECT_UNAUTHORIZED', true) } } },
    postgres: { connection: { connectionString: env('DATABASE_URL'), host: env('DATABASE_HOST', 'localhost'), port:
      env.int('DATABASE_PORT', 5432), database: env('DATABASE_NAME', 'strapi'), user: env('DATABASE_USERNAME', 'strapi'),
      password: env('DATABASE_PASSWORD', 'strapi'), schema: env('DATABASE_SCHEMA', 'public'), ssl: env.bool('DATABASE_SSL',
      false) && { rejectUnauthorized: env.bool('DATABASE_SSL_REJECT_UNAUTHORIZED', true) } } },
    sqlite: { connection: { filename: path.join(__dirname, '..', env('DATABASE_FILENAME', '.tmp/data.db')) } },
  };
  return { connection: { client, ...connections[client], acquireConnectionTimeout: 60000 } };
};`;
const TYPED = TEMPLATE.replace("const path = require('path');", "import path from 'path';")
  .replace('module.exports = ({ env }) =>', 'export default ({ env }: { env: any }) =>')
  .replace("'..', env(", "'..', '..', env(");

/** Name, files, variables of the process. */
const cases = [
  ['the template, nothing set', { 'config/database.js': TEMPLATE }, {}],
  ['the template, sqlite by .env', { 'config/database.js': TEMPLATE, '.env': 'DATABASE_FILENAME=data/site.db\n' }, {}],
  ['the template, mysql', { 'config/database.js': TEMPLATE, '.env': "DATABASE_CLIENT=mysql\nDATABASE_HOST=db\nDATABASE_PASSWORD='a#b'\n" }, {}],
  ['the template, postgres by URL', { 'config/database.js': TEMPLATE, '.env': 'DATABASE_CLIENT=postgres\nDATABASE_URL=postgres://a:b%40c@db.example:6543/site?sslmode=disable\n' }, {}],
  ['the template, postgres by parts', { 'config/database.js': TEMPLATE, '.env': 'DATABASE_CLIENT=postgres\nDATABASE_HOST=10.0.0.1\nDATABASE_PORT=6000\nDATABASE_SCHEMA=cms\nDATABASE_SSL=true\n' }, {}],
  ['the process over .env', { 'config/database.js': TEMPLATE, '.env': 'DATABASE_CLIENT=mysql\nDATABASE_NAME=file\n' }, { DATABASE_NAME: 'process' }],
  ['an empty variable of the process', { 'config/database.js': TEMPLATE, '.env': 'DATABASE_CLIENT=mysql\nDATABASE_NAME=file\n' }, { DATABASE_NAME: '' }],
  ['ENV_PATH', { 'config/database.js': TEMPLATE, '.env': 'DATABASE_FILENAME=a.db\n', 'other.env': 'DATABASE_FILENAME=b.db\n' }, { ENV_PATH: 'other.env' }],
  ['typescript', { 'config/database.ts': TYPED, 'tsconfig.json': '{"compilerOptions":{"outDir":"dist"}}' }, {}],
  ['typescript, postgres', { 'config/database.ts': TYPED, 'tsconfig.json': '{"compilerOptions":{"outDir":"dist"}}' }, { DATABASE_CLIENT: 'postgres', DATABASE_URL: 'postgresql://u@h/d' }],
  ['json', { 'config/database.json': '{"connection":{"client":"sqlite","connection":{"filename":"x/y.db"}}}' }, {}],
  ['an object', { 'config/database.js': `module.exports = { connection: { client: 'sqlite', connection: { filename: '.tmp/data.db' } } };` }, {}],
  ['an absolute file', { 'config/database.js': lite("'/srv/data.db'") }, {}],
  ['production alone', { 'config/env/production/database.js': BASE }, { NODE_ENV: 'production' }],
  ['production over the general one', { 'config/database.js': BASE, 'config/env/production/database.js': pg("{ host: 'live', user: undefined, password: null }") }, { NODE_ENV: 'production' }],
  ['production, by .env', { 'config/database.js': lite("'dev.db'"), 'config/env/production/database.js': BASE, '.env': 'NODE_ENV=production\n' }, {}],
  ['development, by default', { 'config/database.js': lite("'dev.db'"), 'config/env/production/database.js': BASE }, {}],
  ['an empty NODE_ENV', { 'config/database.js': lite("'dev.db'"), 'config/env/development/database.js': lite("'development.db'") }, { NODE_ENV: '' }],
  ['an environment file that lacks the connection', { 'config/database.js': BASE, 'config/env/production/database.js': 'module.exports = { settings: {} };' }, { NODE_ENV: 'production' }],
  ['an environment file that is empty', { 'config/database.js': BASE, 'config/env/production/database.js': '' }, { NODE_ENV: 'production' }],
  ['an environment file whose connection is undefined', { 'config/database.js': BASE, 'config/env/production/database.js': 'module.exports = { connection: undefined };' }, { NODE_ENV: 'production' }],
  ['plugins of an environment without upload', { 'config/database.js': BASE, 'config/plugins.js': js("{ upload: { config: { provider: 'aws-s3' } } }"), 'config/env/production/plugins.js': js("{ email: { config: {} } }") }, { NODE_ENV: 'production' }],
  ['plugins of an environment with another provider', { 'config/database.js': BASE, 'config/plugins.js': js("{ upload: { config: { provider: 'local' } } }"), 'config/env/production/plugins.js': js("{ upload: { config: { provider: 'cloudinary' } } }") }, { NODE_ENV: 'production' }],
  ['server of an environment without dirs', { 'config/database.js': BASE, 'config/server.js': js("{ dirs: { public: './files' } }"), 'config/env/production/server.js': js("{ url: 'https://x' }") }, { NODE_ENV: 'production' }],
  ['server of an environment with other dirs', { 'config/database.js': BASE, 'config/server.js': js("{ dirs: { public: './files' } }"), 'config/env/production/server.js': js("{ dirs: { public: '/srv/files' } }") }, { NODE_ENV: 'production' }],
  ['postgres, only a database', { 'config/database.js': pg("{ database: 'd' }") }, { PGUSER: 'pu', PGHOST: 'ph', PGPORT: '7000', PGPASSWORD: 'pp' }],
  ['postgres, nothing but the variables of libpq', { 'config/database.js': pg('{}') }, { PGUSER: 'pu', PGDATABASE: 'pd' }],
  ['postgres, the URL wins over the parts', { 'config/database.js': pg("{ connectionString: 'postgres://a:b@c:1/d', host: 'h', port: 2, user: 'u', database: 'e' }") }, {}],
  ['postgres, a URL without a port', { 'config/database.js': pg("{ connectionString: 'postgres://a@c/d', port: 2 }") }, {}],
  ['postgres, a URL with a socket', { 'config/database.js': pg("{ connectionString: 'postgres:///d?host=/run/pg', user: 'u' }") }, {}],
  ['postgres, a URL in place of the object', { 'config/database.js': pg("'postgres://a:b@c:1/d'") }, {}],
  ['postgres, parts of DATABASE_URL by pg-connection-string', { 'config/database.js': `const parse = require('pg-connection-string').parse;\nconst { host, port, database, user, password } = parse(process.env.DATABASE_URL);\nmodule.exports = { connection: { client: 'postgres', connection: { host, port, database, user, password, ssl: { rejectUnauthorized: false } } } };` }, { DATABASE_URL: 'postgres://a:b%2Fc@h:5433/d' }],
  ['postgres, parts by URL', { 'config/database.js': `const u = new URL(process.env.DATABASE_URL);\nmodule.exports = { connection: { client: 'postgres', connection: { host: u.hostname, port: Number(u.port), database: u.pathname.slice(1), user: u.username, password: decodeURIComponent(u.password) } } };` }, { DATABASE_URL: 'postgres://a:b%2Fc@h:5433/d' }],
  ['postgres, a port as text', { 'config/database.js': pg("{ host: 'h', port: '6000', database: 'd', user: 'u' }") }, {}],
  ['postgres, a socket as host', { 'config/database.js': pg("{ host: '/var/run/postgresql', database: 'd', user: 'u' }") }, {}],
  ['postgres, searchPath', { 'config/database.js': pg("{ host: 'h', database: 'd', user: 'u', schema: 'one' }", ", searchPath: ['two']") }, {}],
  ['postgres, ssl true', { 'config/database.js': pg("{ host: 'h', database: 'd', user: 'u', ssl: true }") }, {}],
  ['postgres, sslmode in the URL', { 'config/database.js': pg("{ connectionString: 'postgres://u@h/d?sslmode=no-verify' }") }, {}],
  ['postgres, a function', { 'config/database.js': pg("() => ({ host: 'made', database: 'd', user: 'u' })") }, {}],
  ['postgres, a function that takes its time', { 'config/database.js': pg("async () => { await new Promise((done) => setTimeout(done, 5)); return { host: 'late', database: 'd', user: 'u' }; }") }, {}],
  ['a function over an object', { 'config/database.js': pg("{ host: 'base', port: 6543, ssl: true, schema: 's', user: 'u' }"), 'config/env/production/database.js': pg("() => ({ host: 'live', database: 'd', user: 'v' })") }, { NODE_ENV: 'production' }],
  ['an object over a function', { 'config/database.js': pg("() => ({ host: 'base', user: 'u', schema: 's', ssl: true })"), 'config/env/production/database.js': pg("{ host: 'live', database: 'd' }") }, { NODE_ENV: 'production', USER: 'me' }],
  ['another setting over a function', { 'config/database.js': pg("() => ({ host: 'base', database: 'd', user: 'u' })"), 'config/env/production/database.js': js("{ connection: { acquireConnectionTimeout: 1 } }") }, { NODE_ENV: 'production' }],
  ['mysql, defaults', { 'config/database.js': my("{ database: 'd' }") }, {}],
  ['mysql, a socket', { 'config/database.js': my("{ socketPath: '/run/mysqld/mysqld.sock', database: 'd', user: 'u' }") }, {}],
  ['mysql, a URI', { 'config/database.js': my("{ uri: 'mysql://a:b%40@h:3307/d' }") }, {}],
  ['mysql, a URI and parts', { 'config/database.js': my("{ uri: 'mysql://a@h/d', host: 'x', database: 'y' }") }, {}],
  ['mysql, ssl', { 'config/database.js': my("{ host: 'h', database: 'd', user: 'u', ssl: { rejectUnauthorized: false } }") }, {}],
  ['a module of the project', { 'config/database.js': "const { host } = require('../settings');\nmodule.exports = { connection: { client: 'postgres', connection: { host, database: 'd', user: 'u' } } };", 'settings.js': "exports.host = 'shared';" }, {}],
  ['os.networkInterfaces, fs.readdirSync, structuredClone', { 'config/database.js': "const os = require('os');\nconst fs = require('node:fs');\nconst files = fs.readdirSync(__dirname);\nmodule.exports = structuredClone({ connection: { client: 'sqlite', connection: { filename: (os.networkInterfaces() && files.includes('database.js')) ? 'a.db' : 'b.db' } } });" }, {}],
  ['TextEncoder, AbortController, timers, hrtime, memoryUsage', { 'config/database.js': "setTimeout(() => {}, 10).unref(); new AbortController().abort();\nconst [a] = new TextEncoder().encode('a'); process.hrtime.bigint(); process.memoryUsage();\nmodule.exports = { connection: { client: 'sqlite', connection: { filename: `${a}-${typeof Intl.DateTimeFormat().resolvedOptions().timeZone}.db` } } };" }, {}],
  ['require.resolve', { 'config/database.js': "const name = require('path').basename(require.resolve('./database'));\nmodule.exports = { connection: { client: 'sqlite', connection: { filename: `${name}.db` } } };" }, {}],
  ['an async configuration', { 'config/database.js': "module.exports = async () => ({ connection: { client: 'sqlite', connection: { filename: 'a.db' } } });" }, {}],
  ['async plugins', { 'config/database.js': BASE, 'config/plugins.js': "module.exports = async () => ({ upload: { config: { provider: 'aws-s3' } } });" }, {}],
  ['an unknown client', { 'config/database.js': js("{ connection: { client: 'oracle', connection: {} } }") }, {}],
  ['dotenv: quotes, comments, export, later lines', { 'config/database.js': lite("env('A') + env('B') + env('C') + env('D')"), '.env': "A='x # y' # z\nB=\"1\\n2\"\nexport C=c\nD=1\nD=2\n" }, {}],
  ['env.array and env.json', { 'config/database.js': lite("env.array('L').join('-') + env.json('J').a"), '.env': 'L=[a, "b"]\nJ={"a": 1}\n' }, {}],
];

/** Loads one configuration, in a process that has its variables alone. */
async function answer(modules, project) {
  const from = (name) => require(require.resolve(name, { paths: [modules] }));
  process.chdir(project);
  let dist = project;
  if (fs.existsSync('tsconfig.json')) {
    dist = path.join(project, 'dist');
    const typescript = from('typescript');
    fs.mkdirSync(path.join(dist, 'config'), { recursive: true });
    for (const file of fs.readdirSync('config')) {
      const options = { compilerOptions: { module: 'commonjs', esModuleInterop: true } };
      const { outputText } = typescript.transpileModule(fs.readFileSync(path.join('config', file), 'utf8'), options);
      fs.writeFileSync(path.join(dist, 'config', file.replace('.ts', '.js')), outputText);
    }
  }
  const { loadConfiguration } = require(path.join(modules, '@strapi/core/dist/configuration/index.js'));
  const config = loadConfiguration({ appDir: project, distDir: dist });
  const { client, connection: given, searchPath } = config.database.connection;
  const { isDatabaseClientKind } = require(path.join(modules, '@strapi/database/dist/connection.js'));
  if (!isDatabaseClientKind(client)) throw new Error(`Unsupported database client ${client}`);
  // As knex does.
  const connection = typeof given === 'function' ? await given() : given;
  const inside = (file) => (file.startsWith(`${project}/`) ? file.slice(project.length + 1) : file);
  const result = { client };
  if (client === 'sqlite') {
    result.file = inside(path.resolve(project, connection.filename));
  } else if (client === 'postgres') {
    const { host, port, user, database, connectionParameters } = new (from('pg').Client)(connection);
    const { ssl, password } = connectionParameters;
    const tls = ssl ? (ssl.rejectUnauthorized === false ? 'unchecked' : 'full') : 'off';
    const schema = connection.schema ?? searchPath?.[0] ?? null;
    Object.assign(result, { host, port, user, database, password: password ?? null, schema, tls });
  } else {
    const Config = require(path.join(modules, 'mysql2/lib/connection_config.js'));
    const { host, port, user, database, password, socketPath, ssl } = new Config(connection);
    const tls = ssl ? (ssl.rejectUnauthorized === false ? 'unchecked' : 'authority') : 'off';
    const where = socketPath ? { host: socketPath } : { host, port };
    Object.assign(result, { ...where, user: user ?? null, database, password: password ?? null, tls });
  }
  // Plugins have a loader of their own.
  global.strapi = { dirs: { dist: { config: path.join(dist, 'config') }, app: { root: project } }, config };
  const { getUserPluginsConfig } = require(path.join(modules, '@strapi/core/dist/loaders/plugins/get-user-plugins-config.js'));
  const plugins = await getUserPluginsConfig();
  result.provider = plugins?.upload?.config?.provider ?? 'local';
  result.public = inside(path.resolve(project, config.server.dirs.public));
  return result;
}

function main(modules, out) {
  const made = cases.map(([name, files, environment]) => {
    const project = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'dials-')));
    for (const [file, text] of Object.entries({ 'package.json': '{}', ...files })) {
      fs.mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
      fs.writeFileSync(path.join(project, file), text);
    }
    fs.symlinkSync(modules, path.join(project, 'node_modules'));
    let dialled;
    try {
      const options = { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
      const printed = execFileSync(process.execPath, [__filename, '--one', modules, project], options);
      dialled = JSON.parse(printed.trim().split('\n').pop());
    } catch (error) {
      dialled = { error: String(error.stderr ?? error).trim().split('\n').find((line) => /Error/.test(line)) ?? 'failed' };
    }
    fs.rmSync(project, { recursive: true });
    return { name, files, environment, dialled };
  });
  fs.writeFileSync(out, `${JSON.stringify(made, null, 1)}\n`);
}

const [first, second, third] = process.argv.slice(2);
if (first === '--one') {
  answer(second, third).then(
    (found) => console.log(JSON.stringify(found)),
    (error) => {
      console.error(String(error));
      process.exitCode = 1;
    }
  );
} else {
  main(path.resolve(first), second);
}
