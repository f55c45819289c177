'use strict';

// Serves the Strapi project in a folder on a port that is free, while a shell runs a script in it, and ends as the script
// does. The script has `url` and, of full access, `token`.
//
//     node serve.js DIR SCRIPT

const path = require('path');
const { spawn } = require('child_process');
const start = require('./versions');

async function main() {
  const [dir, script] = process.argv.slice(2).map((arg) => path.resolve(arg));
  process.chdir(dir);
  const { strapi } = await start(dir);
  strapi.config.set('server.port', 0);
  await strapi.start();
  const { port } = strapi.server.httpServer.address();
  const { accessKey } = await strapi.service('admin::api-token').create({
    name: `served ${process.hrtime.bigint()}`,
    description: '',
    type: 'full-access',
    lifespan: null,
  });
  const env = { ...process.env, url: `http://127.0.0.1:${port}`, token: accessKey };
  const shell = spawn('sh', ['-eux', script], { cwd: dir, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((resolve) => shell.on('close', resolve));
  await strapi.destroy();
  process.exit(code === null ? 1 : code);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
