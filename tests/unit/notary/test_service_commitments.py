"""Finished commitments, alone and in bulk: all or none, each where it may stand, a repeat answered or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import ConfigurationError, ConflictError, InputError
from notary.receipts import first_not_included, split
from notary.reception import MAX_BULK
from notary.submission import Row
from tests.fakes.notary import FOREIGN, ISSUER, MEMBERS, ORIGIN, OTHER, SECOND, START, Rig, document, packed


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, MEMBERS, FOREIGN), members=(MEMBERS,), database=database)
    yield made
    made.notary.close()


def test_accept_commitments__bulk__under_a_checkpoint_with_paths(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])
    bundle = rig.notary.accept_commitments(ISSUER, ORIGIN, packed(300), key="k")
    assert (bundle.first, bundle.count, bundle.promises, bundle.size) == (1, 300, None, 301)
    assert first_not_included(bundle) is None
    again = rig.notary.accept_commitments(ISSUER, ORIGIN, packed(300), key="k")
    assert again == bundle
    rig.again()
    later = rig.notary.accept_commitments(ISSUER, ORIGIN, packed(300), key="k")
    assert [r.entry for r in split(later)] == [r.entry for r in split(bundle)]


def test_accept_commitments__repeat__single_is_answered_bulk_is_refused(rig: Rig) -> None:
    one = packed(1)
    first = rig.notary.accept_commitments(ISSUER, ORIGIN, one, key=None)
    assert rig.notary.accept_commitments(ISSUER, ORIGIN, one, key=None) == first
    assert rig.notary.accept_commitments(ISSUER, SECOND, one, key="elsewhere") == first
    for wrong in (one[:33] + bytes(32), b"\x02" + one[1:]):
        with pytest.raises(ConflictError, match="commitment_known"):
            rig.notary.accept_commitments(ISSUER, ORIGIN, wrong, key=None)
    with pytest.raises(ConflictError, match="commitment_known") as caught:
        rig.notary.accept_commitments(ISSUER, SECOND, packed(3, start=-2), key="k")
    assert caught.value.params == {"row": 3, "index": 0}
    with pytest.raises(ConflictError, match="twice_in_call"):
        rig.notary.accept_commitments(ISSUER, ORIGIN, packed(2, start=5) + packed(1, start=5), key="k2")
    assert len(rig.entries()) == 1
    # another department may hold the same digest: a copy in its log takes nothing from the first
    assert rig.notary.accept_commitments(OTHER, FOREIGN, one, key=None).first == 0


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [
        (b"", "k", "notary.packed_length"),
        (packed(1)[:-1], "k", "notary.packed_length"),
        (packed(2), None, "notary.key_needed"),
        (packed(2), "", "notary.key_length"),
        (packed(2), "x" * 256, "notary.key_length"),
        (packed(MAX_BULK + 1), "k", "notary.bulk_count"),
        (packed(1, kind=0), None, "notary.kind_by_client"),
        (packed(1, kind=6), None, "notary.kind_by_client"),
        (packed(1, kind=7), None, "notary.kind_by_client"),
        (packed(1, kind=3), None, "notary.kind_of_log"),
    ],
)
def test_accept_commitments__wrong_input__refused(rig: Rig, body: bytes, key: str | None, code: str) -> None:
    with pytest.raises(InputError, match=code):
        rig.notary.accept_commitments(ISSUER, ORIGIN, body, key=key)
    assert rig.entries() == []


def test_kinds_3_to_5__only_in_the_members_shard__time_cut_to_the_hour(rig: Rig) -> None:
    for kind in (3, 4, 5):
        bundle = rig.notary.accept_commitments(ISSUER, MEMBERS, packed(1, kind=kind, start=kind), key=None)
        entry = next(split(bundle)).entry
        assert entry.kind == kind
        assert entry.accepted_at % 3_600_000 == 0
        assert 0 <= START - entry.accepted_at < 3_600_000
    with pytest.raises(InputError, match="kind_of_log"):
        rig.notary.accept_commitments(ISSUER, MEMBERS, packed(1, kind=1), key=None)
    with pytest.raises(ConfigurationError, match="member_log"):
        Rig(rig.home.parent / "second", members=(ORIGIN,))


def test_accept_commitments__parsed_rows__same_content_as_packed(rig: Rig) -> None:
    body = packed(2)
    rows = [Row(body[at], body[at + 1 : at + 33], body[at + 33 : at + 65]) for at in (0, 65)]
    first = rig.notary.accept_commitments(ISSUER, ORIGIN, body, key="k")
    assert rig.notary.accept_commitments(ISSUER, ORIGIN, rows, key="k") == first
