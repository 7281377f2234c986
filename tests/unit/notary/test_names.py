"""An identifier is found where it stands, in a run or in memory, by every process, and nothing else is found by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import ConflictError
from notary.stores.names import Names, key_of, names_index
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import lookups, position_of
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, packed

pytestmark = pytest.mark.usefixtures("each_kind")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND))
    yield made
    made.notary.close()


def located(rig: Rig, n: int) -> list[tuple[str, int, int | None]]:
    return [(p.origin, p.index, p.version) for p in rig.notary.locate(identifier=certificate(n)["identifier"])]


@pytest.mark.parametrize("written", [False, True])
def test_locate__certificates_between_commitments__each_in_its_place(rig: Rig, written: bool) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="a")
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1), certificate(2)], key="b")
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(4, start=3), key="c")
    if written:
        rig.notary.names.index.flush()
    rig.notary.accept_records(ISSUER, SECOND, [certificate(3)])
    for each in (rig, Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)):
        assert [located(each, n) for n in (1, 2, 3, 4)] == [[(ORIGIN, 3, 1)], [(ORIGIN, 4, 1)], [(SECOND, 0, 1)], []]


def test_accept__known_identifier_after_a_run_was_written_and_by_another_process__answered_again(rig: Rig) -> None:
    first = rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(5)], key="a")
    rig.notary.names.index.flush()
    other = Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)
    for turn in range(3):
        notary = (lambda: other.notary, lambda: rig.notary, rig.again)[turn]()
        again = notary.accept_records(ISSUER, SECOND, [certificate(3)])
        assert (again[0].receipt.origin, again[0].receipt.index) == (ORIGIN, first[3].receipt.index)
        with pytest.raises(ConflictError) as caught:
            notary.accept_records(ISSUER, SECOND, [certificate(3, name="另一")])
        assert caught.value.code == "already_anchored"
    other.notary.close()


def test_identified__another_hash_with_the_same_beginning__is_told_apart(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
    mac = rig.notary.vault.identifier_mac(ISSUER, certificate(1)["identifier"])
    with rig.notary.store.reading() as connection:
        logs = rig.notary.store.all_logs(connection)
        asked = [mac[:8] + bytes(24), mac, rig.notary.vault.identifier_mac(OTHER, certificate(1)["identifier"])]
        assert list(rig.notary.names.identified(connection, logs, asked)) == [(mac, 1)]


def test_identified__index_forgotten_or_of_another_database__read_again_from_the_rows(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(7)], key="a")
    rig.notary.names.index.flush()
    for path in rig.notary.names.index.folder.glob("*.run"):
        path.unlink()
    assert [located(Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain), n) for n in range(7)] == [
        [(ORIGIN, n, 1)] for n in range(7)
    ]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    calls=st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 30), min_size=1, max_size=6)), max_size=6),
    page=st.integers(1, 5),
)
def test_read_on__any_pages_of_any_mixture__knows_what_the_table_has(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[bool, list[int]]], page: int
) -> None:
    notary = rig.notary
    for number, (records, numbers) in enumerate(calls):
        start = notary.log(ORIGIN).next_index * 1_000
        if records:
            rows = [certificate(start + n) for n in sorted(set(numbers))]
            notary.accept_records(ISSUER, ORIGIN, rows, key=f"{start} {number}")
        else:
            notary.accept_commitments(ISSUER, ORIGIN, packed(len(numbers), start=start), key=f"{start} {number}")
    monkeypatch.setattr(Names, "PAGE", page)
    fresh = Names(notary.store, names_index(notary.store, rig.home / "other", flush_at=4, beside=False))
    with notary.store.reading() as connection:
        fresh.follow(connection, notary.store.all_logs(connection))
        stored = connection.execute(sa.select(lookups.c.identifier, lookups.c.position)).all()
    assert fresh.index.upto(notary.log(ORIGIN).id) == notary.log(ORIGIN).next_index
    wanted = {key_of(identifier): [position] for identifier, position in stored}
    assert fresh.index.find(list(wanted)) == wanted
    assert fresh.index.count() == len(stored)


def test_rebuild__while_a_name_is_erased__holds_it_no_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(5)], key="a")
    gone = position_of(rig.notary.log(ORIGIN).id, 2)
    adopt = PlaceIndex.adopt

    def erased_first(self: PlaceIndex, other: PlaceIndex) -> None:
        for person in (b"\1" * 32, b"\2" * 32):
            act = rig.notary.erasing.propose if person[0] == 1 else rig.notary.erasing.confirm
            act(ISSUER, ORIGIN, 2, "order 1", person)
        adopt(self, other)

    monkeypatch.setattr(PlaceIndex, "adopt", erased_first)
    assert rig.notary.names.rebuild() == 4
    assert gone not in [p for _, run in rig.notary.names.index.runs for p in run.positions.tolist()]
    assert [len(located(rig, n)) for n in range(5)] == [1, 1, 0, 1, 1]
