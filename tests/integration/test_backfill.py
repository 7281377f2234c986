"""`chuzheng backfill` as operators run it: killed, interrupted, from several sources; nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.keyring import Keyring
from api.settings import load
from api.wiring import open_notary
from ledger.crypto.suites import verify
from ledger.evm.deploy import deploy
from ledger.evm.deployment import Deployment
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.evm.transactions import EvmKey
from notary.checkpoint import promise_bytes
from notary.entry import log_id, make_origin
from notary.imports import COLUMNS
from notary.receipt import parse_receipt
from notary.receipts import parse_bundle, split
from tests.fakes.backfilling import cells_of, csv_file, outcomes
from tests.fakes.notary import ISSUER, OTHER

ROOT = Path(__file__).resolve().parents[2]
NETWORK = "bulk"
MINE, THEIRS = make_origin(NETWORK, ISSUER), make_origin(NETWORK, OTHER)


@pytest.fixture(scope="module")
def deployment(anvil: EmbeddedChain) -> Deployment:
    """Contracts on a chain: before anything is promised it is asked how far the logs go."""
    return deploy(Rpc(anvil.url), ANVIL, EvmKey(secrets.token_bytes(32)), NETWORK)


@pytest.fixture
def home(tmp_path: Path, anvil: EmbeddedChain, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two departments' keys and the record of their chain's contracts."""
    home = tmp_path / "home"
    monkeypatch.setenv("CHUZHENG_RPC_URL", anvil.url)
    keyring = Keyring(home / "keys")
    keyring.make_machine_keys()
    for code, origin in ((ISSUER, MINE), (OTHER, THEIRS)):
        keyring.make_department_keys(code, origin)
    deployment.save(home / "deployment.json")
    return home


HELD = """
import itertools, os, time
from notary.bulk.manifest import Manifest
from scripts import cli
write, written = Manifest.write, itertools.count(1)
def held(self, *given):
    write(self, *given)
    if next(written) >= int(os.environ["HELD_AFTER"]):
        while not os.path.exists(os.environ["HELD_UNTIL"]):
            time.sleep(0.02)
Manifest.write = held
if __name__ == "__main__":
    cli.main()
"""
"""The command line, whose back-fill comes no further than HELD_AFTER chunks in a run before the file HELD_UNTIL is
there: whoever is to end it in its middle may be late."""


def begin(home: Path, source: object, *more: object, **environment: str) -> subprocess.Popen[str]:
    program = ["-c", HELD] if "HELD_AFTER" in environment else ["-m", "scripts.cli"]
    command = [sys.executable, *program, "backfill", str(source), "--manifest", str(home.parent / "m"),
               "--home", str(home), "--department", ISSUER, *map(str, more)]  # fmt: skip
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CHUZHENG_") or name == "CHUZHENG_RPC_URL"
    }
    return subprocess.Popen(
        command, cwd=ROOT, env=kept | {"CHUZHENG_LANG": "en", "PYTHONPATH": str(ROOT)} | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=600)
    assert "Traceback" not in err
    return process.returncode, out, err


def check_all(home: Path, count: int) -> None:
    """Each accepted row has one index of its own, and a receipt in a bundle that is of the record kept there."""
    rows = outcomes(home.parent / "m")
    places = [(row["origin"], row["index"]) for row in rows if row["outcome"] == "accepted"]
    assert len(places) == len(set(places)) == count
    with open_notary(load({"home": home}).settings, processes=1) as (notary, _):
        sizes = sum(log.durable_size() for log in notary.logs.values())
        assert sizes == count
        seen = 0
        for path in (home.parent / "m").glob("receipts/*/*.receipts.json"):
            bundle = parse_bundle(path.read_bytes())
            signer = notary.signers[bundle.origin]
            for receipt in split(bundle):
                entry = notary.prover.entry(bundle.origin, receipt.index)
                assert entry == receipt.entry.to_bytes()
                message = promise_bytes(log_id(bundle.origin), receipt.index, receipt.leaf)
                assert receipt.promise is not None
                seen += verify(signer.suite, signer.public_key, receipt.promise, message)
        assert seen == count


