"""Several processes on one folder and database; worker processes for the costly part; disks and locks that refuse."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.errors import IntegrityError, RowsError, UnavailableError
from ledger.types import Origin
from notary.processes import Processes
from notary.receipt import Receipt
from tests.fakes.disk import FailAt, HookedDisk
from tests.fakes.notary import ISSUER, ORIGIN, STORAGE_KEY, Rig, certificate, document, packed


def test_several_processes__same_and_different_records__one_log_without_gaps(tmp_path: Path) -> None:
    Rig(tmp_path / "home").notary.close()
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                rig = Rig(tmp_path / "home")
                for n in range(30):
                    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n)])
                    rig.notary.accept_records(ISSUER, ORIGIN, [document(1000 * child + n)])
                    if n % 10 == child:
                        rig.notary.accept_commitments(ISSUER, ORIGIN, packed(9, start=100 * child + 10 * n), key=f"{n}")
                rig.notary.close()
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    rig = Rig(tmp_path / "home")
    entries = rig.entries()
    assert len(entries) == len(set(entries)) == 30 + 90 + 81
    log = rig.notary.log(ORIGIN)
    with rig.notary.store.reading() as connection:
        assert rig.notary.store.entries_from(connection, log.id, 0, 1000) == entries
    assert [entry[20:28] for entry in entries] == sorted(entry[20:28] for entry in entries)
    rig.notary.close()


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "home")
    processes = Processes(2, STORAGE_KEY, {ORIGIN: rig.key_address(ORIGIN)})
    rig.notary._processes = rig.notary.prover._processes = processes
    yield rig
    processes.close()
    rig.notary.close()


def test_processes__large_call__the_same_receipts_as_without_them(pooled: Rig) -> None:
    records = [certificate(n) for n in range(700)]
    accepted = pooled.notary.accept_records(ISSUER, ORIGIN, records, key="k")
    promises = [a.receipt.promise for a in accepted]
    pooled.notary._processes = pooled.notary.prover._processes = None
    again: list[Receipt] = [a.receipt for a in pooled.notary.accept_records(ISSUER, ORIGIN, records, key="k")]
    assert [r.promise for r in again] == promises
    assert [a.receipt for a in accepted] == again
    assert pooled.notary.record(ORIGIN, 699) == records[699]


def test_processes__wrong_records__numbered_as_sent(pooled: Rig) -> None:
    records: list[bytes | dict[str, object]] = [document(n) for n in range(900)]
    records[450] = b"{"
    records[899] = {**document(1), "more": 1}
    with pytest.raises(RowsError) as caught:
        pooled.notary.accept_records(ISSUER, ORIGIN, records, key="k")
    assert [number for number, _, _ in caught.value.rows] == [451, 900]
    assert pooled.entries() == []


def test_processes__one_is_killed__refused_then_replaced(pooled: Rig) -> None:
    processes = pooled.notary._processes
    assert processes is not None
    records = [document(n) for n in range(300)]
    pid = processes.result(processes.submit(os.getpid))
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(UnavailableError, match="process_died"):
        prepare_on_and_on(pooled, records)
    accepted = pooled.notary.accept_records(ISSUER, ORIGIN, records, key="k")
    assert len(accepted) == 300


def test_processes__warmed__there_before_the_first_call_and_closed_in_order(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    processes = Processes(2, STORAGE_KEY, {ORIGIN: rig.key_address(ORIGIN)})
    processes.warm()
    end = time.monotonic() + 120
    while len(children_of(os.getpid())) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    processes.close()
    assert children_of(os.getpid()) == []
    with pytest.raises(UnavailableError, match="stopping"):
        processes.submit(os.getpid)
    processes.warm()  # of a closed pool: nothing happens
    rig.notary.close()


PARENT = """
import sys
from pathlib import Path
from notary.processes import Processes
if __name__ == "__main__":
    processes = Processes(1, bytes(32), {})
    processes.result(processes.submit(len, ""))
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_processes__their_server_is_killed__they_end_by_themselves(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as parent:  # fmt: skip
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        children = children_of(parent.pid)
        assert children
        parent.kill()
    end = time.monotonic() + 120
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < end
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    """Worker processes of a process; the tracker of multiprocessing isn't one."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            command = (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == str(pid) and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


def prepare_on_and_on(rig: Rig, records: list[dict[str, object]]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:  # until it is noticed that a process is gone
        rig.notary.prepare(records, ISSUER)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_disk__refuses_at_any_call__plainly_refused_and_completed_later(tmp_path: Path, error: int) -> None:
    disk = HookedDisk()
    rig = Rig(tmp_path / "home", disk=disk)
    rig.notary.accept_records(ISSUER, ORIGIN, [document(0)])
    sent = 0
    for at in range(12):
        sent += 1
        fault = FailAt(at, error, stays=True)
        disk.hook = fault
        refused = submit_and_seal(rig, sent)
        assert refused in ({"disk.full" if error == errno.ENOSPC else "disk.failed"} if fault.calls > at else {""})
        disk.hook = HookedDisk().hook
        receipt = rig.notary.accept_records(ISSUER, ORIGIN, [document(sent)])[0].receipt
        assert receipt.index == sent
    rig.notary.seal(ORIGIN)
    assert len(rig.entries()) == len(set(rig.entries())) == sent + 1
    rig.notary.close()


def submit_and_seal(rig: Rig, n: int) -> str:
    """The code of the refusal, or nothing."""
    try:
        rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
        rig.notary.seal(ORIGIN)
    except UnavailableError as error:
        return error.code
    return ""


def test_database__locked_by_another__refused_then_taken(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    engine = rig.notary.store.engine
    engine.dispose()
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(rig.home / "chuzheng.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError):
        rig.notary.accept_records(ISSUER, Origin(ORIGIN), [document(1)])
    assert rig.entries() == []
    other.execute("ROLLBACK")
    other.close()
    assert rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])[0].receipt.index == 0
    rig.notary.close()


def test_database__restored_from_an_older_copy__no_index_given_twice(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])
    rig.notary.close()
    rig.notary.store.engine.dispose()
    kept = (rig.home / "chuzheng.sqlite").read_bytes()
    rig.again()
    rig.notary.accept_records(ISSUER, ORIGIN, [document(2)])
    rig.notary.close()
    rig.notary.store.engine.dispose()
    for path in rig.home.glob("chuzheng.sqlite*"):
        path.unlink()
    (rig.home / "chuzheng.sqlite").write_bytes(kept)
    rig.again()
    with pytest.raises(IntegrityError, match="log_ahead"):
        rig.notary.accept_records(ISSUER, ORIGIN, [document(3)])
    rig.notary.close()
