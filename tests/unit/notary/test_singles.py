"""Singles taken together answer and refuse exactly as each of them alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, DeniedError, UnavailableError
from notary.reception import Accepted
from notary.singles import Single
from notary.submission import Submission
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, Rig, certificate, document


def raw(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home")
    yield made
    made.notary.close()


KINDS: list[Callable[[int], bytes]] = [
    lambda n: raw(certificate(n)),
    lambda n: raw(certificate(n) | {"name": "另一个名称"}),  # the same identifier, other content
    lambda n: raw(document(n)),
    lambda n: raw(certificate(n) | {"issuer": OTHER}),
    lambda n: raw(certificate(n) | {"valid_from": "never"}),
    lambda n: raw({**certificate(n), "version": 0, "issue_date": "2024-02-30"}),  # two things are wrong
    lambda n: b"{" * n,
]
singles = st.builds(
    lambda kind, n, key: Single(KINDS[kind](n), key),
    st.integers(0, len(KINDS) - 1),
    st.integers(1, 3),
    st.sampled_from([None, None, "one", "two", "x" * 300]),
)


def told(outcome: Accepted | Exception) -> object:
    """What may be compared between two notaries: salts are drawn anew."""
    if isinstance(outcome, ChuzhengError):
        return type(outcome), outcome.code, outcome.params
    assert isinstance(outcome, Accepted), outcome
    receipt = outcome.receipt
    return receipt.index, receipt.entry.kind, outcome.repeated, len(receipt.salt or b""), len(receipt.promise or b"")


def alone(rig: Rig, single: Single) -> Accepted | Exception:
    try:
        return rig.notary.accept_records(ISSUER, ORIGIN, [single.record], key=single.key)[0]
    except ChuzhengError as error:
        return error


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(singles, min_size=1, max_size=6), min_size=1, max_size=3))
def test_accept_singles__any_groups__as_one_by_one(groups: list[list[Single]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        together, apart = Rig(Path(folder) / "together"), Rig(Path(folder) / "apart")
        try:
            given = [found for group in groups for found in together.notary.accept_singles(ISSUER, ORIGIN, group)]
            expected = [alone(apart, single) for group in groups for single in group]
            assert [told(found) for found in given] == [told(found) for found in expected]
        finally:
            together.notary.close()
            apart.notary.close()


def test_accept_singles__repeated__the_first_receipt_again(rig: Rig) -> None:
    group = [Single(raw(certificate(n)), None) for n in range(5)]
    first = rig.notary.accept_singles(ISSUER, ORIGIN, group)
    again = rig.notary.accept_singles(ISSUER, ORIGIN, [*group, *group])
    receipts = [found.receipt for found in first if isinstance(found, Accepted)]
    assert len(receipts) == 5
    assert [found.receipt for found in again if isinstance(found, Accepted)] == [*receipts, *receipts]
    assert all(found.repeated for found in again if isinstance(found, Accepted))


def test_accept_singles__another_departments_log__refused_as_a_whole(rig: Rig) -> None:
    with pytest.raises(DeniedError, match=r"notary\.other_log"):
        rig.notary.accept_singles(OTHER, ORIGIN, [Single(raw(certificate(1)), None)])


def test_accept_singles__too_many_wait__those_without_a_place_are_told_the_others_stand(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = rig.notary.acceptance._waiting
    put_all = queues.put_all

    def full(submissions: list[Submission]) -> list[tuple[Submission, UnavailableError]]:
        queues.maxsize = queues.qsize() + 2
        return put_all(submissions)

    monkeypatch.setattr(queues, "put_all", full)
    found = rig.notary.accept_singles(ISSUER, ORIGIN, [Single(raw(certificate(n)), None) for n in range(4)])
    assert [isinstance(one, Accepted) for one in found] == [True, True, False, False]
    assert [one.code for one in found if isinstance(one, ChuzhengError)] == ["notary.busy", "notary.busy"]


def test_accept_singles__one_that_breaks_us__the_others_stand(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = rig.notary.prepare

    def fragile(records: Any, issuer: Any) -> Any:
        if records == [b"bomb"]:
            raise RuntimeError("a fault of ours")
        return prepare(records, issuer)

    monkeypatch.setattr(rig.notary, "prepare", fragile)
    found = rig.notary.accept_singles(ISSUER, ORIGIN, [Single(b"bomb", None), Single(raw(certificate(1)), None)])
    assert [type(one) for one in found] == [RuntimeError, Accepted]
