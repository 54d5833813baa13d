#!/bin/sh
# Makes a Chromium and playwright ready for `make test-browser`. Usage: sh tests/browser/ready.sh .venv/bin
set -eu
bin=${1:?usage: sh tests/browser/ready.sh .venv/bin}

find_chromium() {
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

if ! find_chromium; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -q
        apt-get install -y -q --no-install-recommends chromium fonts-liberation
    else
        echo "The browser tests need a Chromium. Install one (on Debian: sudo apt-get install chromium) or name one with CHROMIUM=/path/to/it" >&2
        exit 1
    fi
fi

if ! "$bin/python" -c 'import playwright' 2>/dev/null; then
    # The lock pins a playwright that brings no browser of its own.
    "$bin/uv" pip install -q --python "$bin/python" --require-hashes -r requirements/browser.lock \
        || "$bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/browser.lock
fi
