"""Lists of subjects: the root against a slow definition, what it hides, and what is refused."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.shares.subjects import (
    is_subject,
    padding_needed,
    subject_leaf,
    subject_leaves,
    subject_path,
    subjects_root,
)
from ledger.texts import LANGUAGES, error_text
from notary.merkle import leaf_hash, root_from_leaves

SECRET = bytes(range(32))
OTHER = bytes(range(1, 33))
PADDING = [hashlib.sha256(b"padding" + bytes([i])).digest() for i in range(64)]


def people(count: int) -> list[tuple[str, str]]:
    return [("111", f"subject {i}") for i in range(count)]


def test_subject_leaf__layout__as_sharing_md_says() -> None:
    expected = hmac.new(SECRET, b"chuzheng/subject/v1\0" + b"\x03" + b"111" + b"x", hashlib.sha256).digest()
    assert subject_leaf(SECRET, "111", "x") == expected


def test_subject_leaf__type_and_code__dont_run_into_each_other() -> None:
    assert subject_leaf(SECRET, "11", "1x") != subject_leaf(SECRET, "111", "x")


@pytest.mark.parametrize(("count", "needed"), [(1, 0), (2, 0), (3, 1), (4, 0), (5, 3), (17, 15)])
def test_padding__up_to_a_power_of_two(count: int, needed: int) -> None:
    assert padding_needed(count) == needed
    assert len(subject_leaves(SECRET, people(count), PADDING)) == count + needed


@given(st.integers(1, 40))
def test_root__any_list__is_rfc_6962_and_every_subject_has_its_path(count: int) -> None:
    leaves = subject_leaves(SECRET, people(count), PADDING)
    root = subjects_root(leaves)
    assert leaves == tuple(sorted(leaves))
    assert root == root_from_leaves([leaf_hash(leaf) for leaf in leaves])
    for holder_type, code in people(count):
        leaf = subject_leaf(SECRET, holder_type, code)
        found = subject_path(leaves, leaf)
        assert found is not None
        index, path = found
        assert is_subject(root, leaf, index, path)
        assert not is_subject(root, subject_leaf(SECRET, "111", "somebody else"), index, path)
        assert not is_subject(root, leaf, index + len(leaves), path)
        if path:
            assert not is_subject(root, leaf, index ^ 1, path)
            assert not is_subject(root, leaf, index, path[:-1])


def test_lists__same_people_other_secret__share_no_leaf_and_no_root() -> None:
    one, two = (subject_leaves(secret, people(5), PADDING) for secret in (SECRET, OTHER))
    assert not set(one) & set(two) - set(PADDING)
    assert subjects_root(one) != subjects_root(two)


def test_list__order_and_repeats__dont_count() -> None:
    assert subject_leaves(SECRET, people(3), PADDING) == subject_leaves(SECRET, people(3)[::-1] + people(1), PADDING)


def test_path__not_on_the_list__none() -> None:
    leaves = subject_leaves(SECRET, people(3), PADDING)
    assert subject_path(leaves, subject_leaf(SECRET, "111", "x")) is None


def test_refusals__each_has_texts() -> None:
    calls: list[Callable[[], object]] = [
        lambda: subject_leaf(b"short", "111", "x"),
        lambda: subject_leaf(SECRET, "", "x"),
        lambda: subject_leaf(SECRET, "111", ""),
        lambda: subject_leaf(SECRET, "类", "x"),
        lambda: subject_leaves(SECRET, [], PADDING),
        lambda: subject_leaves(SECRET, people(5), PADDING[:1] * 3),
        lambda: subjects_root([]),
        lambda: subjects_root(PADDING[:3]),
    ]
    for call in calls:
        with pytest.raises(InputError) as caught:
            call()
        assert all(error_text(caught.value, language) for language in LANGUAGES)
