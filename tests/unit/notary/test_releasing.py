"""Releasing an erased record: two persons, one record, one order, once; nothing is stored between the two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, NotFoundError
from notary.b64 import from_b64, to_b64
from notary.stores.erased_names import release_names
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, Rig, certificate, document

pytestmark = pytest.mark.usefixtures("each_kind")

ONE, TWO = b"\1" * 32, b"\2" * 32
ERASED, RELEASED = "鄂法令〔2026〕12号", "〔2027〕3"
DAY = 24 * 3_600_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home")
    yield made
    made.notary.close()


def accept(rig: Rig, record: dict[str, Any]) -> int:
    [accepted] = rig.notary.accept_records(ISSUER, ORIGIN, [record])
    return accepted.receipt.index


def erase(rig: Rig, record: dict[str, Any]) -> None:
    index = accept(rig, record)
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ERASED, ONE)
    rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ERASED, TWO)


def propose(rig: Rig, record: dict[str, Any], person: bytes = ONE) -> str:
    return rig.notary.releasing.propose(ISSUER, ORIGIN, record, RELEASED, person)


def confirm(rig: Rig, record: dict[str, Any], proposal: str, person: bytes = TWO, order: str = RELEASED) -> bool:
    return rig.notary.releasing.confirm(ISSUER, ORIGIN, record, order, person, proposal=proposal)


def stale(rig: Rig, record: dict[str, Any], proposal: str, **more: Any) -> None:
    with pytest.raises(ConflictError) as found:
        confirm(rig, record, proposal, **more)
    assert found.value.code == "erasure.release_stale"


def refused(rig: Rig, record: dict[str, Any]) -> None:
    with pytest.raises(ConflictError, match="erased"):
        accept(rig, record)


@pytest.mark.parametrize("record", [certificate(1), document(2)])
def test_release__two_persons__taken_again_and_the_proposal_counts_no_more(rig: Rig, record: dict[str, Any]) -> None:
    erase(rig, record)
    proposal = propose(rig, record)
    refused(rig, record)
    assert confirm(rig, record, proposal)
    assert confirm(rig, record, proposal)  # the same call again, after a crash say: that is what it did
    assert rig.notary.record(ORIGIN, accept(rig, record)) == record
    index = rig.notary.locate(identifier=record["identifier"])[0].index if "identifier" in record else 2
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ERASED, ONE)
    rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ERASED, TWO)
    stale(rig, record, proposal)
    refused(rig, record)


def test_release__one_person_with_two_words__refused(rig: Rig) -> None:
    record = certificate(1)
    erase(rig, record)
    for first, second in ((ONE, ONE), (TWO, TWO)):
        with pytest.raises(DeniedError) as found:
            confirm(rig, record, propose(rig, record, first), second)
        assert found.value.code == "erasure.same_person"
    refused(rig, record)


def test_release__other_record_order_or_anything_changed__stale(rig: Rig) -> None:
    record = certificate(1)
    erase(rig, record)
    proposal = propose(rig, record)
    stale(rig, certificate(2), proposal)
    stale(rig, record, proposal, order="〔2027〕4")
    raw = from_b64(proposal)
    assert raw is not None
    for at in range(len(raw)):  # the time, the proposer, the tag: nothing of it can be made by hand
        stale(rig, record, to_b64(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]))
    for other in ("", "x", to_b64(raw[:-1]), to_b64(raw + b"\0"), proposal + "\n"):
        stale(rig, record, other)
    refused(rig, record)
    assert confirm(rig, record, proposal)


def test_release__after_seven_days_or_another_erasure__proposed_again(rig: Rig) -> None:
    record = certificate(1)
    erase(rig, record)
    proposal = propose(rig, record)
    made = rig.clock.at
    rig.clock.at = made - made % DAY + 8 * DAY  # seven days, and the rest of the one on which it was made
    stale(rig, record, proposal)
    rig.clock.at = made - DAY
    stale(rig, record, proposal)  # made later than now: a clock is wrong
    rig.clock.at = made
    erase(rig, certificate(2))
    stale(rig, record, proposal)
    assert confirm(rig, record, propose(rig, record))


def test_release__the_process_ends_between_and_while_releasing__the_second_word_still_carries_it_out(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = certificate(1)
    erase(rig, record)
    proposal = propose(rig, record)
    rig.again()

    class KilledError(Exception):
        pass

    def killed(connection: Any, issuer: int, names: Any) -> int:
        release_names(connection, issuer, names)
        raise KilledError  # before the transaction's end

    with monkeypatch.context() as ending:
        ending.setattr("notary.releasing.release_names", killed)
        with pytest.raises(KilledError):
            confirm(rig, record, proposal)
    refused(rig, record)
    rig.again()
    refused(rig, record)
    assert confirm(rig, record, proposal)
    assert accept(rig, record)


def test_propose__wrong__refused_before_the_second_person_is_asked(rig: Rig) -> None:
    record = certificate(1)
    cases: list[tuple[tuple[Any, ...], type[ChuzhengError]]] = [
        ((OTHER, ORIGIN, record, "x"), DeniedError),
        ((ISSUER, ORIGIN, record, ""), InputError),
        ((ISSUER, "chuzheng/test/11420000MB9543829Q/none", record, "x"), NotFoundError),
        ((ISSUER, ORIGIN, record | {"kind": "erasure"}, "x"), InputError),
    ]
    for arguments, error in cases:
        given: list[Any] = [*arguments, ONE]
        with pytest.raises(error):
            rig.notary.releasing.propose(*given)
        with pytest.raises(error):
            rig.notary.releasing.confirm(*given, proposal="x")


def test_proposal__holds_neither_person_nor_record(rig: Rig) -> None:
    record = certificate(1)
    erase(rig, record)
    one = from_b64(propose(rig, record))
    rig.clock.at += DAY
    two = from_b64(propose(rig, record))
    assert one is not None
    assert two is not None
    assert ONE not in one
    # One person's proposals of two days can't be told from two persons'; nor do those of a day say whose they are.
    assert one[8:] != two[8:]
    assert len({one[i : i + 16] for i in range(8, 88)} & {two[i : i + 16] for i in range(8, 88)}) == 0
