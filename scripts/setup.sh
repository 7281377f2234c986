# Sourced by up.sh and test.sh: makes what they need from the lock files, and does nothing when it is there already.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

find_python() {
  local candidate
  for candidate in "${CHUZHENG_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return 0
    fi
  done
  say "需要 Python 3.11 或更高版本。/ Python 3.11 or newer is needed; name one with CHUZHENG_PYTHON=/path/to/python."
  return 1
}

# install_python LOCK: the virtual environment holds exactly what LOCK names, hashes checked.
install_python() {
  local lock=$1 python stamp
  stamp=".venv/.$(basename "$lock").$(cksum <"$lock" | tr ' ' '-')"
  [ -f "$stamp" ] && [ -x .venv/bin/chuzheng ] && return 0
  python=$(find_python)
  say "正在准备 Python 环境（约 1 分钟）… / Setting up the Python environment (about a minute) …"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  touch "$stamp"
}

node_is_new_enough() { command -v node >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; }

# install_node [npm arguments]: the packages of package-lock.json; Node from the machine, else from a wheel.
install_node() {
  local whole stamp
  whole="node_modules/.stamp.$(cksum <package-lock.json | tr ' ' '-')"
  stamp="$whole${1:-}"
  # Who has everything has what is left with --omit=dev: up.sh and the tests don't install over each other.
  { [ -f "$whole" ] || [ -f "$stamp" ]; } && return 0
  if ! node_is_new_enough || ! command -v npm >/dev/null 2>&1; then
    say "本机没有 Node 20，改用 Python 包中的 Node。/ No Node 20 on this machine; taking the one packaged for Python."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
    PATH="$PWD/.venv/bin:$PATH"
    export PATH
  fi
  say "正在准备嵌入式链… / Setting up the embedded chain …"
  npm ci --no-audit --no-fund --no-update-notifier --loglevel=error "$@" >&2
  touch "$stamp"
}
