"""Appended to and sealed: the same again is the same, anything else is refused, and what waits is told."""

from __future__ import annotations

import pytest

from ledger.errors import ChuzhengError, InputError, IntegrityError
from notary.log import Head
from notary.stores.tiles import TileLog
from tests.fakes.disk import MemoryDisk
from tests.fakes.log import FOLDER, KEY_NAME, ORIGIN, RememberingSigner, grow, log_in_memory, make_entries, root_of


@pytest.mark.parametrize(
    ("first", "numbers", "code"),
    [
        (10, range(10, 12), None),
        (8, range(8, 12), None),
        (0, range(0, 10), None),
        (0, range(0, 12), None),
        (4, range(4, 6), None),
        (11, range(11, 12), "log.gap"),
        (9, range(10, 12), "log.index_taken"),
        (0, [0, 1, 3], "log.index_taken"),
        (-1, range(1), "log.index_range"),
    ],
)
@pytest.mark.parametrize("sealed", [0, 6, 10])
def test_append__again_or_elsewhere__same_bytes_or_refused(
    first: int, numbers: range | list[int], code: str | None, sealed: int
) -> None:
    log = log_in_memory()
    with log.appending() as appending:
        appending.append(0, make_entries(10))
    if sealed:
        log.seal(RememberingSigner(), KEY_NAME, limit=sealed)
    assert log.sealed_size() == sealed
    offered = [make_entries(1, number)[0] for number in numbers]
    if code is None:
        with log.appending() as appending:
            appending.append(first, offered)
            assert appending.durable_size == max(10, first + len(offered))
        assert log.entries(0, log.durable_size()) == make_entries(log.durable_size())
        return
    with pytest.raises(ChuzhengError) as caught, log.appending() as appending:
        appending.append(first, offered)
    assert caught.value.code == code
    assert log.entries(0, log.durable_size()) == make_entries(10)


def test_append__two_logs_on_one_folder__see_each_other() -> None:
    disk = MemoryDisk()
    one, other = TileLog(FOLDER, ORIGIN, disk=disk), TileLog(FOLDER, ORIGIN, disk=disk)
    signer = RememberingSigner()
    for round_ in range(6):
        writer, sealer = (one, other) if round_ % 2 else (other, one)
        with writer.appending() as appending:
            appending.append(appending.durable_size, make_entries(100, 100 * round_))
        assert sealer.durable_size() == 100 * (round_ + 1)
        assert sealer.entries(0, sealer.durable_size()) == make_entries(100 * (round_ + 1))
        if round_ % 3 == 2:
            sealer.seal(signer, KEY_NAME)
            assert writer.sealed_size() == sealer.durable_size()
    assert one.root(600) == root_of(make_entries(600))


def test_seal__nothing_waits__none_and_nothing_signed() -> None:
    log, signer = log_in_memory(), RememberingSigner()
    assert log.seal(signer, KEY_NAME) is None
    grow(log, make_entries(3), signer)
    assert log.seal(signer, KEY_NAME) is None
    assert list(signer.heads) == [3]


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ([], None),
        ([5, 10, 12], None),
        ([13], "log.shrinks"),
        (["wrong 5"], "log.root_differs"),
        (["wrong 11"], "log.root_differs"),
        (["wrong 12"], "log.root_differs"),
    ],
)
def test_seal__heads_that_others_hold__extends_them_or_signs_nothing(held: list[int | str], code: str | None) -> None:
    log, entries = log_in_memory(), make_entries(13)
    grow(log, entries[:10])
    with log.appending() as appending:
        appending.append(10, entries[10:12])
    heads = [
        Head(h, root_of(entries[:h])) if isinstance(h, int) else Head(int(h.split()[1]), b"\x01" * 32) for h in held
    ]
    signer = RememberingSigner()
    if code is None:
        sealed = log.seal(signer, KEY_NAME, extends=heads)
        assert sealed is not None
        assert sealed.size == 12
        return
    with pytest.raises(IntegrityError) as caught:
        log.seal(signer, KEY_NAME, extends=heads)
    assert caught.value.code == code
    assert not signer.heads
    assert log.sealed_size() == 10


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tile/0/000.p/9", "log.root_differs"),
        ("tile/entries/000.p/9", "tiles.differ"),
    ],
)
def test_seal__tiles_dont_have_the_checkpoints_root__refused_at_start(path: str, code: str) -> None:
    disk = MemoryDisk()
    log, signer = TileLog(FOLDER, ORIGIN, disk=disk), RememberingSigner()
    grow(log, make_entries(9), signer)
    data = bytearray(disk.read(FOLDER / path))
    data[-1] ^= 1
    disk.damage(FOLDER / path, bytes(data))
    reopened = TileLog(FOLDER, ORIGIN, disk=disk)
    with pytest.raises(IntegrityError) as caught:
        grow(reopened, make_entries(1, 9), signer)
    assert caught.value.code == code
    assert list(signer.heads) == [9]


def test_seal__full_tile_has_other_bytes__refused() -> None:
    disk = MemoryDisk()
    log, signer = TileLog(FOLDER, ORIGIN, disk=disk), RememberingSigner()
    grow(log, make_entries(200), signer)
    disk.create([(FOLDER / "tile/0/000", b"other")])
    with pytest.raises(IntegrityError, match=r"tiles\.differ"):
        grow(log, make_entries(100, 200), signer)
    assert log.sealed_size() == 200


def test_waiting__after_append_and_seal__count_and_time() -> None:
    log = log_in_memory()
    grow(log, make_entries(3))
    assert (log.waiting().count, log.waiting().since) == (0, None)
    with log.appending() as appending:
        appending.append(3, make_entries(4, 3))
    since = log.waiting().since
    with log.appending() as appending:
        appending.append(7, make_entries(1, 7))
    assert since is not None
    assert (log.waiting().count, log.waiting().since) == (5, since)


def test_seal__signer_fails__old_checkpoint_stays_and_the_next_seal_goes_on() -> None:
    class Broken(RememberingSigner):
        def sign(self, message: bytes) -> bytes:
            raise RuntimeError("no token")

    log = log_in_memory()
    grow(log, make_entries(5))
    with log.appending() as appending:
        appending.append(5, make_entries(5, 5))
    with pytest.raises(RuntimeError):
        log.seal(Broken(), KEY_NAME)
    assert (log.sealed_size(), log.durable_size()) == (5, 10)
    log.seal(RememberingSigner(), KEY_NAME)
    assert log.root(10) == root_of(make_entries(10))


def test_appending__the_callers_own_error__passes_and_frees_the_lock() -> None:
    log = log_in_memory()

    def fail_after_appending() -> None:
        with log.appending() as appending:
            appending.append(0, make_entries(2))
            raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        fail_after_appending()
    with log.appending() as appending:
        assert appending.durable_size == 2


def test_append__several_in_one_lock__all_durable() -> None:
    log = log_in_memory()
    with log.appending() as appending:
        for start in (0, 10, 20):
            appending.append(start, make_entries(10, start))
            assert appending.durable_size == start + 10 == log.durable_size()
        appending.append(25, make_entries(10, 25))
    assert log.entries(0, 35) == make_entries(35)


@pytest.mark.parametrize("entry", [b"x" * 65_536])
def test_append__entry_too_long__refused_before_anything_is_written(entry: bytes) -> None:
    log = log_in_memory()
    with pytest.raises(InputError), log.appending() as appending:
        appending.append(0, [entry])
    assert log.durable_size() == 0
