#!/bin/sh
# Installs one of the Strapis that the tests run.
#
#     tests/strapi/install.sh VERSION DIR
#     BACKUP_TEST_STRAPI5=DIR cargo test strapi5::
#
# VERSION is 4 or 5, or 4.1 or 4.5: tests/strapi4 and its like say which versions exactly. Needs node 20 or later and npm. The first
# run takes a few minutes and 800 MB; later ones end at once, until the lock file changes. For other versions, change
# package.json there and run: npm install --package-lock-only --omit-lockfile-registry-resolved
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 2 ] || [ -z "$2" ] || [ ! -f "$here/../strapi$1/package-lock.json" ]; then
    echo "usage: $0 4|4.1|4.5|5 DIR" >&2
    exit 2
fi
pinned="$here/../strapi$1"
for program in node npm; do
    if ! command -v "$program" >/dev/null; then
        echo "$0: $program is not installed; Strapi needs node 20 or later and npm" >&2
        exit 1
    fi
done
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    echo "$0: node $(node --version) is too old; Strapi needs node 20 or later" >&2
    exit 1
fi

mkdir -p "$2"
dir=$(cd "$2" && pwd)
# Ends with the version of node's interface: the module that is compiled here fits no other.
stamp="$dir/.installed"
interface=$(node -p 'process.versions.modules')

if [ -f "$stamp" ] && [ "$(sed 's/.* //' "$stamp")" = "$interface" ] &&
    cmp -s "$pinned/package-lock.json" "$dir/package-lock.json"; then
    echo "Strapi is installed in $dir"
    exit 0
fi

echo "Installing Strapi $1 in $dir (a few minutes)"
rm -f "$stamp"
cp "$pinned/package.json" "$pinned/package-lock.json" "$here/.npmrc" "$dir/"
cd "$dir"
# What the old ones ask for does not fit together.
peers=
case $1 in 4.*) peers=--legacy-peer-deps ;; esac
# No scripts of the packages: the only one that the tests need is the compilation of better-sqlite3, below.
if ! npm ci $peers --ignore-scripts --no-audit --no-fund --loglevel=error; then
    echo "npm ci failed; trying npm install"
    npm install $peers --ignore-scripts --no-audit --no-fund --loglevel=error
fi
echo "Building better-sqlite3"
npm rebuild better-sqlite3 --ignore-scripts=false --loglevel=error
node -e "new (require('better-sqlite3'))(':memory:').prepare('select 1').get(); require('sharp')"
# npm install may have changed it.
cp "$pinned/package-lock.json" "$dir/"
printf '%s\n' "$interface" >"$stamp"
echo "Strapi $(node -p "require('@strapi/strapi/package.json').version") is installed in $dir"
