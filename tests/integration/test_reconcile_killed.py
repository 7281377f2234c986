"""`chuzheng reconcile run` and `reconcile feed` ended by kill -9 in each of their phases, and run again.

Folder and file are in the end byte for byte what an undisturbed run leaves.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.keyring import Keyring
from api.settings import Settings
from api.wiring import open_keeper
from ledger.statuses import DecisionCode
from ledger.store import tables
from ledger.store.engine import open_engine, writing
from ledger.types import Digest
from notary.entry import Entry, log_id, make_origin, status_key
from tests.fakes.notary import ISSUER, certificate

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = make_origin("test", ISSUER)
COUNT, ANCHORED, BLOCKS = 300, 280, 1_000

PROGRAM = """
import json, os, signal, sys
import alembic.command, ledger.evm.profiles, ledger.store.index.changes, nacl.signing
from fnmatch import fnmatch
from api import wiring
from api.verifications import submission
from notary import feed
from notary.bulk import csv_source
from notary.reconcile import ledger, run, runs, statuses
from notary.stores import reconciling
from scripts import cli
from scripts.commands import reconcile
run.RUN_ROWS, run.STEPS, statuses.BATCH = 60, 40, 4
ledger.RUN_RECORDS, reconciling.PAGE, feed.MOST = 100, 50, 70
runs.merge_down.__defaults__ = (2,)
wiring.SystemClock.now = lambda self: 1_790_000_000_000
fsync = os.fsync
def typed(words, told, pattern, left):
    def ending(handle):
        nonlocal left
        left -= fnmatch(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")), pattern)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)
    os.fsync = ending
    os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    sys.exit(cli.run(words))
for line in sys.stdin:
    child = os.fork()
    if not child:
        typed(*json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs the command again and again, each time in a process of its own (the imports take long and are done once): with
parts so small that few rows go through all phases, and with a clock that stands still. It is killed before it makes a
file durable whose name is like `pattern`, the `left`-th time: what was written is there then, what follows it isn't."""

POINTS = {
    "reading: a list is longer than noted": ("wrong_row.ndjson", 1),
    "reading: a part of the library is half there": (".0000003-0000003.run.*.new", 1),
    "statuses": ("statuses.new", 1),
    "sorting: the second part of the look-ups": (".0000001.look.*.new", 1),
    "comparing: parts of the library are merged": (".0000000-0000001.run.*.new", 1),
    "comparing: a list is longer than noted": ("not_in_library.ndjson", 2),
    "reporting": (".report.json.*.new", 1),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 certificates, of which 280 are anchored and each seventh was decided about, as the index has it; a library
    that lacks some, has others, and differs."""
    tmp_path = tmp_path_factory.mktemp("killed")
    settings = Settings(home=tmp_path / "home")
    settings.home.mkdir(mode=0o700)
    keyring = Keyring(settings.keys_dir)
    keyring.make_machine_keys()
    keyring.make_department_keys(ISSUER, ORIGIN)
    with open_keeper(settings) as keeper:
        notary = keeper.notary
        notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(COUNT)], key="k")
        entries = [Entry.from_bytes(notary.prover.entry(ORIGIN, n)) for n in range(0, COUNT, 7)]
    on_chain(settings.database, [status_key(entry.issuer, entry.sha256) for entry in entries])
    rows = [f"{certificate(n)['identifier']},{'暂扣' if n % 14 == 0 else '有效'}" for n in range(COUNT + 40) if n % 5]
    rows[80:80] = ["nonsense,有效", f"{certificate(1)['identifier']},有效", f"{certificate(2)['identifier']},x"]
    (tmp_path / "library.csv").write_text("\n".join(["identifier,status", *rows, ""]), encoding="utf-8")
    return settings.home


def on_chain(database: str, keys: list[Digest]) -> None:
    """What the indexer would have written."""
    block = {"block_hash": "0x1", "block_time": 1_780_000_000, "tx_hash": "0x2"}
    log = {"log_id": log_id(ORIGIN), "department": ISSUER}
    decision = {
        "contract": "0x", "number": 1, "code": int(DecisionCode.SUSPENDED), "cause": 0, "department": ISSUER,
        "effective_from": 0, "basis": None, "successor": None, "until": None, "ends": None,
    }  # fmt: skip
    engine = open_engine(database)
    with writing(engine) as connection:
        at = {"id": 1, "chain_id": 1, "genesis_hash": "0x01", "number": BLOCKS, "hash": "0x1"}
        connection.execute(tables.cursor.insert().values(at))
        opened = {**log, "origin": ORIGIN, "block_number": 1, "log_index": 0, **block}
        connection.execute(tables.logs.insert().values(opened))
        size = {**log, "size": ANCHORED, "root": bytes(32), "contract": "0x", "block_number": 2, "log_index": 0}
        connection.execute(tables.anchors.insert().values({**size, **block}))
        rows = [{"status_key": key, **decision, "block_number": 3, "log_index": n} for n, key in enumerate(keys)]
        connection.execute(tables.decisions.insert(), [{**row, **block} for row in rows])
    engine.dispose()


class Typing:
    """The command, typed in the folder of `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CHUZHENG_")}
        given = kept | {"CHUZHENG_LANG": "en", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=home.parent, env=given, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, out: str, pattern: str = "", left: int = 1) -> tuple[int, str]:
        """Exit code, or minus the signal; and what was told."""
        return self._typed(["run", "library.csv"], out, pattern, left)

    def feed(self, out: str, pattern: str = "", left: int = 1) -> tuple[int, str]:
        return self._typed(["feed"], out, pattern, left)

    def _typed(self, command: list[str], out: str, pattern: str, left: int) -> tuple[int, str]:
        words = ["reconcile", *command, "--out", out, "--home", str(self._home)]
        told = self._home.parent / f"{out}.txt"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([words, str(told), pattern, left]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), told.read_text(encoding="utf-8")

    def close(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def typing(home: Path) -> Iterator[Typing]:
    made = Typing(home)
    yield made
    made.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_reconcile__killed_in_each_phase__the_same_report_byte_for_byte(home: Path, typing: Typing) -> None:
    code, whole = typing.run("whole")
    assert code == 1, whole
    left = contents(home.parent / "whole")
    lists = {"not_registered", "not_anchored", "not_in_library", "status_differs", "twice", "wrong_row"}
    assert set(left) == {"plan.json", "done.json", "report.json", *(f"{name}.ndjson" for name in lists)}
    assert all(left.values()), left.keys()  # each kind of finding is among them
    for point, (name, time) in POINTS.items():
        code, told = typing.run("killed", name, time)
        assert code == -signal.SIGKILL, (point, told)
        assert "report.json" not in contents(home.parent / "killed")
    code, told = typing.run("killed")
    assert (code, told) == (1, whole.replace("whole", "killed"))
    assert contents(home.parent / "killed") == left


def test_feed__killed_before_and_after_each_page__the_same_file(home: Path, typing: Typing) -> None:
    code, told = typing.feed("whole.ndjson")
    assert code == 0, told
    whole = (home.parent / "whole.ndjson").read_bytes()
    assert whole.count(b"\n") == ANCHORED + len(range(0, COUNT, 7))
    # Its lines are written and not noted; then: noted, and not yet by its name.
    for name, time in (
        (".killed.ndjson.cursor.*.new", 1),
        ("killed.ndjson", 1),
        (".killed.ndjson.cursor.*.new", 2),
    ) * 2:
        code, told = typing.feed("killed.ndjson", name, time)
        assert code == -signal.SIGKILL, told
    code, told = typing.feed("killed.ndjson")
    assert code == 0, told
    assert (home.parent / "killed.ndjson").read_bytes() == whole
