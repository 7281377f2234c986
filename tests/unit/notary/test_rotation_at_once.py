"""A log's key is replaced by two at once, or while others sign: the announced key signs, each index by its own."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from ledger.crypto import keys as key_files
from ledger.crypto import log_keys
from ledger.crypto.keys import create_signing_key, load_signer
from ledger.crypto.log_keys import LogKeyFiles
from ledger.errors import ConflictError
from ledger.ports import Signer
from notary.rotation import rotate_key
from tests.fakes.notary import ORIGIN, START
from tests.unit.notary.test_rotation import Kept, kept, listing

__all__ = ["kept"]


def free(lock: Path) -> bool:
    """Whether nobody holds a kernel lock."""
    with lock.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_rotate__another_rotates_and_a_third_prepares_meanwhile__no_key_that_nobody_announced_signs(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.receipt(1)
    trust = listing(kept)
    announced = kept.keys.prepare().public_key
    real = kept.keys.next

    def meanwhile() -> Signer | None:
        monkeypatch.setattr(kept.keys, "next", real)
        found = real()
        threads.append(threading.Thread(target=others))
        threads[0].start()
        if free(kept.rig.log.directory / "append.lock"):  # else they wait for us
            threads[0].join()
        return found

    def others() -> None:
        other = LogKeyFiles(kept.path)
        try:
            rotate_key(kept.rig.notary, ORIGIN, other, trust, START)
        except ConflictError as error:
            told.append(error.code)
        other.prepare()

    threads, told = list[threading.Thread](), list[str]()
    monkeypatch.setattr(kept.keys, "next", meanwhile)
    kept.rotate(trust)
    threads[0].join()
    assert kept.keys.public_key == announced
    assert told == ["rotate.none_prepared"]


def test_prepare__another_prepared_meanwhile__the_same_key(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    real, others = kept.keys.next, list[Signer]()

    def meanwhile() -> Signer | None:
        found = real()
        if not others:
            others.append(LogKeyFiles(kept.path).prepare())
        return found

    monkeypatch.setattr(kept.keys, "next", meanwhile)
    assert kept.keys.prepare().public_key == others[0].public_key


def test_create__another_process_of_the_same_number_creates_it_meanwhile__refused_and_one_whole_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two containers on one folder: their processes have the same numbers."""
    path, real, others = tmp_path / "key.pem", key_files._write_durably, list[Signer]()

    def meanwhile(beside: Path, data: bytes) -> None:
        real(beside, data)
        if not others:
            monkeypatch.setattr(key_files, "_write_durably", real)
            others.append(create_signing_key(path))

    monkeypatch.setattr(key_files, "_write_durably", meanwhile)
    with pytest.raises(ConflictError, match=r"key\.exists"):
        create_signing_key(path)
    assert load_signer(f"file:{path}").public_key == others[0].public_key
    assert [found.name for found in tmp_path.iterdir()] == ["key.pem"]


def test_at__another_thread_comes_back_late_with_what_lay_there_before__each_index_by_its_key(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = kept.keys
    kept.receipt(1)
    kept.rotate(listing(kept))
    kept.receipt(2)
    second = keys.public_key
    trust = listing(kept)  # the next key was made: whoever looks now, reads everything anew
    arrived, rotated = threading.Event(), threading.Event()
    real_load, real_look = load_signer, keys._look

    def slow(address: str) -> Signer:
        found = real_load(address)
        if threading.current_thread() is late and "below-" in address:
            arrived.set()
            rotated.wait()
        return found

    late = threading.Thread(target=lambda: keys.at(0))
    monkeypatch.setattr(log_keys, "load_signer", slow)
    late.start()
    arrived.wait()
    rotate_key(kept.rig.notary, ORIGIN, LogKeyFiles(kept.path), trust, START)

    def between() -> object:
        found = real_look()
        if threading.current_thread() is not late:
            rotated.set()
            late.join()
        return found

    monkeypatch.setattr(keys, "_look", between)
    assert keys.at(1).public_key == second
