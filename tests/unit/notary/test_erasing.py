"""Erasing: two persons, everything gone at once, the entry and the list after it; a crash anywhere ends right.

On SQLite, case by case; PostgreSQL goes through the same moves and crashes in test_erasing_machine.py, its files are
searched in tests/integration/test_postgres.py. Over 300 lines: one act, crashed and refused in each way.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, IntegrityError, NotFoundError
from ledger.types import Digest, Kind, Origin
from notary.entry import log_id
from notary.erasing import Erasing
from notary.erasures import Erased, State, parse_erasures, proves
from notary.filing import Filing
from notary.stores.content import EmbeddedStore
from notary.stores.erasure_list import NAME
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, document, packed

ONE, TWO = b"\1" * 32, b"\2" * 32
ORDER = "鄂法令〔2026〕12号"
READER = X25519PrivateKey.generate()
ACTS = ("destroyed", "listed", "entered", "proved", "dropped", "forgotten", "unnamed", "scrubbed")


class Died(Exception):
    """The process ended here."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, FOREIGN))
    with_files(made)
    yield made
    made.notary.close()


def with_files(rig: Rig) -> None:
    rig.notary.filing = Filing(EmbeddedStore(rig.home.parent / "content"))


def again(rig: Rig) -> None:
    rig.again()
    with_files(rig)


def accept(rig: Rig, record: dict[str, Any], origin: Origin = ORIGIN, **more: Any) -> int:
    [accepted] = rig.notary.accept_records(ISSUER, origin, [record], **more)
    return accepted.receipt.index


def file(rig: Rig, data: bytes = b"a file") -> int:
    readers = {ISSUER: READER.public_key(), OTHER: READER.public_key()}
    accepted = rig.notary.accept_document(ISSUER, ORIGIN, io.BytesIO(data), media_type="text/plain", readers=readers)
    return accepted.receipt.index


def erase(rig: Rig, index: int, origin: Origin = ORIGIN, order: str = ORDER) -> State:
    rig.notary.erasing.propose(ISSUER, origin, index, order, ONE)
    return rig.notary.erasing.confirm(ISSUER, origin, index, order, TWO).state


def assert_erased(rig: Rig, index: int, origin: Origin = ORIGIN, order: str = ORDER) -> None:
    notary = rig.notary
    for ask in (notary.record, notary.wraps, lambda o, i: notary.receipt(o, i, salted=True)):
        with pytest.raises(NotFoundError) as caught:
            ask(origin, index)
        assert (caught.value.code, caught.value.params["order"]) == ("erased", order)
        assert caught.value.params["day"] == "2026-02-02"  # the rig's clock
    assert notary.receipt(origin, index).salt is None
    [item] = [item for item in notary.erasing.listed(origin) if item.index == index]
    assert item.order == order
    assert item.proof is not None
    assert proves(item, origin, notary.prover.entry(item.proof.origin, item.proof.index))


def entries_of_kind_6(rig: Rig, origin: Origin = ORIGIN) -> int:
    return sum(raw[1] == Kind.ERASURE for raw in rig.entries(origin))


def test_erase__certificate__gone_named_and_entered(rig: Rig) -> None:
    record = certificate(1)
    index, kept = accept(rig, record), accept(rig, certificate(2))
    assert erase(rig, index) is State.DONE
    assert_erased(rig, index)
    assert rig.notary.locate(identifier=record["identifier"]) == []
    assert rig.notary.record(ORIGIN, kept)["number"] == certificate(2)["number"]
    assert entries_of_kind_6(rig) == 1
    assert rig.notary.record(ORIGIN, 2) == {
        "schema": "erasure/1", "kind": "erasure", "issuer": ISSUER, "origin": ORIGIN, "index": index, "order": ORDER,
    }  # fmt: skip
    again(rig)
    assert_erased(rig, index)
    assert not rig.notary.erasing.step()


def test_erase__document__ciphertext_and_wraps_gone_the_readers_are_known(rig: Rig) -> None:
    index, other = file(rig, bytes(3_000_000)), file(rig, b"another")
    blocks = rig.home.parent / "content" / "blocks"
    target = rig.notary.erasing.target(ISSUER, ORIGIN, index)
    assert (target.kept, target.file, target.readers) == (True, True, (ISSUER, OTHER))
    assert erase(rig, index) is State.DONE
    assert_erased(rig, index)
    assert sum(path.is_file() for path in blocks.rglob("*")) == 1
    assert rig.notary.filing is not None
    assert rig.notary.filing.content.has(rig.notary.record(ORIGIN, other)["document"]["cid"])
    after = rig.notary.erasing.target(ISSUER, ORIGIN, index)
    assert (after.kept, after.file, after.readers) == (False, False, (ISSUER, OTHER))
    assert after.row is not None
    assert after.row.cid is None


def test_erase__file_that_another_record_names__its_ciphertext_stays(rig: Rig) -> None:
    index = file(rig)
    copy = document(9) | {"document": rig.notary.record(ORIGIN, index)["document"]}
    pointing = accept(rig, copy)
    assert erase(rig, pointing) is State.DONE
    assert rig.notary.filing is not None
    assert rig.notary.filing.content.has(copy["document"]["cid"])
    assert erase(rig, index) is State.DONE
    assert not rig.notary.filing.content.has(copy["document"]["cid"])


