"""Erasing beside others: a retry whose answer was lost, a reader between two reads, a second release, a second erasure.

What the other one does is called between two acts of the first, so every interleaving here is the same each time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import ConflictError, DeniedError, IntegrityError, NotFoundError
from notary.erasing import AGAIN, Erasing
from notary.erasures import Erased, State
from notary.filing import Filing
from notary.fsck_records import RecordAudit
from notary.stores.content import EmbeddedStore
from notary.stores.records import records
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate, document

pytestmark = pytest.mark.usefixtures("each_kind")

ONE, TWO, THREE = b"\1" * 32, b"\2" * 32, b"\3" * 32
DAY = 24 * 3_600_000
ORDER, RELEASED = "鄂法令〔2026〕12号", "〔2027〕3"
READER = X25519PrivateKey.generate()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home")
    made.notary.filing = Filing(EmbeddedStore(tmp_path / "content"))
    yield made
    made.notary.close()


def accept(rig: Rig, record: dict[str, Any]) -> int:
    [accepted] = rig.notary.accept_records(ISSUER, ORIGIN, [record])
    return accepted.receipt.index


def file(rig: Rig, data: bytes = b"a file") -> int:
    readers = {ISSUER: READER.public_key()}
    accepted = rig.notary.accept_document(ISSUER, ORIGIN, io.BytesIO(data), media_type="text/plain", readers=readers)
    return accepted.receipt.index


def erase(rig: Rig, index: int) -> State:
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    return rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO).state


def between(rig: Rig, number: int, act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`act` is done by somebody else when the database was asked so often from now on and nothing holds it."""
    store, held, asked = rig.notary.store, 0, 0

    def counted(real: Any) -> Any:
        @contextmanager
        def asking(*given: Any) -> Iterator[Any]:
            nonlocal held, asked
            held += 1
            try:
                with real(*given) as connection:
                    yield connection
            finally:
                held -= 1
            asked += held == 0
            if asked == number and held == 0:
                asked += 1
                act()

        return asking

    for name in ("reading", "transaction"):
        monkeypatch.setattr(store, name, counted(getattr(store, name)))


def test_propose__sent_again_after_the_other_person_confirmed__answered_as_it_stands(rig: Rig) -> None:
    """The first answer was lost; meanwhile the second person acted."""
    index, erasing = accept(rig, document(1)), rig.notary.erasing
    erase(rig, index)
    row = erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    assert (row.state, row.proposer, row.confirmer) == (State.DONE, ONE, TWO)
    for order, person in ((ORDER, TWO), ("another", ONE)):
        with pytest.raises(ConflictError, match=r"erasure\.state"):
            erasing.propose(ISSUER, ORIGIN, index, order, person)


def test_withdraw__sent_again_after_somebody_proposed_anew__the_new_one_stands(rig: Rig) -> None:
    """The first answer was lost; meanwhile a second proposal was made, by the same order, in the same instant."""
    index, erasing = accept(rig, document(1)), rig.notary.erasing
    first = erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    assert erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=first.proposed_at).state is State.WITHDRAWN
    assert erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=first.proposed_at).state is State.WITHDRAWN
    rig.clock.at = first.proposed_at - rig.clock.tick  # a clock that was set back
    second = erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    assert second.proposed_at > first.proposed_at
    with pytest.raises(ConflictError) as found:
        erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=first.proposed_at)
    assert (found.value.code, found.value.params) == ("erasure.other_proposal", {"found": second.proposed_at})
    assert erasing.target(ISSUER, ORIGIN, index).row == second
    assert erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=second.proposed_at).state is State.WITHDRAWN
    # Whichever was named: it waits no more.
    assert erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=first.proposed_at).state is State.WITHDRAWN


def test_propose__taken_back_since_it_was_looked_at__not_made_again(rig: Rig) -> None:
    index, erasing = accept(rig, document(1)), rig.notary.erasing
    first = erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE, seen=0)
    assert erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE, seen=0) == first
    row = erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=first.proposed_at)
    with pytest.raises(ConflictError, match=r"erasure\.not_acknowledged"):
        erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE, seen=0)
    assert erasing.target(ISSUER, ORIGIN, index).row == row
    assert erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE, seen=row.proposed_at).state is State.PROPOSED