def test_backfill__killed_again_and_again__the_end_is_as_without(home: Path, tmp_path: Path) -> None:
    count = 1000
    rows = [cells_of(n, OTHER if n % 5 == 0 else ISSUER) for n in range(count)]
    rows[700]["issue_date"] = "yesterday"
    rows[800] = rows[3]
    source = csv_file(tmp_path / "x.csv", rows)
    more = ("--department", OTHER, "--chunk", 100)
    journal = tmp_path / "m" / "journal.ndjson"
    chance = random.Random(20)
    for _ in range(3):
        process = begin(home, source, *more, HELD_AFTER="3", HELD_UNTIL=str(tmp_path / "never"))
        before = journal.stat().st_size if journal.exists() else 0
        while process.poll() is None and (not journal.exists() or journal.stat().st_size <= before + 200):
            time.sleep(0.01)
        time.sleep(chance.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    code, out, err = finish(begin(home, source, *more))
    assert code == 19, err
    assert f"{count} rows, {count - 2} registered, 1 duplicate, 1 refused" in out
    told = outcomes(tmp_path / "m")
    assert [int(row["row"]) for row in told] == list(range(2, count + 2))
    assert (told[700]["outcome"], told[700]["code"]) == ("refused", "record.date")
    assert (told[800]["outcome"], told[800]["index"]) == ("duplicate", told[3]["index"])
    check_all(home, count - 2)
    lost = min((tmp_path / "m").glob("receipts/*/*.receipts.json"))
    written = lost.read_bytes()
    lost.unlink()
    code, out, err = finish(begin(home, source, *more))
    assert (code, lost.read_bytes() == written) == (19, True), err
    assert "1 bundles of receipts" in err
    assert f"{count} rows, {count - 2} registered, 1 duplicate, 1 refused" in out


def test_backfill__interrupted__ends_cleanly_and_says_how_to_go_on(home: Path, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "x.csv", [cells_of(n) for n in range(900)])
    process = begin(home, source, "--chunk", 60, HELD_AFTER="2", HELD_UNTIL=str(tmp_path / "go on"))
    while not (tmp_path / "m" / "journal.ndjson").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the worker processes too
    (tmp_path / "go on").touch()
    code, out, err = finish(process)
    assert code == 130, err
    assert "Stopped:" in out, err
    command = re.search(r"To go on: chuzheng (.*)", out)
    assert command is not None
    assert "--chunk 60" in command[1]
    code, out, err = finish(begin(home, source, "--chunk", 60))
    assert code == 0, err
    check_all(home, 900)


def test_backfill__parquet_and_table__the_same_certificates_are_duplicates(home: Path, tmp_path: Path) -> None:
    rows = [cells_of(n) for n in range(60)]
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({name: pa.array([row[name] or None for row in rows], pa.string()) for name in COLUMNS}), path
    )
    code, out, err = finish(begin(home, path, "--salts", tmp_path / "salts"))
    assert code == 0, err
    check_all(home, 60)
    database = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(database)) as db:
        db.execute(f"CREATE TABLE certificates (id INTEGER, {', '.join(f'{name} TEXT' for name in COLUMNS)})")
        for n, row in enumerate([*rows, cells_of(60)]):
            db.execute(f"INSERT INTO certificates VALUES ({','.join('?' * 17)})", (n, *[row[c] for c in COLUMNS]))
        db.commit()
    process = begin(home, "table:certificates", "--key", "id", "--manifest", tmp_path / "m2",
                    CHUZHENG_SOURCE_URL=f"sqlite:///{database}")  # fmt: skip
    code, out, err = finish(process)
    assert code == 0, err
    assert "61 rows, 1 registered, 60 duplicate, 0 refused" in out
    assert [row["key"] for row in outcomes(tmp_path / "m2")] == [str(n) for n in range(61)]
    [bundle] = (tmp_path / "m").glob("receipts/*/*.receipts.json")
    [salts] = (tmp_path / "salts").glob("*/*.salts.json")
    for private in (salts, salts.parent, salts.parent.parent, bundle, bundle.parent):
        assert private.stat().st_mode & 0o077 == 0
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cli", "receipt", "split", bundle, "--into", tmp_path / "r", "--salts", salts],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0
    receipts = [parse_receipt(path.read_bytes()) for path in sorted((tmp_path / "r").iterdir())]
    assert [receipt.index for receipt in receipts] == list(range(60))
    assert all(receipt.salt for receipt in receipts)


@pytest.mark.parametrize(
    ("source", "more", "code", "said"),
    [
        ("x.csv", [], 19, "backfill.columns"),
        ("none.csv", [], 19, "file.missing"),
        ("x.txt", [], 19, "backfill.source_kind"),
        ("table:certificates", ["--key", "id"], 2, "backfill.url_needed"),
        ("x.csv", ["--department", "11420503087246977F"], 1, "backfill.no_log"),
    ],
)
def test_backfill__wrong_call__refused_with_nothing_taken(
    home: Path, tmp_path: Path, source: str, more: list[str], code: int, said: str
) -> None:
    (tmp_path / "x.csv").write_text("identifier,name\n1,2\n", encoding="utf-8")
    name = source if source.startswith("table:") else str(tmp_path / source)
    found, _, err = finish(begin(home, name, *more))
    assert (found, said in err) == (code, True), err
    assert not (tmp_path / "m").exists()
