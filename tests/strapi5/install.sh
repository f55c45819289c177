#!/bin/sh
# Installs the Strapi that tests/strapi5.rs runs.
#
#     tests/strapi5/install.sh DIR
#     BACKUP_TEST_STRAPI5=DIR cargo test --test strapi5
#
# Needs node 20 or later and npm. The first run takes a few minutes and 700 MB; later ones end at once, until the lock
# file changes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 1 ] || [ -z "$1" ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
for program in node npm; do
    if ! command -v "$program" >/dev/null; then
        echo "$0: $program is not installed; Strapi 5 needs node 20 or later and npm" >&2
        exit 1
    fi
done
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    echo "$0: node $(node --version) is too old; Strapi 5 needs node 20 or later" >&2
    exit 1
fi

mkdir -p "$1"
dir=$(cd "$1" && pwd)
stamp="$dir/.installed"
# The module that is compiled here fits one version of node only.
wanted="$(cat "$here/package.json" "$here/package-lock.json" | cksum) $(node -p 'process.versions.modules')"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    echo "Strapi is installed in $dir"
    exit 0
fi

echo "Installing Strapi in $dir (a few minutes)"
rm -f "$stamp"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$dir/"
cd "$dir"
# No scripts of the packages: the only one that the tests need is the compilation of better-sqlite3, below.
if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
    echo "npm ci failed; trying npm install"
    npm install --ignore-scripts --no-audit --no-fund --loglevel=error
fi
echo "Building better-sqlite3"
npm rebuild better-sqlite3 --ignore-scripts=false --loglevel=error
node -e "new (require('better-sqlite3'))(':memory:').prepare('select 1').get(); require('sharp')"
printf '%s\n' "$wanted" >"$stamp"
echo "Strapi $(node -p "require('@strapi/strapi/package.json').version") is installed in $dir"
