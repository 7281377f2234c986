#!/usr/bin/env bash
# solcjs dressed as solc for py-solc-x: a version line that it accepts, and standard JSON. Brownie starts it in the
# repository's root. Files both ways: solcjs cuts a piped answer at 65,536 bytes and gives up on a pipe that isn't full.
set -euo pipefail
if [ "${1:-}" = "--version" ]; then
  node -e 'console.log("solc, the solidity compiler commandline interface\nVersion: " +
    require(process.cwd() + "/node_modules/solc").version().replace("Emscripten.clang", "Linux.g++"))'
  exit
fi
answer=$(mktemp)
question=$(mktemp)
trap 'rm -f "$answer" "$question"' EXIT
cat >"$question"
node node_modules/solc/solc.js --standard-json --base-path "$PWD" <"$question" >"$answer"
# solcjs says first that it takes the place of an SMT solver's callback.
sed -n '/^[{]/,$p' "$answer"
