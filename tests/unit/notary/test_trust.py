"""Trust files: strict reading, the first one's pin, thresholds (formats.md §8)."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import InputError, UnreadableError
from ledger.types import Millis
from notary.b64 import to_b64
from notary.trust import parse_trust, sign_trust, trust_hash, verify_first
from tests.fakes.registry import DAY, ISSUER
from tests.unit.notary.trust_council import ORIGIN, B, D, altered, trust, trust_bytes


def test_make_trust__read_again__says_what_was_meant() -> None:
    found = trust()
    assert (found.network, found.chain_id, found.finality, found.threshold) == ("hubei", 420_000, "qbft", 2)
    assert found.contracts[0].until_block == 900
    assert found.validators[0].compromised_since == 77
    assert found.keys_of(ORIGIN)[0].valid_at(5)
    assert not found.keys_of(ORIGIN)[0].valid_at(9)
    assert found.delay_of(ORIGIN) == 3_600_000
    assert found.delay_of("chuzheng/hubei/other") == 24 * 3_600_000
    assert found.max_snapshot_age == 7 * DAY
    assert (found.sequence, found.previous) == (1, None)
    assert found.snapshot_key == B.public_key
    assert not found.expired(Millis(found.expires - 1))
    assert found.expired(found.expires)


MEMBERS = (
    *("format", "network", "chain_id", "genesis_hash", "finality", "council", "contracts", "validators", "log_keys"),
    *("max_delay", "witnesses", "max_snapshot_age", "issued_at", "expires", "as_of_block", "sequence", "previous"),
    "signatures",
)


@pytest.mark.parametrize("name", MEMBERS)
def test_parse_trust__member_missing__unreadable(name: str) -> None:
    with pytest.raises(UnreadableError):
        parse_trust(altered(lambda v: v.pop(name)))


@pytest.mark.parametrize("wrong", [[], {}, True, "x", 1.5, -1])
@pytest.mark.parametrize(
    "name", [n for n in MEMBERS if n not in ("contracts", "validators", "log_keys", "signatures", "max_delay")]
)
def test_parse_trust__member_of_a_wrong_type__unreadable(name: str, wrong: object) -> None:
    if (name, wrong) == ("network", "x"):
        return
    with pytest.raises(UnreadableError):
        parse_trust(altered(lambda v: v.__setitem__(name, wrong)))


@pytest.mark.parametrize("name", ["contracts", "validators", "log_keys", "signatures", "max_delay"])
@pytest.mark.parametrize("wrong", [None, True, 0, "", "x", [1], [[]], {"x": 1}, {ORIGIN: True}, {ORIGIN + "/": 1}])
def test_parse_trust__list_of_a_wrong_type__unreadable(name: str, wrong: object) -> None:
    empty: object = [] if name == "max_delay" else {}
    for value in (wrong, empty):
        with pytest.raises(UnreadableError):
            parse_trust(altered(lambda v, value=value: v.__setitem__(name, value)))


REFUSED = {
    "unknown member": lambda v: v.__setitem__("hint", 1),
    "unknown in council": lambda v: v["council"].__setitem__("x", 1),
    "unknown in contract": lambda v: v["contracts"][0].__setitem__("x", 1),
    "unknown in log key": lambda v: v["log_keys"][0].__setitem__("x", 1),
    "threshold over members": lambda v: v["council"].__setitem__("threshold", 4),
    "threshold zero": lambda v: v["council"].__setitem__("threshold", 0),
    "a member twice": lambda v: v["council"]["members"][1].__setitem__("member", "a"),
    "a key twice": lambda v: v["council"]["members"][1].__setitem__("key", v["council"]["members"][0]["key"]),
    "witnesses needed over listed": lambda v: v["witnesses"].__setitem__("needed", 2),
    "address in capitals": lambda v: v["contracts"][0].__setitem__("address", "0x" + "A1" * 20),
    "hash without 0x": lambda v: v.__setitem__("genesis_hash", "ab" * 32),
    "finality depth with leading zero": lambda v: v.__setitem__("finality", "depth:06"),
    "finality unheard of": lambda v: v.__setitem__("finality", "soon"),
    "until before from": lambda v: v["log_keys"][0].__setitem__("until", 5),
    "null where absent is meant": lambda v: v["contracts"][0].__setitem__("until_block", None),
    "key not canonical base64": lambda v: v["log_keys"][0].__setitem__("ed25519", v["log_keys"][0]["ed25519"] + "\n"),
    "key of 31 bytes": lambda v: v["log_keys"][0].__setitem__("ed25519", "AAAA"),
    "origin that is no text": lambda v: v["log_keys"][0].__setitem__("origin", 1),
    "log of another network": lambda v: v["log_keys"][0].__setitem__("origin", f"chuzheng/jiangxi/{ISSUER}"),
    "origin with a wrong check character": lambda v: v["log_keys"][0].__setitem__("origin", ORIGIN[:-1] + "R"),
    "expires before issued": lambda v: v.__setitem__("expires", 1_000),
    "first with previous": lambda v: v.__setitem__("previous", "00" * 32),
    "second without previous": lambda v: v.__setitem__("sequence", 2),
    "suite unheard of": lambda v: v["council"]["members"][0].__setitem__("suite", "rot13"),
    "count as text": lambda v: v.__setitem__("chain_id", "420000"),
    "count as float": lambda v: v.__setitem__("chain_id", 420000.0),
    "log's SM2 key as a hybrid point": lambda v: v["log_keys"][0].__setitem__("sm2", to_b64(b"\x06" + bytes(64))),
    "member's key as a hybrid point": lambda v: v["council"]["members"][0].__setitem__("key", to_b64(b"\x07" * 65)),
    "signature's key as a hybrid point": lambda v: v["signatures"][0].__setitem__("key", to_b64(b"\x06" * 65)),
    "Ed25519 key under guomi": lambda v: v["council"]["members"][0].__setitem__("suite", "guomi"),
    "minus zero": lambda v: v["contracts"][0].__setitem__("from_block", -0.0),
    "expires when issued": lambda v: v.__setitem__("expires", v["issued_at"]),
    "witness twice": lambda v: v["witnesses"]["keys"].append(v["witnesses"]["keys"][0]),
    "one witness key for two needed": lambda v: v["witnesses"].update(
        needed=2, keys=[*v["witnesses"]["keys"], {**v["witnesses"]["keys"][0], "name": "other"}]
    ),
    "validator twice": lambda v: v["validators"][0].__setitem__("validators", ["0x" + "01" * 20] * 2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parse_trust__sloppy__unreadable(case: str) -> None:
    with pytest.raises(UnreadableError):
        parse_trust(altered(REFUSED[case]))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b'{"a":1,"a":1}', b"\xef\xbb\xbf{}", b"\xff"])
def test_parse_trust__no_trust_file__unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_trust(data)


def test_verify_first__pinned_hash__only_that_file() -> None:
    first = trust()
    verify_first(first, trust_hash(first))
    with pytest.raises(InputError) as caught:
        verify_first(trust(as_of_block=13), trust_hash(first))
    assert caught.value.code == "trust.pin"


def test_trust_hash__more_signatures__the_same() -> None:
    data = trust_bytes()
    assert trust_hash(parse_trust(sign_trust(data, "d", D))) == trust_hash(parse_trust(data))


def test_verify_first__any_bit_of_the_body_changed__signatures_dont_hold() -> None:
    for member, value in (("chain_id", 1), ("expires", 2_000), ("finality", "none"), ("as_of_block", 11)):
        with pytest.raises(InputError) as caught:
            verify_first(parse_trust(altered(lambda v, m=member, x=value: v.__setitem__(m, x))), None)
        assert caught.value.code == "trust.signatures"


def test_verify_first__signatures_below_the_threshold__refused() -> None:
    enough = parse_trust(altered(lambda v: v.__setitem__("signatures", v["signatures"][:2])))
    verify_first(enough, None)
    few = parse_trust(altered(lambda v: v.__setitem__("signatures", v["signatures"][:1])))
    with pytest.raises(InputError):
        verify_first(few, None)


def test_verify_first__one_member_signing_twice__counts_once() -> None:
    twice = parse_trust(altered(lambda v: v.__setitem__("signatures", [v["signatures"][0]] * 3)))
    with pytest.raises(InputError):
        verify_first(twice, None)


def test_verify_first__a_key_under_another_members_name__doesnt_count() -> None:
    def rename(value: dict[str, Any]) -> None:
        value["signatures"] = value["signatures"][:2]
        value["signatures"][1]["member"] = "c"

    with pytest.raises(InputError):
        verify_first(parse_trust(altered(rename)), None)


def test_verify_first__signature_of_a_suite_that_this_build_lacks__doesnt_count() -> None:
    def guomi(value: dict[str, Any]) -> None:
        for place in (value["signatures"][1], value["signatures"][2]):
            place["suite"] = "guomi"

    with pytest.raises(InputError):
        verify_first(parse_trust(altered(guomi)), None)
