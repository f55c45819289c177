'use strict';
// Packs the program for npm. Called by scripts/release:
//
//     node npm/pack.js VERSION PROGRAM CPU LIBC OUT [PLATFORM...]
//
// LIBC is glibc, or any for a static program. PLATFORM is one whose package is made elsewhere, such as linux-arm64.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const [version, program, cpu, libc, out, ...others] = process.argv.slice(2);
const root = path.dirname(__dirname);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'strapi-backup-npm-'));
const own = JSON.parse(fs.readFileSync(path.join(__dirname, 'package.json')));
const platform = `linux-${cpu}`;

function pack(name, manifest, files) {
  const at = path.join(folder, name);
  fs.mkdirSync(path.join(at, 'bin'), { recursive: true });
  for (const [to, from] of Object.entries(files)) fs.copyFileSync(from, path.join(at, to));
  fs.writeFileSync(path.join(at, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', path.resolve(out)], { cwd: at, stdio: ['ignore', 'ignore', 'inherit'] });
}

try {
  const license = path.join(root, 'LICENSE');
  pack(
    platform,
    {
      name: `@strapi-backup/${platform}`,
      version,
      description: `The program of strapi-backup for ${platform}`,
      license: own.license,
      os: ['linux'],
      cpu: [cpu],
      ...(libc === 'glibc' && { libc: ['glibc'] }),
      files: ['bin/backup'],
      // Yarn's archives cannot be run from.
      preferUnplugged: true,
    },
    { 'bin/backup': program, LICENSE: license },
  );
  const platforms = [...new Set([platform, ...others])].sort();
  pack(
    'launcher',
    {
      ...own,
      version,
      optionalDependencies: Object.fromEntries(platforms.map((it) => [`@strapi-backup/${it}`, version])),
    },
    {
      'backup.js': path.join(__dirname, 'backup.js'),
      'README.md': path.join(__dirname, 'README.md'),
      LICENSE: license,
    },
  );
} finally {
  fs.rmSync(folder, { recursive: true });
}