def test_finish__another_erasure_is_stuck__said_of_that_one_only(rig: Rig) -> None:
    """`erase apply` after a restore: what its list names is done, whatever stands in another's way."""

    class Damaged(EmbeddedStore):
        def remove(self, cid: str) -> None:
            raise IntegrityError("content.damaged", cid=cid)

    stuck, index = file(rig), accept(rig, document(1))
    content, rig.notary.filing = rig.notary.filing, Filing(Damaged(rig.home.parent / "content"))
    assert erase(rig, stuck) is State.ENTERED
    erasing, named = rig.notary.erasing, Erased(index, ORDER)
    assert erasing.apply(ORIGIN, [named]) == 1
    erasing.finish({ORIGIN: [named]})
    row = erasing.target(ISSUER, ORIGIN, index).row
    assert row is not None
    assert row.state is State.DONE
    for lists in ([Erased(stuck, ORDER)], [named, Erased(stuck, ORDER)]):
        with pytest.raises(IntegrityError, match=r"content\.damaged"):
            erasing.finish({ORIGIN: lists})
    rig.notary.filing = content
    erasing.finish({ORIGIN: [Erased(stuck, ORDER)]})
    assert not erasing.step()


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_wraps__erased_between_two_reads__all_or_erased(rig: Rig, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    index = file(rig)
    between(rig, number, lambda: erase(rig, index), monkeypatch)
    try:
        assert set(rig.notary.wraps(ORIGIN, index)) == {ISSUER}
    except NotFoundError as error:
        assert error.code == "erased"  # noqa: PT017 - either is right, and nothing between


@pytest.mark.parametrize("number", [1, 2])
def test_release__an_old_proposal_while_the_record_is_erased_again__stale(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Two second persons hold one proposal: what the first one's led to isn't undone by the other's."""
    record = certificate(1)
    erase(rig, accept(rig, record))
    releasing = rig.notary.releasing
    proposal = releasing.propose(ISSUER, ORIGIN, record, RELEASED, ONE)
    told = list[str]()

    real, looks = rig.notary.erasing.check_release, 0

    def meanwhile(*given: Any) -> None:
        nonlocal looks
        looks += 1
        real(*given)
        if looks == number:
            looks = 9
            assert releasing.confirm(ISSUER, ORIGIN, record, RELEASED, TWO, proposal=proposal)
            erase(rig, accept(rig, record))
            told.append("erased again")

    monkeypatch.setattr(rig.notary.erasing, "check_release", meanwhile)
    try:
        assert releasing.confirm(ISSUER, ORIGIN, record, RELEASED, TWO, proposal=proposal)
    except ConflictError as error:
        assert (error.code, told) == ("erasure.release_stale", ["erased again"])  # noqa: PT017
    if told:  # nor is it answered by what it did before that
        with pytest.raises(ConflictError, match=r"erased\.name"):
            accept(rig, record)


def test_step__somebody_reads_for_long__the_writers_are_held_up_once_and_not_at_every_step(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the files are cleaned, nobody writes: a reader of an hour mustn't stop the service for that hour."""
    worker, tries = Erasing(rig.notary, rig.clock), list[bool]()
    first, second = accept(rig, document(1)), accept(rig, document(2))
    real = worker._rows.scrub
    monkeypatch.setattr(worker._rows, "scrub", lambda: tries.append(real()) or tries[-1])  # type: ignore[func-returns-value]
    with rig.notary.store.reading() as reader:
        reader.execute(sa.select(records.c.position)).all()
        assert erase(rig, first) is State.ENTERED
        assert [worker.step() for _ in range(5)] == [False] * 5
        assert tries == [False]
        assert erase(rig, second) is State.ENTERED  # a new one is told and cleaned as far as can be
        assert not worker.step()
        assert tries == [False, False]
    assert not worker.step()
    rig.clock.at += AGAIN
    assert worker.step()
    assert tries == [False, False, True]
    for index in (first, second):
        row = worker.target(ISSUER, ORIGIN, index).row
        assert row is not None
        assert row.state is State.DONE


def test_release__each_word_sent_again__answered_as_the_first_time(rig: Rig) -> None:
    """Both answers were lost: the first person's proposal is the same, the second one's word was what released it."""
    record, other = certificate(1), certificate(2)
    for each in (record, other):
        erase(rig, accept(rig, each))
    releasing = rig.notary.releasing
    rig.clock.at -= rig.clock.at % DAY  # a day is before us

    def propose(person: bytes = ONE, order: str = RELEASED, about: Any = record) -> str:
        return releasing.propose(ISSUER, ORIGIN, about, order, person)

    def confirm(person: bytes, proposal: str, about: Any = record, order: str = RELEASED) -> bool:
        return releasing.confirm(ISSUER, ORIGIN, about, order, person, proposal=proposal)

    proposal = propose()
    assert propose() == proposal
    assert len({proposal, propose(TWO), propose(order="another"), propose(about=other)}) == 4
    for _ in range(2):
        assert confirm(TWO, proposal)
        assert propose() == proposal
    with pytest.raises(DeniedError, match=r"erasure\.same_person"):
        confirm(ONE, proposal)
    assert not confirm(THREE, proposal)  # that one released nothing
    assert confirm(TWO, proposal)
    for about, order in ((other, RELEASED), (record, "another")):  # what was done was done to this record by this order
        with pytest.raises(ConflictError, match=r"erasure\.release_stale"):
            confirm(TWO, proposal, about, order)
    index = accept(rig, record)
    erase(rig, accept(rig, document(3)))  # an erasure later, and long after
    rig.clock.at += 100 * DAY
    assert confirm(TWO, proposal)
    assert confirm(TWO, proposal)
    erase(rig, index)
    with pytest.raises(ConflictError, match=r"erasure\.release_stale"):
        confirm(TWO, proposal)
    with pytest.raises(ConflictError, match=r"erased\.name"):
        accept(rig, record)
    found = list[Any]()
    audit = RecordAudit(rig.notary, ORIGIN, found.append)
    audit.span(0, rig.notary.log(ORIGIN).next_index)
    audit.rest()
    assert found == []
