"""The council's description and the deployment record: what is read is what was meant, and what is wrong is named."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.council import Delegate, Rules
from ledger.errors import ConfigurationError
from ledger.evm.deployment import Deployment, load_deployment
from ledger.evm.founding import SAMPLE_MEMBER, Founding, FoundingMember, TrustKey, alone, from_json, read_founding
from ledger.types import Address, ChainHash, Contract, DepartmentCode, Digest

A, B = DepartmentCode("114200000099912773"), DepartmentCode("11420000009991840C")
ACCOUNTS = [Address("0x" + f"{n:02x}" * 20) for n in range(1, 4)]
TOML = f"""
threshold = 2
pause_threshold = 1
delay = 3600
expiry = 1209600

[[member]]
code = "{A}"
[[member.delegate]]
account = "0x{"AB" * 20}"
person_hash = "{"0c" * 32}"
[member.trust]
suite = "intl"
key = "{"A" * 43}="

[[member]]
code = "{B}"
[[member.delegate]]
account = "{ACCOUNTS[1]}"
"""


def contract(name: str, number: int, block: int, until: int | None = None) -> Contract:
    address, code = Address("0x" + f"{number:02x}" * 20), ChainHash("0x" + f"{number:02x}" * 32)
    return Contract(name, address, code, block, until)


DEPLOYMENT = Deployment(
    "test",
    7,
    ChainHash("0x" + "00" * 32),
    (contract("Council", 1, 3), contract("AnchorLog", 2, 4)),
    ACCOUNTS[0],
    alone(SAMPLE_MEMBER, ACCOUNTS[0]),
)


def test_description__whole__read_and_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "council.toml"
    path.write_text(TOML, encoding="utf-8")
    founding = read_founding(path)
    person = Digest(b"\x0c" * 32)
    assert founding == Founding(
        Rules(2, 1, 3600, 1_209_600),
        (
            FoundingMember(A, (Delegate(Address("0x" + "ab" * 20), A, person),), TrustKey("intl", bytes(32))),
            FoundingMember(B, (Delegate(ACCOUNTS[1], B, None),)),
        ),
    )
    assert from_json(json.loads(json.dumps(founding.as_json()))) == founding
    assert founding.constructor["rules_"] == (2, 1, 3600, 1_209_600)
    assert [d[2] for d in founding.constructor["delegates_"]] == [person, bytes(32)]


def test_description__as_the_operations_page_shows_it__reads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    path = tmp_path / "council.toml"
    path.write_text(re.findall(r"```toml\n(threshold.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    founding = read_founding(path)
    assert founding.rules == Rules(3, 2, 172_800, 1_209_600)
    assert founding.members[0].trust == TrustKey("intl", b"3" * 32)
    assert founding.delegates[0].person == b"\x22" * 32


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("threshold = 2\n", "", "threshold"),
        ("delay = 3600", "delay = -1", "delay"),
        ("delay = 3600", "delay = true", "delay"),
        ("delay = 3600", "delay = 3600\nquorum = 1", "quorum"),
        (A, A[:-1] + "4", "member[0].code"),
        (ACCOUNTS[1], "0x12", "member[1].delegate[0].account"),
        (ACCOUNTS[1], "0x" + "ab" * 20, "account: twice"),
        (B, A, "code: twice"),
        ("0c" * 32, "0c" * 31, "member[0].delegate[0].person_hash"),
        ('suite = "intl"', 'suite = "rsa"', "member[0].trust.suite"),
        ("A" * 43 + "=", "A" * 42 + "B=", "member[0].trust.key"),
        ('[[member.delegate]]\naccount = "' + ACCOUNTS[1] + '"', "", "member[1].delegate"),
        ("threshold = 2", "threshold = ", ""),
    ],
)
def test_description__wrong__says_where(tmp_path: Path, old: str, new: str, place: str) -> None:
    path = tmp_path / "council.toml"
    assert old in TOML
    path.write_text(TOML.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_founding(path)
    assert caught.value.code == "deployment.council_unreadable"
    assert place in caught.value.params["place"]


def test_description__not_there__says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="council_unreadable"):
        read_founding(tmp_path / "none.toml")


def test_record__written_and_read__the_same_with_all_versions(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    newer = contract("AnchorLog", 3, 90)
    grown = DEPLOYMENT.with_version(newer)
    for deployment in (DEPLOYMENT, grown, replace(DEPLOYMENT, council=None)):
        deployment.save(path)
        assert load_deployment(path) == deployment
    assert grown.contract("AnchorLog") == newer
    assert grown.versions("AnchorLog") == (contract("AnchorLog", 2, 4, 90), newer)
    at = {block: grown.contract_at("AnchorLog", block) for block in (3, 4, 89, 90)}
    assert at == {3: None, 4: contract("AnchorLog", 2, 4, 90), 89: contract("AnchorLog", 2, 4, 90), 90: newer}
    assert grown.from_block == 3


def test_record__of_an_older_program__says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text('{"format": "chuzheng-deployment/1", "network": "x"}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"deployment\.older"):
        load_deployment(path)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "chuzheng-deployment/2"}', "[]"])
def test_record__torn__refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"deployment\.unreadable"):
        load_deployment(path)
