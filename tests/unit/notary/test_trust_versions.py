"""Trust files one after the other: who must have signed the next, gaps and forks, signatures one by one."""

from __future__ import annotations

import json

import pytest

from ledger.errors import InputError, IntegrityError
from ledger.types import Millis
from notary.trust import (
    check_follows,
    draft_trust,
    parse_trust,
    read_trust,
    sign_trust,
    signers_of,
    trust_hash,
    verify_next,
    verify_versions,
)
from tests.unit.notary.trust_council import A, B, C, D, trust, trust_bytes


def test_verify_next__both_councils_signed__counts() -> None:
    old = trust()
    new = parse_trust(trust_bytes(after=old, council=[("b", B), ("c", C), ("d", D)]))
    verify_next(old, new)  # b and c are in both
    assert verify_versions([old, new], trust_hash(old)) == new


def test_verify_next__old_council_didnt_sign__refused_until_it_does() -> None:
    old = trust()
    data = trust_bytes(after=old, council=[("d", D)], threshold=1)
    with pytest.raises(InputError) as caught:
        verify_next(old, parse_trust(data))
    assert caught.value.code == "trust.signatures"
    verify_next(old, parse_trust(sign_trust(sign_trust(data, "a", A), "b", B)))


def test_verify_next__new_council_didnt_sign__refused() -> None:
    old = trust()
    value = json.loads(trust_bytes(after=old, council=[("b", B), ("c", C), ("d", D)], threshold=3))
    value["signatures"] = value["signatures"][:2]
    with pytest.raises(InputError) as caught:
        verify_next(old, parse_trust(json.dumps(value).encode()))
    assert caught.value.params["expected"] == 3


def test_verify_next__gap_other_network_wrong_previous_fork__refused() -> None:
    first = trust()
    second = trust(after=first)
    third = trust(after=second)
    for old, new, code in (
        (first, third, "trust.sequence"),
        (second, first, "trust.sequence"),
        (second, second, "trust.sequence"),
        (first, trust(chain_id=420_001, after=first), "trust.network"),
        (trust(as_of_block=11), second, "trust.previous"),
        (first, trust(network="other", log_keys=[], after=first), "trust.network"),
        (first, trust(genesis_hash="0x" + "00" * 32, after=first), "trust.network"),
    ):
        with pytest.raises(InputError) as caught:
            verify_next(old, new)
        assert caught.value.code == code
    with pytest.raises(IntegrityError) as forked:
        verify_next(second, trust(after=first, as_of_block=99))
    assert forked.value.code == "trust.forked"


def test_verify_next__same_sequence_but_not_signed_by_the_council__no_fork() -> None:
    """Anybody can write such a file; only the council can fork."""
    second = trust(after=trust())
    forged = trust(after=trust(), as_of_block=99, council=[("a", D)], threshold=1)
    with pytest.raises(InputError) as caught:
        verify_next(second, forged)
    assert caught.value.code == "trust.signatures"


def test_check_follows__same_sequence__says_which_one_is_due() -> None:
    with pytest.raises(InputError) as caught:
        check_follows(trust(after=trust()), trust(after=trust(), as_of_block=99))
    assert (caught.value.code, caught.value.params["expected"]) == ("trust.sequence", 3)


def test_verify_next__a_member_with_a_new_key__signs_with_both() -> None:
    old = trust()
    rotated = [("a", D), ("b", B), ("c", C)]
    with_new = parse_trust(trust_bytes(after=old, council=rotated, threshold=3))
    verify_next(old, with_new)  # b and c are enough of the old council
    strict = trust(threshold=3)
    data = trust_bytes(after=strict, council=rotated, threshold=3)
    with pytest.raises(InputError):
        verify_next(strict, parse_trust(data))
    both = parse_trust(sign_trust(data, "a", A))
    assert len(both.signatures) == 4
    verify_next(strict, both)


def test_draft__signed_one_by_one__the_same_file_as_made_at_once() -> None:
    made = trust()
    data = draft_trust(
        members=made.council, threshold=2, network="hubei", chain_id=420_000, genesis_hash="0x" + "ab" * 32,
        finality="qbft", contracts=made.contracts, log_keys=made.log_keys, max_delay=dict(made.max_delay),
        validators=made.validators, witnesses_needed=1, witnesses=made.witnesses, snapshot_key=made.snapshot_key,
        issued_at=Millis(1_000), as_of_block=12,
    )  # fmt: skip
    assert parse_trust(data).signatures == ()
    for member, key in (("a", A), ("b", B), ("c", C)):
        data = sign_trust(data, member, key)
    assert data == trust_bytes()
    assert signers_of(made, parse_trust(data)) == {"a", "b", "c"}


def test_verify_versions__wrong_pin_or_none_given__refused() -> None:
    first = trust()
    with pytest.raises(InputError):
        verify_versions([], trust_hash(first))
    with pytest.raises(InputError):
        verify_versions([trust(after=first)], trust_hash(first))


def test_read_trust__the_same_file_again__accepted() -> None:
    data = trust_bytes()
    first = read_trust(data)
    assert read_trust(data, earlier=first) == first
    assert read_trust(trust_bytes(after=first), earlier=first).sequence == 2
