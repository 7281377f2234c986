"""Forks, rollbacks and gaps in the chain of trust files (formats.md §8); freezing ends by `expires`."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from ledger.errors import InputError, IntegrityError, UnreadableError
from ledger.types import Millis
from notary.trust import TrustFile, parse_trust, sign_trust, trust_hash
from notary.trust_chain import ForkedError, Seen, check_seen, follow, parse_seen
from tests.fakes.registry import signer
from tests.unit.notary.trust_council import A, B, C, trust, trust_bytes

STRANGER = signer("stranger")
FIRST = trust()
SECOND = trust(after=FIRST)
THIRD = trust(after=SECOND)
OTHER_SECOND = trust(after=FIRST, as_of_block=99)


def test_follow__any_order_repeated_and_earlier_ones_among_them__the_newest() -> None:
    for order in itertools.permutations([FIRST, SECOND, THIRD, SECOND]):
        assert follow(FIRST, order) == THIRD
        assert follow(SECOND, order, Seen.of(SECOND)) == THIRD


def test_follow__nothing_newer__what_is_known() -> None:
    assert follow(SECOND, [SECOND, FIRST]) == SECOND


def test_follow__gap__refused() -> None:
    with pytest.raises(InputError, match=r"trust\.sequence"):
        follow(FIRST, [THIRD])


@pytest.mark.parametrize(
    ("known", "offered", "seen"),
    [
        (THIRD, [FIRST, SECOND], None),
        (SECOND, [FIRST], None),
        (FIRST, [FIRST, SECOND], Seen.of(THIRD)),
        (FIRST, [], Seen.of(SECOND)),
    ],
)
def test_follow__older_than_what_was_seen__rolled_back(known: TrustFile, offered: Any, seen: Seen | None) -> None:
    with pytest.raises(InputError) as caught:
        follow(known, offered, seen)
    assert caught.value.code == "trust.rolled_back"


@pytest.mark.parametrize("known", [FIRST, SECOND])
def test_follow__two_of_one_sequence_both_signed__fork_with_both(known: TrustFile) -> None:
    for offered in ([SECOND, OTHER_SECOND], [OTHER_SECOND, SECOND], [SECOND, OTHER_SECOND, THIRD]):
        with pytest.raises(ForkedError) as caught:
            follow(known, offered)
        assert {trust_hash(side) for side in caught.value.pair if side} == {
            trust_hash(SECOND),
            trust_hash(OTHER_SECOND),
        }
        assert isinstance(caught.value, IntegrityError)


def test_follow__fork_that_anybody_could_write__refused_and_no_fork() -> None:
    forged = parse_trust(_forged())
    with pytest.raises(InputError) as caught:
        follow(SECOND, [SECOND, forged])
    assert caught.value.code == "trust.signatures"
    with pytest.raises(InputError) as other:
        follow(SECOND, [trust(after=trust(as_of_block=13))])  # of the same sequence after another first
    assert other.value.code == "trust.sequence"


def _forged() -> bytes:
    return trust_bytes(after=FIRST, council=[("a", STRANGER)], threshold=1)


def test_follow__council_changed_and_old_one_below_its_threshold__refused() -> None:
    new = trust_bytes(after=FIRST, council=[("a", A), ("x", STRANGER)], threshold=2)
    with pytest.raises(InputError, match=r"trust\.signatures"):
        follow(FIRST, [parse_trust(new)])
    assert follow(FIRST, [parse_trust(sign_trust(new, "b", B))]).sequence == 2
    with pytest.raises(InputError, match=r"trust\.signatures"):  # a second signature of one member isn't another member
        follow(FIRST, [parse_trust(sign_trust(new, "a", A))])
    assert follow(FIRST, [parse_trust(sign_trust(new, "c", C))]).sequence == 2


def test_check_seen__older_or_another_of_the_same_sequence__told() -> None:
    seen = Seen.of(SECOND)
    check_seen(SECOND, seen)
    check_seen(THIRD, seen)
    check_seen(FIRST, None)
    with pytest.raises(InputError, match="rolled_back"):
        check_seen(FIRST, seen)
    with pytest.raises(ForkedError):
        check_seen(OTHER_SECOND, seen)


def test_seen__round_trip_and_strict() -> None:
    seen = Seen.of(SECOND)
    assert parse_seen(seen.to_json()) == seen
    for change in ({"sequence": -1}, {"hash": "00"}, {"hash": 1}, {"more": 1}, {"format": None}):
        value = {**json.loads(seen.to_json()), **change}
        if change == {"format": None}:
            del value["format"]
        with pytest.raises(UnreadableError):
            parse_seen(json.dumps(value).encode())


def test_frozen__nothing_newer_comes__ends_with_expires() -> None:
    """The file says itself until when it counts; verification then answers unknown (test_verify)."""
    assert follow(FIRST, [FIRST]).expired(Millis(FIRST.expires))
