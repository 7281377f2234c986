"""A status key finds its entry: in any log of this notary, in a run or in memory, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.types import Digest
from notary.entry import Entry, status_key
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, packed

pytestmark = pytest.mark.usefixtures("each_kind")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, FOREIGN))
    yield made
    made.notary.close()


def keys_of(rig: Rig) -> dict[Digest, tuple[str, int]]:
    found: dict[Digest, tuple[str, int]] = {}
    for origin in rig.origins:
        for index, raw in enumerate(rig.entries(origin)):
            entry = Entry.from_bytes(raw)
            found[status_key(entry.issuer, entry.sha256)] = (origin, index)
    return found


@pytest.mark.parametrize("written", [False, True])
def test_place_of__in_memory_or_in_runs__finds_every_entry(rig: Rig, written: bool) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(10), key="a")
    rig.notary.accept_records(ISSUER, SECOND, [certificate(n) for n in range(3)], key="b")
    if written:
        rig.notary.standing.make_ready()
        rig.notary.standing.index.flush()
    rig.notary.accept_commitments(OTHER, FOREIGN, packed(10), key="c")  # the same commitments, another issuer's
    known = keys_of(rig)
    assert len(known) == 23
    assert {key: rig.notary.place_of(key) for key in known} == known
    assert rig.notary.place_of(Digest(bytes(32))) is None
    assert {key: rig.again().place_of(key) for key in list(known)[::5]} == dict(list(known.items())[::5])


def test_place_of__another_key_with_the_same_beginning__is_told_apart(rig: Rig) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="a")
    key = next(iter(keys_of(rig)))
    assert rig.notary.place_of(Digest(key[:8] + bytes(24))) is None
    assert rig.notary.place_of(key) == (ORIGIN, 0)


def test_place_of__log_that_this_notary_no_longer_writes__not_found(rig: Rig) -> None:
    rig.notary.accept_commitments(OTHER, FOREIGN, packed(3), key="a")
    key = next(iter(keys_of(rig)))
    rig.origins = (ORIGIN,)
    assert rig.again().place_of(key) is None


def test_place_of__written_by_another_process__found_at_once(rig: Rig) -> None:
    other = Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)
    assert other.notary.place_of(Digest(bytes(32))) is None
    for n in range(3):
        rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5 * n), key=f"{n}")
        rig.notary.standing.index.flush()
        known = keys_of(rig)
        assert {key: other.notary.place_of(key) for key in known} == known
    other.notary.close()


def test_follow__reader_older_than_what_another_process_wrote__keeps_the_runs(rig: Rig) -> None:
    store, other = rig.notary.store, Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="a")
    with store.reading() as connection:
        logs = store.all_logs(connection)
        other.notary.accept_commitments(ISSUER, ORIGIN, packed(3, start=3), key="b")
        other.notary.standing.index.flush()
        rig.notary.standing.follow(connection, logs)
        assert [run.count for run, _ in rig.notary.standing.index.runs] == [6]
    other.notary.close()
