"""Many records at once: the same commitments and bytes as one by one, whatever is beside them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from notary.commitment import commit_and_canonicalise
from notary.committing import TOGETHER, commit_many
from tests.unit.notary.json_values import UNFIT, hashes, records, texts, values

alike = st.lists(texts, min_size=1, max_size=9, unique=True).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, values)), max_size=4)
)
"""Records whose members have the same names."""
mixed = st.lists(alike | st.lists(records, max_size=3), max_size=3).map(
    lambda lists: [r for some in lists for r in some]
)


def one_by_one(given_records: list[dict[str, Any]], salts: list[bytes]) -> list[tuple[bytes, bytes, bytes]]:
    made = [commit_and_canonicalise(record, salt) for record, salt in zip(given_records, salts, strict=True)]
    return [(commitment.sha256, commitment.sm3, canonical) for commitment, canonical in made]


@given(mixed, st.data())
def test_many__any_records__as_one_by_one(found: list[dict[str, Any]], data: st.DataObject) -> None:
    salts = data.draw(st.lists(hashes, min_size=len(found), max_size=len(found)))
    assert commit_many(found, salts) == one_by_one(found, salts)


@pytest.mark.parametrize("members", [1, 2, 3, 7, 8, 15, 256])
def test_many__more_than_one_pass__each_its_own(members: int) -> None:
    found = [{f"m{m}%": f"{n}%s" for m in range(members)} for n in range(TOGETHER + 3 if members < 256 else 2)]
    salts = [bytes([n]) * 32 for n in range(len(found))]
    assert commit_many(found, salts) == one_by_one(found, salts)


def test_many__none__is_fine() -> None:
    assert commit_many([], []) == []


@pytest.mark.parametrize(("record", "code"), UNFIT)
def test_many__one_is_unfit__unreadable(record: dict[str, Any], code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        commit_many([{"a": 1}, record, {"a": 2}], [bytes(32)] * 3)
    assert caught.value.code == code


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_many__salt_of_other_length__refused(salt: bytes) -> None:
    with pytest.raises(InputError, match="salt_length"):
        commit_many([{"a": 1}, {"a": 2}], [bytes(32), salt])