def test_erase__answers__no_retry_brings_it_back(rig: Rig) -> None:
    one, keyed, plain = document(1), document(2), document(3)
    indexes = [accept(rig, one), accept(rig, keyed, key="k"), accept(rig, plain)]
    rig.notary.accept_records(ISSUER, SECOND, [document(4), document(5)], key="bulk")
    for index in indexes[:2]:
        erase(rig, index)
    erase(rig, 1, SECOND)
    for origin, records, key in ((ORIGIN, [keyed], "k"), (SECOND, [document(4), document(5)], "bulk")):
        with pytest.raises(ConflictError) as caught:
            rig.notary.accept_records(ISSUER, origin, records, key=key)
        assert caught.value.code == "erased.answer"
    for again in (None, "another"):  # nor is it taken as a new one
        with pytest.raises(ConflictError, match=r"erased\.name"):
            rig.notary.accept_records(ISSUER, ORIGIN, [one], key=again)
    [same] = rig.notary.accept_records(ISSUER, ORIGIN, [plain])
    assert (same.repeated, same.receipt.index) == (True, indexes[2])


def test_erase__answered_again_in_another_log__that_answer_goes_too(rig: Rig) -> None:
    index = accept(rig, certificate(1))
    mixed = [certificate(2), certificate(1)]
    rig.notary.accept_records(ISSUER, SECOND, mixed, key="m")
    erase(rig, index)
    with pytest.raises(ConflictError, match=r"erased\.answer"):
        rig.notary.accept_records(ISSUER, SECOND, mixed, key="m")


def test_erase__client_committed__nothing_here_to_destroy_but_it_is_named(rig: Rig) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="c")
    assert not rig.notary.erasing.target(ISSUER, ORIGIN, 1).kept
    assert erase(rig, 1) is State.DONE
    assert [item.index for item in rig.notary.erasing.listed(ORIGIN)] == [1]


def test_propose__alone__destroys_nothing_and_can_be_taken_back(rig: Rig) -> None:
    index, erasing = accept(rig, document(1)), rig.notary.erasing
    assert erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE) == erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    for order, person in ((ORDER, TWO), ("other", ONE)):
        with pytest.raises(ConflictError, match=r"erasure\.state"):
            erasing.propose(ISSUER, ORIGIN, index, order, person)
    assert rig.notary.record(ORIGIN, index) == document(1)
    at = erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE).proposed_at
    assert erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=at).state is State.WITHDRAWN
    assert erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=at).state is State.WITHDRAWN
    with pytest.raises(ConflictError, match=r"erasure\.state"):
        erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    assert erasing.propose(ISSUER, ORIGIN, index, "second try", TWO).state is State.PROPOSED
    assert erasing.confirm(ISSUER, ORIGIN, index, "second try", ONE).state is State.DONE


def test_confirm__same_person_other_order_or_nothing_proposed__refused(rig: Rig) -> None:
    index, erasing = accept(rig, document(1)), rig.notary.erasing
    with pytest.raises(NotFoundError, match=r"erasure\.unknown"):
        erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    with pytest.raises(DeniedError, match=r"erasure\.same_person"):
        erasing.confirm(ISSUER, ORIGIN, index, ORDER, ONE)
    with pytest.raises(ConflictError, match=r"erasure\.other_order"):
        erasing.confirm(ISSUER, ORIGIN, index, "another", TWO)
    assert rig.notary.record(ORIGIN, index) == document(1)
    first = erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    assert erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO) == first
    with pytest.raises(ConflictError, match=r"erasure\.state"):
        erasing.withdraw(ISSUER, ORIGIN, index, proposed_at=first.proposed_at)


def test_propose__anothers_log_beyond_the_end_or_an_erasure__refused(rig: Rig) -> None:
    index, erasing = accept(rig, document(1)), rig.notary.erasing
    erase(rig, index)
    cases: list[tuple[Any, type[ChuzhengError], str]] = [
        ((OTHER, ORIGIN, index), DeniedError, "notary.other_log"),
        ((ISSUER, ORIGIN, 99), NotFoundError, "notary.no_entry"),
        ((ISSUER, ORIGIN, 1), InputError, "erasure.kind"),
        ((ISSUER, "chuzheng/test/11420000MB9543829Q/none", 0), NotFoundError, "notary.no_log"),
    ]
    for (department, origin, at), kind, code in cases:
        with pytest.raises(kind) as caught:
            erasing.propose(department, origin, at, ORDER, ONE)
        assert caught.value.code == code


