"""What was answered under a key is answered again, from a run or from memory, by every process; other content isn't."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import ConflictError
from notary.reception import hash_key
from notary.service import Notary
from notary.stores.answers import Answers, answers_index, key_of
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import answers, idempotency, index_of, position_of
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, certificate, document, packed

pytestmark = pytest.mark.usefixtures("each_kind")

ONE, TWO = b"\1" * 32, b"\2" * 32


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND))
    yield made
    made.notary.close()


def fresh(rig: Rig) -> Rig:
    """Another process on the same database and folder."""
    return Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)


def single(notary: Notary, n: int, key: str | None, *, operation: str = "records", **changed: Any) -> tuple[str, int]:
    [accepted] = notary.accept_records(ISSUER, ORIGIN, [certificate(n, **changed)], key=key, operation=operation)
    return accepted.receipt.origin, accepted.receipt.index


def rows(rig: Rig, table: sa.Table) -> list[Any]:
    with rig.notary.store.reading() as connection:
        return list(connection.execute(sa.select(table)).all())


def erase(rig: Rig, index: int) -> None:
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, "order 1", ONE)
    assert rig.notary.erasing.confirm(ISSUER, ORIGIN, index, "order 1", TWO).state.value == "done"


def test_rows__own_entries_by_their_first_place__others_apart(rig: Rig) -> None:
    log = rig.notary.log(ORIGIN).id
    single(rig.notary, 1, "a")
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(2), certificate(3)], key="b")
    single(rig.notary, 1, "again")
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(3), certificate(4)], key="mixed")
    kept = [(row.position, row.key, row.size) for row in rows(rig, answers)]
    assert kept == [(position_of(log, 0), hash_key("a"), 1), (position_of(log, 1), hash_key("b"), 2)]
    assert {row.key for row in rows(rig, idempotency)} == {hash_key("again"), hash_key("mixed")}
    for _ in range(2):
        assert [single(rig.notary, 1, key) for key in ("a", "again")] == [(ORIGIN, 0), (ORIGIN, 0)]
        with pytest.raises(ConflictError, match="idempotency_conflict"):
            single(rig.notary, 9, "again")
        rig.again()


def test_answered__same_key_elsewhere__another_answer(rig: Rig) -> None:
    assert single(rig.notary, 1, "k") == (ORIGIN, 0)
    assert single(rig.notary, 2, "k", operation="others") == (ORIGIN, 1)
    [other] = rig.notary.accept_records(ISSUER, SECOND, [certificate(3)], key="k")
    assert (other.receipt.origin, other.receipt.index) == (SECOND, 0)
    assert [single(rig.notary, 1, "k"), single(rig.notary, 2, "k", operation="others")] == [(ORIGIN, 0), (ORIGIN, 1)]


def test_answered__another_key_with_the_same_beginning__is_told_apart(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("notary.placing.key_of_answer", "notary.stores.answers.key_of"):
        monkeypatch.setattr(module, lambda department, operation, key: b"the same")
    assert [single(rig.notary, n, f"k{n}") for n in (1, 2, 3)] == [(ORIGIN, n) for n in (0, 1, 2)]
    assert single(rig.notary, 4, "k1", operation="others") == (ORIGIN, 3)
    for notary in (rig.notary, fresh(rig).notary):
        assert [single(notary, n, f"k{n}") for n in (1, 2, 3)] == [(ORIGIN, n) for n in (0, 1, 2)]
        assert single(notary, 4, "k1", operation="others") == (ORIGIN, 3)


@pytest.mark.parametrize("damage", ["none", "runs gone", "list gone", "of another database"])
def test_answered__after_a_run_was_written_and_by_another_process__as_before(
    rig: Rig, tmp_path: Path, damage: str
) -> None:
    for n in range(5):
        single(rig.notary, n, f"k{n}")
    rig.notary.answers.index.flush()
    single(rig.notary, 5, "k5")
    folder = rig.notary.answers.index.folder
    if damage == "runs gone":
        for path in folder.glob("*.run"):
            path.unlink()
    elif damage == "list gone":
        (folder / "list.json").unlink()
    elif damage == "of another database":
        other = Rig(tmp_path / "other", origins=rig.origins)
        for n in range(6):
            single(other.notary, n + 100, f"k{n}")
        other.notary.answers.index.flush()
        for path in other.notary.answers.index.folder.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        other.notary.close()
    for each in (fresh(rig), rig):
        assert [single(each.notary, n, f"k{n}") for n in range(6)] == [(ORIGIN, n) for n in range(6)]
        with pytest.raises(ConflictError, match="idempotency_conflict"):
            single(each.notary, 7, "k4")


def test_answered__given_by_another_process_since__known(rig: Rig) -> None:
    other = fresh(rig)
    for n in range(6):
        single((rig, other)[n % 2].notary, n, f"k{n}")
    for each in (rig, other):
        assert [single(each.notary, n, f"k{n}") for n in range(6)] == [(ORIGIN, n) for n in range(6)]
        each.notary.answers.index.flush()
    for n in (6, 7):
        single((rig, other)[n % 2].notary, n, f"k{n}")
        with pytest.raises(ConflictError, match="idempotency_conflict"):
            single((other, rig)[n % 2].notary, 99, f"k{n}")
    other.notary.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.tuples(st.sampled_from("srcm"), st.integers(0, 1), st.integers(0, 1)), max_size=8),
    page=st.integers(1, 3),
)
def test_any_calls__as_a_plain_table_would_answer_them(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, int, int]], page: int
) -> None:
    """`s` a single record, `r` several, `c` commitments, `m` some that stand and one that doesn't; each under a key of
    few, with contents of few: every answer is what the first one under the key was, or a conflict."""
    monkeypatch.setattr(Answers, "PAGE", page)
    start, known = rig.notary.log(ORIGIN).next_index * 1_000, dict[tuple[str, int], tuple[int, list[int]]]()
    processes = [rig, fresh(rig)]
    for turn, (what, key, content) in enumerate(calls):
        notary, base = processes[turn % 2].notary, start + content * 100 + {"s": 0, "r": 10, "c": 20, "m": 30}[what]
        before, refused = notary.log(ORIGIN).next_index, ""
        try:
            if what == "c":
                placed = notary.accept_durably(ISSUER, ORIGIN, packed(3, start=base), key=f"{start} {key}")
                found = list(range(placed.first, placed.first + 3))
            else:
                numbers = {"s": [base], "r": [base, base + 1], "m": [start + content * 100, base]}[what]
                sent = [certificate(n) for n in numbers]
                taken = notary.accept_records(ISSUER, ORIGIN, sent, key=f"{start} {key}", operation=what)
                found = [accepted.receipt.index for accepted in taken]
        except ConflictError as error:
            refused = error.code
        if refused:
            assert refused in {"idempotency_conflict", "commitment_known"}
            assert refused == "commitment_known" or known[what, key][0] != content
            continue
        if (what, key) in known:
            assert known[what, key] == (content, found)
            assert notary.log(ORIGIN).next_index == before
        known[what, key] = content, found
    made = Answers(rig.notary.store, answers_index(rig.notary.store, rig.home / "read", flush_at=2, beside=False))
    with rig.notary.store.reading() as connection:
        made.follow(connection, rig.notary.store.all_logs(connection))
    stored = {key_of(row.department, row.operation, row.key): [row.position] for row in rows(rig, answers)}
    assert made.index.find(list(stored)) == stored
    assert made.index.count() == len(stored)
    processes[1].notary.close()


def test_erasing__under_a_key_of_the_client__told_so_by_every_process(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(4)], key="bulk")
    for n in range(4, 7):
        single(rig.notary, n, f"k{n}")
    single(rig.notary, 5, "again")
    rig.notary.answers.index.flush()
    other = fresh(rig)
    for index in (2, 5):
        erase(rig, index)
    for each in (rig, other):
        assert [single(each.notary, n, f"k{n}") for n in (4, 6)] == [(ORIGIN, 4), (ORIGIN, 6)]
        for key in ("k5", "again"):
            with pytest.raises(ConflictError, match=r"erased\.answer"):
                single(each.notary, 5, key)
        with pytest.raises(ConflictError, match=r"erased\.answer"):
            each.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(4)], key="bulk")
    other.notary.close()


def test_erasing__under_the_records_own_hash__row_and_run_hold_it_no_more(rig: Rig) -> None:
    other = fresh(rig)
    for n in range(3):
        rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
    rig.notary.answers.index.flush()
    rig.notary.accept_records(ISSUER, ORIGIN, [document(3)])
    other.notary.answers.make_ready()
    for index in (1, 3):
        erase(rig, index)
    for each in (rig, other):
        each.notary.answers.index.flush()
        held = [index_of(p) for _, run in each.notary.answers.index.runs for p in run.positions.tolist()]
        assert {0, 2} <= set(held)
        assert not {1, 3} & set(held)
        [again] = each.notary.accept_records(ISSUER, ORIGIN, [document(2)])
        assert again.receipt.index == 2
    other.notary.close()


def test_rebuild__while_an_answer_is_erased__holds_it_no_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
    single(rig.notary, 9, "k")
    adopt = PlaceIndex.adopt

    def erased_first(self: PlaceIndex, other: PlaceIndex) -> None:
        if self is rig.notary.answers.index:
            for index in (2, 4):
                erase(rig, index)
        adopt(self, other)

    monkeypatch.setattr(PlaceIndex, "adopt", erased_first)
    rig.notary.answers.rebuild()
    held = {index_of(p) for _, run in rig.notary.answers.index.runs for p in run.positions.tolist()}
    assert {0, 1, 3, 4} <= held  # the client's key stays, so that a retry is told
    assert 2 not in held
    with pytest.raises(ConflictError, match=r"erased\.answer"):
        single(rig.notary, 9, "k")
