#!/bin/sh
# Installs the command line of Prisma 1 that the tests run.
#
#     tests/prisma1/install.sh DIR
#     BACKUP_TEST_PRISMA1=DIR cargo test prisma_judge::
#
# Needs node 20 or later and npm. The first run takes a minute and 160 MB; later ones end at once, until the lock file
# changes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 1 ] || [ -z "$1" ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ -f "$dir/.installed" ] && cmp -s "$here/package-lock.json" "$dir/.installed"; then
    echo "prisma1 is installed in $dir"
    exit 0
fi
echo "Installing prisma1 in $dir (a minute)"
rm -f "$dir/.installed"
cp "$here/package.json" "$here/package-lock.json" "$dir/"
cd "$dir"
# It is of its time: nothing that its packages would do when they are installed is needed.
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
cp "$here/package-lock.json" .installed