@pytest.mark.parametrize("act", ACTS)
def test_crash__after_any_act__a_restart_ends_it_with_one_entry(rig: Rig, act: str) -> None:
    index = file(rig)
    cid = rig.notary.record(ORIGIN, index)["document"]["cid"]

    def die(step: str) -> None:
        if step == act:
            raise Died

    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    rig.hook = die
    with pytest.raises(Died):
        rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    rig.hook = lambda step: None
    with pytest.raises(NotFoundError, match="erased"):  # never served again, whatever is unfinished
        rig.notary.record(ORIGIN, index)
    again(rig)
    assert rig.notary.erasing.step()
    assert not rig.notary.erasing.step()
    assert_erased(rig, index)
    assert entries_of_kind_6(rig) == 1
    assert rig.notary.filing is not None
    assert not rig.notary.filing.content.has(cid)
    row = rig.notary.erasing.target(ISSUER, ORIGIN, index).row
    assert row is not None
    assert (row.state, row.cid) == (State.DONE, None)


@pytest.mark.parametrize("act", ACTS)
def test_worker__finishes_everything_between_two_acts_of_a_request__both_end_well(rig: Rig, act: str) -> None:
    """API process and worker go on with the same erasure at the same time: the slower one finds it done."""
    index = file(rig)
    worker = Erasing(rig.notary, rig.clock)
    turns = list[bool]()

    def meanwhile(step: str) -> None:
        if step == act:
            turns.append(worker.step())

    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    rig.hook = meanwhile
    row = rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    assert turns == [True]
    assert (row.state, row.confirmer, row.cid) == (State.DONE, TWO, None)
    assert not rig.notary.erasing.step()
    assert_erased(rig, index)
    assert entries_of_kind_6(rig) == 1


def test_confirm__another_erasure_is_stuck__this_one_is_done_and_said_so(rig: Rig) -> None:
    class Damaged(EmbeddedStore):
        def remove(self, cid: str) -> None:
            raise IntegrityError("content.damaged", cid=cid)

    stuck, index = file(rig), accept(rig, document(1))
    assert rig.notary.filing is not None
    content, rig.notary.filing = rig.notary.filing, Filing(Damaged(rig.home.parent / "content"))
    assert erase(rig, stuck) is State.ENTERED
    assert erase(rig, index) is State.DONE
    rig.notary.filing = content
    assert rig.notary.erasing.step()
    assert_erased(rig, stuck)


@pytest.mark.usefixtures("sqlite_files")
@pytest.mark.parametrize("finished", [True, False])
def test_restored_database__from_before_the_erasure__held_to_the_list_before_it_serves(
    rig: Rig, finished: bool
) -> None:
    import shutil

    index = file(rig)
    # The backup holds what the files hold: the entry of kind 6 comes later and is in the log's files only if finished.
    rig.notary.close()
    rig.notary.store.engine.dispose()
    saved = rig.home.parent / "saved.sqlite"
    shutil.copy(rig.home / "chuzheng.sqlite", saved)
    again(rig)
    if not finished:
        rig.hook = lambda step: (_ for _ in ()).throw(Died()) if step == "listed" else None
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    if finished:
        rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    else:
        with pytest.raises(Died):
            rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    rig.hook = lambda step: None
    rig.notary.close()
    rig.notary.store.engine.dispose()
    for name in ("chuzheng.sqlite-wal", "chuzheng.sqlite-shm"):
        (rig.home / name).unlink(missing_ok=True)
    shutil.copy(saved, rig.home / "chuzheng.sqlite")
    again(rig)
    with pytest.raises(NotFoundError, match="erased"):
        rig.notary.record(ORIGIN, index)
    if finished:  # the log has an entry more than this database: it goes no further, and serves nothing
        with pytest.raises(IntegrityError, match="log_ahead"):
            rig.notary.erasing.step()
    else:
        assert rig.notary.erasing.step()
        assert_erased(rig, index)


def test_apply__list_of_a_mirror__destroyed_and_entered(rig: Rig) -> None:
    index = accept(rig, document(1))
    assert rig.notary.erasing.apply(ORIGIN, [Erased(index, ORDER), Erased(99, ORDER)]) == 1
    assert rig.notary.erasing.apply(ORIGIN, [Erased(index, ORDER)]) == 0
    assert rig.notary.erasing.step()
    assert_erased(rig, index)


def test_list__damaged__nothing_is_served(rig: Rig) -> None:
    erase(rig, accept(rig, document(1)))
    path = rig.log.directory / NAME
    data = path.read_bytes()
    assert parse_erasures(data)[0] == ORIGIN
    for broken in (data[:-5], b"", data.replace(b"chuzheng/test", b"chuzheng/prod")):
        path.write_bytes(broken)
        with pytest.raises(IntegrityError, match=r"erasure\.list"):
            rig.again()
    path.write_bytes(data)
    rig.again()


def test_closed_log__erased_still__the_entry_is_in_the_next_one(rig: Rig) -> None:
    index = accept(rig, document(1))
    rig.notary.seal(ORIGIN)
    head = rig.log.checkpoint()
    assert head is not None
    rig.chain.anchor(log_id(ORIGIN), head.size, Digest(head.root))
    rig.chain.close_log(log_id(ORIGIN), head.size)
    assert erase(rig, index) is State.DONE
    assert_erased(rig, index)
    assert (entries_of_kind_6(rig), entries_of_kind_6(rig, SECOND)) == (0, 1)
