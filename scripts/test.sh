#!/usr/bin/env bash
# Sets up what the tests need on a clean machine and passes them all; ends with pytest's own summary line.
# Arguments go to the last pytest call: bash scripts/test.sh tests/unit/notary -k receipt
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
source scripts/geth.sh
install_python requirements-dev.lock
install_node

install_geth

# Browser tests skip, and say so, where Chromium is missing and can't be installed.
if ! command -v chromium >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  say "正在安装 Chromium（浏览器测试用）… / Installing Chromium for the browser tests …"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } >/dev/null 2>&1 ||
    say "Chromium 未能安装，浏览器测试将跳过。/ Chromium could not be installed; the browser tests will be skipped."
fi

# So do the tests on PostgreSQL: they start a server of their own, in a folder of their own, and end it.
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null 2>&1 &&
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  say "正在安装 PostgreSQL（数据库测试用）… / Installing PostgreSQL for the database tests …"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 ||
    say "PostgreSQL 未能安装，其数据库测试将跳过。/ PostgreSQL could not be installed; its tests will be skipped."
fi

# So do the tests that let system calls fail, where strace is missing or mayn't trace.
if ! command -v strace >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  say "正在安装 strace（系统调用故障测试用）… / Installing strace for the tests of failing system calls …"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace; } >/dev/null 2>&1 ||
    say "strace 未能安装，系统调用故障测试将跳过。/ strace could not be installed; the tests of failing system calls will be skipped."
fi

[ $# -eq 0 ] || exec .venv/bin/python -m pytest "$@"

say "== 静态检查 / static checks"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/lint-imports

# The suites share nothing, so they run side by side, Python's with two workers; its output waits until the first is
# through. Integration comes first, as it mostly waits for chains and clocks while the contracts take the processor, and
# the many small files of unit tests last, so that no worker is left with one long file at the end.
say "== 合约测试（其余测试同时进行）/ contract tests (the others run beside them)"
mkdir -p build
log=build/tests.log
# Job control for a moment: what is started without it ignores SIGINT for life, and so would the programs under test.
set -m
.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder >"$log" 2>&1 &
set +m
tests=$!
trap 'kill -- "-$tests" 2>/dev/null || true' EXIT
contracts=0
bash scripts/contract_tests.sh || contracts=$?
say "== 测试 / tests"
others=0
wait "$tests" || others=$?
trap - EXIT
cat "$log"
[ "$contracts" -eq 0 ] || say "合约测试未通过，见上文。/ The contract tests failed, see above."
exit $((contracts ? contracts : others))
