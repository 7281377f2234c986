"""Signing without web3, with eth-account as oracle; keys on disk; ABI coding; profiles; what a whole state file is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ConfigurationError, InputError, UnavailableError
from ledger.evm.artifacts import decode_event, decode_result, encode_call
from ledger.evm.launcher import parses
from ledger.evm.profiles import PROFILES, Refusal, profile_named
from ledger.evm.transactions import EvmKey, Transaction, contract_address, load_key, load_or_make_key
from ledger.types import Address

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@settings(deadline=None, max_examples=60)
@given(
    secret=st.integers(1, ORDER - 1),
    nonce=st.integers(0, 2**32),
    price=st.integers(0, 10**12),
    to=st.one_of(st.none(), st.binary(min_size=20, max_size=20)),
    data=st.binary(max_size=400),
    chain_id=st.integers(1, 2**31),
)
def test_signing__any_transaction__same_bytes_as_eth_account(
    secret: int, nonce: int, price: int, to: bytes | None, data: bytes, chain_id: int
) -> None:
    key = EvmKey(secret.to_bytes(32, "big"))
    ours = key.sign_transaction(
        Transaction(nonce, price, 21_000, Address("0x" + to.hex()) if to else None, data, chain_id)
    )
    account = Account.from_key(secret.to_bytes(32, "big"))
    fields = {"nonce": nonce, "gasPrice": price, "gas": 21_000, "value": 0, "data": data, "chainId": chain_id}
    theirs = account.sign_transaction({**fields, "to": to} if to else fields)
    assert (ours.raw, ours.tx_hash) == (bytes(theirs.raw_transaction), "0x" + bytes(theirs.hash).hex())
    assert key.address == account.address.lower()


def test_contract_address__known_pair__as_the_chain_makes_it() -> None:
    """Ethereum's documentation of CREATE, and go-ethereum crypto_test.go."""
    sender = Address("0x970e8128ab834e8eac17ab8e3812f010678cf791")
    assert contract_address(sender, 0) == "0x333c3310824b7c685133f2bedb2ca4b8b4df633d"
    assert contract_address(sender, 1) == "0x8bda78331c916a08481428e4b07c96d3e916d165"


def test_key__made_once__private_and_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    first = load_or_make_key(path)
    assert load_or_make_key(path).address == load_key(path).address == first.address
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="key_open"):
        load_key(path)


@pytest.mark.parametrize("text", ["", "zz", "00" * 32, "11" * 31, "11" * 33])
def test_key__file_is_none__refused_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        load_key(path)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("openLog", [1]),
        ("openLog", []),
        ("openLog", ["a", "b"]),
        ("anchor", [b"", 1, bytes(32), []]),
        ("anchor", [bytes(32), 2**64, bytes(32), []]),
        ("anchor", [bytes(32), 1, bytes(32), [bytes(31)]]),
        ("head", [bytes(33)]),
    ],
)
def test_encode__arguments_do_not_fit__input_error(function: str, args: list[object]) -> None:
    with pytest.raises(InputError, match=r"chain\.arguments"):
        encode_call("AnchorLog", function, args)


def test_codec__unknown_names_and_nonsense__told_apart() -> None:
    with pytest.raises(ConfigurationError, match="function_unknown"):
        encode_call("AnchorLog", "nothing", [])
    with pytest.raises(ConfigurationError, match="artifact"):
        encode_call("Nothing", "nothing", [])
    for answer in ("0x", "0x01", "nonsense"):
        with pytest.raises(UnavailableError, match="undecodable"):
            decode_result("AnchorLog", "head", answer)
    assert decode_event("AnchorLog", ["0x" + "00" * 32], "0x") is None
    assert decode_event("AnchorLog", [], "0x") is None


@pytest.mark.parametrize(
    ("engine", "message", "meaning"),
    [
        ("anvil", "transaction already imported", Refusal.KNOWN),
        ("anvil", "nonce too low", Refusal.NONCE_USED),
        ("geth-clique", "already known", Refusal.KNOWN),
        ("geth-clique", "nonce too low: address 0x…, tx: 1 state: 2", Refusal.NONCE_USED),
        ("geth-clique", "replacement transaction underpriced", Refusal.LATER),
        ("quorum-qbft", "known transaction: 0xabc", Refusal.KNOWN),
        ("besu-qbft", "Known transaction", Refusal.KNOWN),
        ("besu-qbft", "Nonce too low", Refusal.NONCE_USED),
        ("besu-qbft", "Sender account not authorized to send transactions", Refusal.REFUSED),
    ],
)
def test_profile__what_a_node_says__means(engine: str, message: str, meaning: Refusal) -> None:
    assert profile_named(engine).refusal(message) is meaning


def test_profile__names__known_ones_only() -> None:
    assert all(profile_named(name).name == name for name in PROFILES)
    with pytest.raises(ConfigurationError, match=r"chain\.profile"):
        profile_named("other")


def test_state__cut_anywhere__never_taken_for_whole() -> None:
    state = json.dumps({"block": {"number": "0x1"}, "accounts": {"0x1": {"nonce": 0}}}).encode()
    assert parses(state)
    assert parses(state + b"\n")
    assert not any(parses(state[:n]) for n in range(len(state)))
    assert not parses(b"{}")
    assert not parses(b"[]")
