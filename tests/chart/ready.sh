#!/bin/sh
# Makes Helm, the schemas and promtool ready for `make chart`. Usage: sh tests/chart/ready.sh .venv/bin
set -eu
bin=${1:?usage: sh tests/chart/ready.sh .venv/bin}

if ! command -v promtool >/dev/null 2>&1 && ! [ -x .tools/promtool/usr/bin/promtool ]; then
    if command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
        # Unpacked, not installed: the package would start a server.
        mkdir -p .tools/promtool
        (cd .tools/promtool && { apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }; } \
            && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && rm prometheus_*.deb)
    else
        echo "The tests of the alert rules need promtool. Install it (it comes with Prometheus) where PATH finds it" >&2
        exit 1
    fi
fi

if ! "$bin/python" -c 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ["helm_python", "kubernetes_validate"])))' 2>/dev/null; then
    "$bin/uv" pip install -q --python "$bin/python" --require-hashes -r requirements/chart.lock \
        || "$bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/chart.lock
fi
