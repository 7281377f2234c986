#!/usr/bin/env bash
# The contracts' tests, on a clean machine too: their own Python environment, solcjs where py-solc-x looks, a fresh anvil
# on a free port. Arguments go to `brownie test`: bash scripts/contract_tests.sh tests/contracts/test_anchor_log.py -k proof
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

BUILD="$PWD/build/contracts"
# Not under contracts/, where Brownie would compile the Solidity and Vyper files that the packages bring along.
VENV="$BUILD/venv"
STAMP="$VENV/.lock.$(cksum <contracts/requirements.lock | tr ' ' '-')"

# Where the machine has no Node, the main environment brings one.
node_is_new_enough || install_python requirements-dev.lock
install_node
if [ ! -f "$STAMP" ]; then
  say "正在准备合约测试环境（约 1 分钟）… / Setting up the contract tests' environment (about a minute) …"
  [ -x "$VENV/bin/python" ] || "$(find_python)" -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r contracts/requirements.lock
  touch "$STAMP"
fi
# Node may be the one packaged for Python.
PATH="$PWD/node_modules/.bin:$PATH:$PWD/.venv/bin"

# py-solc-x looks for `solc-v<version>` in this folder and never downloads what is there.
mkdir -p "$BUILD/solc" "$BUILD/home" "$BUILD/none"
cp scripts/solc.sh "$BUILD/solc/solc-v0.8.37"
chmod +x "$BUILD/solc/solc-v0.8.37"
if [ -n "${CHUZHENG_ANVIL_BIN:-}" ]; then
  ln -sf "$CHUZHENG_ANVIL_BIN" "$BUILD/solc/anvil"
  PATH="$BUILD/solc:$PATH"
fi

export PATH SOLCX_BINARY_PATH="$BUILD/solc"
export HOME="$BUILD/home" # Brownie keeps settings there; the user's own stay as they are
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
# A port that stays bound, and so nobody else's, until this script and with it the keeper's input ends (tests/ports.py).
coproc keeper { exec "$VENV/bin/python" -c 'import sys; from tests.ports import free_port; print(free_port(), flush=True); sys.stdin.read()'; }
read -r port <&"${keeper[0]}"
# The one file in which Brownie takes a port; its networks are the package's own.
mkdir -p "$HOME/.brownie"
sed "s/port: 8545/port: $port/" "$VENV"/lib/python*/site-packages/brownie/data/network-config.yaml \
  >"$HOME/.brownie/network-config.yaml"

[ $# -gt 0 ] || set -- tests/contracts
"$VENV/bin/brownie" test "$@" -c tests/contracts/pytest.ini --network anvil
