'use strict';

// Compares backup with `strapi transfer`. To be run by scripts/compare-remote, which makes FOLDER/site.tar.
//
//     node compare.js FOLDER STRAPI BACKUP RUNS

const fs = require('fs');
const net = require('net');
const path = require('path');
const { spawn, spawnSync } = require('child_process');

const [folder, strapi, backup] = process.argv.slice(2, 5).map((arg) => path.resolve(arg));
const runs = Number(process.argv[5]);
const env = { ...process.env, NODE_ENV: 'production', STRAPI_TELEMETRY_DISABLED: 'true', FORCE_COLOR: '0' };

/** Runs a command to its end, and gives the seconds it took. */
function timed(command, args, options = {}) {
  const start = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, env: { ...env, ...options.env } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      if (code === 0) resolve(seconds);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`));
    });
  });
}

/** A project in which Strapi has run, with the site in it or empty. */
async function project(name, site) {
  const dir = path.join(folder, name);
  fs.cpSync(path.join(__dirname, '../../testdata/strapi5-sqlite/project'), dir, { recursive: true });
  fs.symlinkSync(path.join(strapi, 'node_modules'), path.join(dir, 'node_modules'));
  if (site) await timed(backup, ['import', '--project', dir, '-f', path.join(folder, 'site.tar'), '--force']);
  return dir;
}

/** Serves a project; its address, a token, and a way to end it. */
function serve(dir) {
  const child = spawn('node', [path.join(__dirname, 'remote.js'), dir], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
      const line = said.split('\n').slice(0, -1).find((one) => one.startsWith('{"url"'));
      if (!line) return;
      const { url, tokens } = JSON.parse(line);
      resolve({ port: Number(new URL(url).port), token: tokens.full, pushes: tokens.push, end: () => child.kill() });
    });
    child.on('exit', (code) => reject(new Error(`Strapi ended with ${code}:\n${said}`)));
  });
}

/** Stands before a port, and measures the connections through it that are of one kind: `pull` or `push`. */
function meter(port, kind) {
  let sessions = [];
  const server = net.createServer((client) => {
    const behind = net.connect(port, '127.0.0.1');
    const session = { head: '' };
    sessions.push(session);
    client.once('data', (bytes) => (session.head = bytes.toString('latin1')));
    const passes = () => {
      session.last = process.hrtime.bigint();
      session.first ??= session.last;
    };
    for (const [from, to] of [[client, behind], [behind, client]]) {
      from.setNoDelay(true);
      from.on('data', passes);
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  const seconds = () => {
    const all = sessions.filter(({ head }) => head.split('\r\n')[0].includes(`/runner/${kind}`));
    sessions = [];
    return all.reduce((sum, { first, last }) => sum + Number(last - first) / 1e9, 0);
  };
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ url: `http://127.0.0.1:${server.address().port}/admin`, seconds, end: () => server.close() });
    });
  });
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function main() {
  const [site, empty, local] = [await project('site', true), await project('empty'), await project('local', true)];
  const [from, to] = [await serve(site), await serve(empty)];
  const [pulls, pushes] = [await meter(from.port, 'pull'), await meter(to.port, 'push')];
  const tokens = { BACKUP_TOKEN: '', BACKUP_FROM_TOKEN: from.token, BACKUP_TO_TOKEN: to.token };
  const official = path.join(strapi, 'node_modules/.bin/strapi');
  const target = path.join(folder, 'target');
  const archive = path.join(folder, 'pulled');
  const fresh = () => {
    fs.rmSync(target, { recursive: true, force: true });
    fs.cpSync(path.join(__dirname, '../../testdata/strapi5-sqlite/project'), target, { recursive: true });
    fs.symlinkSync(path.join(strapi, 'node_modules'), path.join(target, 'node_modules'));
  };
  const ours = (args, given = {}) => timed(backup, args, { cwd: folder, env: { ...tokens, ...given } });
  const works = [
    ['pull into a project', 'strapi transfer --from', pulls, () =>
      timed(official, ['transfer', '--force', '--from', pulls.url, '--from-token', from.token], { cwd: target }), fresh],
    ['pull into a project', 'backup transfer --from', pulls, () =>
      ours(['transfer', '--force', '--from', pulls.url, '--to', target]), fresh],
    ['pull into an archive', 'backup export --from', pulls, () =>
      ours(['export', '--no-encrypt', '--overwrite', '-f', archive, '--from', pulls.url], { BACKUP_TOKEN: from.token })],
    ['push out of a project', 'strapi transfer --to', pushes, () =>
      timed(official, ['transfer', '--force', '--to', pushes.url, '--to-token', to.token], { cwd: local })],
    ['push out of a project', 'backup transfer --to, a token for pushes alone', pushes, () =>
      ours(['transfer', '--force', '--no-safety-copy', '--from', local, '--to', pushes.url], { BACKUP_TO_TOKEN: to.pushes })],
    ['push out of a project', 'backup transfer --to, no safety copy', pushes, () =>
      ours(['transfer', '--force', '--no-safety-copy', '--from', local, '--to', pushes.url])],
    ['push out of a project', 'backup transfer --to', pushes, () =>
      ours(['transfer', '--force', '--from', local, '--to', pushes.url])],
  ].map(([work, contender, through, run, prepare]) => ({ work, contender, through, run, prepare, whole: [], session: [] }));
  for (let round = 0; round < runs; round += 1) {
    for (const each of works) {
      if (each.prepare) each.prepare();
      spawnSync('sync');
      each.whole.push(await each.run());
      each.session.push(each.through.seconds());
      console.error(`${round + 1}: ${each.work}, ${each.contender}: ${each.whole.at(-1).toFixed(2)} s`);
    }
  }
  const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
  row(['work', 'contender', 'whole command', 'least to most', 'session', 'whole, times ours', 'session, times ours']);
  row(Array(7).fill('---'));
  for (const each of works) {
    const base = works.find((one) => one.work === each.work && one.contender.startsWith('backup'));
    const [whole, session] = [median(each.whole), median(each.session)];
    const s = (value) => `${value.toFixed(2)} s`;
    const times = (value, of) => `${(value / median(of)).toFixed(1)}×`;
    row([each.work, each.contender, s(whole), `${s(Math.min(...each.whole))} to ${s(Math.max(...each.whole))}`,
      s(session), times(whole, base.whole), times(session, base.session)]);
  }
  for (const each of [pulls, pushes, from, to]) each.end();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
