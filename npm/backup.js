#!/usr/bin/env node
'use strict';
// Starts the program that the package for this platform brings, and ends as it ends.

const { spawn } = require('node:child_process');
const { accessSync, constants } = require('node:fs');
const { constants: { signals } } = require('node:os');
const { isatty } = require('node:tty');

const platform = `${process.platform}-${process.arch}`;
const own = require('./package.json');
const wanted = `@strapi-backup/${platform}`;

function fail(text, advice) {
  process.stderr.write(`error: ${text}\n  ${advice}\n`);
  process.exit(1);
}

function find() {
  const offered = Object.keys(own.optionalDependencies ?? {});
  if (!offered.includes(wanted)) {
    const names = offered.map((name) => name.split('/')[1]).join(', ');
    fail(`strapi-backup has no package for ${platform}, only for: ${names}`, 'build it from source, as its README says');
  }
  try {
    return require.resolve(`${wanted}/bin/backup`);
  } catch {
    return fail(
      `the package ${wanted}, which holds the program, is not installed`,
      'it is an optional dependency: install again with npm install --include=optional, with a lock file that was made on ' +
        'this platform, and mind that a build for glibc is passed over on musl (Alpine)',
    );
  }
}

const program = find();
try {
  accessSync(program, constants.X_OK);
} catch (error) {
  fail(`cannot run ${program}: ${error.message}`, 'install it again, or make it executable');
}
const words = process.argv.slice(2);

// Where Node can become the program (since 22.15), signals, the terminal and the exit code are its own.
if (typeof process.execve === 'function') {
  process.execve(program, [program, ...words]);
}

const child = spawn(program, words, { stdio: 'inherit' });
const atTerminal = [0, 1, 2].some((stream) => isatty(stream));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C at a terminal, and a supervisor that ends a whole group, reach the program as well, and a second signal would
    // end it on the spot: it gets this one only where it goes on.
    if (signal !== 'SIGINT' || !atTerminal) setTimeout(() => child.kill(signal), 1000);
  });
}
child.on('error', (error) => fail(`cannot run ${program}: ${error.message}`, 'install it again'));
child.on('exit', (code, signal) => process.exit(code ?? 128 + signals[signal]));
