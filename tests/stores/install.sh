#!/bin/sh
# Installs the object stores that the tests talk to into a folder: moto (S3, and Google's) and azurite (Azure's).
#
#     tests/stores/install.sh DIR
#
# Takes Python with venv, and npm. What is there in these versions stays.
set -eu

if [ $# != 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

if ! cmp -s "$here/requirements.txt" requirements.txt; then
    rm -rf venv requirements.txt
    python3 -m venv venv
    venv/bin/pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" requirements.txt
fi

if ! cmp -s "$here/package-lock.json" package-lock.json || [ ! -d node_modules ]; then
    cp "$here/package.json" "$here/package-lock.json" .
    npm ci --silent --no-fund --no-audit --ignore-scripts || {
        rm -f package-lock.json
        exit 1
    }
fi
