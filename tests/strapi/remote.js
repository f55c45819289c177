'use strict';

// Serves the Strapi project in a folder on a port that is free, without the panel of the administrators, for transfers.
// When it listens, it says a line of JSON: `url`, and `tokens` by what they may: `full`, `push`, `pull`, `expired`. It
// ends when stdin does.
//
//     node remote.js DIR [no-salt|switched-off]

const path = require('path');
const start = require('./versions');

async function main() {
  const dir = path.resolve(process.argv[2]);
  const mode = process.argv[3];
  process.chdir(dir);
  // Strapi 4 looks for it when it is loaded, Strapi 5 in its configuration at every request.
  if (mode === 'switched-off') process.env.STRAPI_DISABLE_REMOTE_DATA_TRANSFER = 'true';
  const { strapi } = await start(dir, (config) => {
    config.set('server.port', 0);
    config.set('admin.serveAdminPanel', false);
  });
  await strapi.start();

  const service = strapi.service('admin::transfer').token;
  const made = async (name, permissions) => {
    const { id, accessKey } = await service.create({
      name: `${name} ${process.hrtime.bigint()}`,
      description: '',
      permissions,
      lifespan: null,
    });
    return { id, accessKey };
  };
  const expired = await made('expired', ['push', 'pull']);
  await strapi.db.query('admin::transfer-token').update({
    where: { id: expired.id },
    data: { lifespan: 604800000, expiresAt: Date.now() - 1000 },
  });
  const tokens = {
    full: (await made('full', ['push', 'pull'])).accessKey,
    push: (await made('push', ['push'])).accessKey,
    pull: (await made('pull', ['pull'])).accessKey,
    expired: expired.accessKey,
  };
  if (mode === 'no-salt') strapi.config.set('admin.transfer.token.salt', undefined);
  if (mode === 'switched-off') strapi.config.set('server.transfer.remote.enabled', false);

  const { port } = strapi.server.httpServer.address();
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/admin`, tokens }));
  process.stdin.on('end', () => process.exit(0)).resume();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
