"""What a council is founded with: members, delegates, rules, and the keys that sign the trust file.

Read from a description (TOML) by who deploys, kept in the deployment record (JSON). Later changes are the chain's.
"""

from __future__ import annotations

import re
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ledger.codes.uscc import is_uscc
from ledger.council import DAY, Delegate, Rules
from ledger.errors import ConfigurationError
from ledger.evm.codes import ZERO, code_bytes
from ledger.types import Address, DepartmentCode, Digest

_ACCOUNT = re.compile("0x[0-9a-f]{40}")
_SUITES = ("intl", "guomi")
SAMPLE_MEMBER = DepartmentCode("114200000099912773")
"""Of the sample departments, whose codes are invented: the council of an embedded network."""
RULES = ("threshold", "pause_threshold", "delay", "expiry")


@dataclass(frozen=True, slots=True)
class TrustKey:
    """A member's key under the trust file (formats.md §8); as `notary.trust_file.Member` has it."""

    suite: str
    key: bytes


@dataclass(frozen=True, slots=True)
class FoundingMember:
    """`trust` None: the member's key under the trust file isn't told here."""

    code: DepartmentCode
    delegates: tuple[Delegate, ...]
    trust: TrustKey | None = None


@dataclass(frozen=True, slots=True)
class Founding:
    rules: Rules
    members: tuple[FoundingMember, ...]

    @property
    def delegates(self) -> tuple[Delegate, ...]:
        return tuple(d for member in self.members for d in member.delegates)

    @property
    def constructor(self) -> dict[str, Any]:
        """Arguments of the contract's constructor, by name."""
        return {
            "members_": [code_bytes(member.code) for member in self.members],
            "delegates_": [(d.account, code_bytes(d.member), d.person or ZERO) for d in self.delegates],
            "rules_": astuple(self.rules),
        }

    def as_json(self) -> dict[str, Any]:
        """As the deployment record keeps it; `from_json` reads it again."""
        members = [
            {
                "code": member.code,
                "delegate": [
                    {"account": d.account} | ({"person_hash": d.person.hex()} if d.person else {})
                    for d in member.delegates
                ],
            }
            | ({"trust": {"suite": m.suite, "key": b64encode(m.key).decode()}} if (m := member.trust) else {})
            for member in self.members
        ]
        return {name: getattr(self.rules, name) for name in RULES} | {"member": members}


def alone(code: DepartmentCode, account: Address, trust: TrustKey | None = None) -> Founding:
    """One member, one account without a person behind it, no delay: for an embedded test network."""
    member = FoundingMember(code, (Delegate(account, code, None),), trust)
    return Founding(Rules(1, 1, 0, DAY), (member,))


def read_founding(path: Path) -> Founding:
    """The description in `path`. ConfigurationError `deployment.council_unreadable` that says where it is wrong.

    threshold, pause_threshold, delay, expiry (seconds); [[member]] code, [[member.delegate]] account and person_hash
    (64 hex digits; left out for a machine), and optional [member.trust] suite and key (base64).
    """
    try:
        return from_json(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _wrong(path, error.strerror or "?") from error
    except (ValueError, UnicodeError) as error:
        raise _wrong(path, str(error)) from error


def from_json(raw: Mapping[str, Any]) -> Founding:
    """What `as_json` wrote, or a description's content. ValueError that names the place."""
    _members_only(raw, "", {*RULES, "member"})
    rules = Rules(*(_number(raw, name) for name in RULES))
    members = tuple(_member(m, f"member[{i}]") for i, m in enumerate(_list(raw, "member", "")))
    codes = [m.code for m in members]
    accounts = [d.account for m in members for d in m.delegates]
    for what, found in (("code", codes), ("account", accounts)):
        if len(set(found)) != len(found):
            raise ValueError(f"{what}: twice")
    return Founding(rules, members)


def _member(raw: Any, place: str) -> FoundingMember:
    _members_only(raw, place, {"code", "delegate", "trust"})
    code = raw.get("code")
    if not isinstance(code, str) or not is_uscc(code):
        raise ValueError(f"{place}.code")
    delegates = tuple(
        _delegate(d, DepartmentCode(code), f"{place}.delegate[{i}]")
        for i, d in enumerate(_list(raw, "delegate", place))
    )
    trust = raw.get("trust")
    return FoundingMember(DepartmentCode(code), delegates, None if trust is None else _trust(trust, f"{place}.trust"))


def _delegate(raw: Any, member: DepartmentCode, place: str) -> Delegate:
    _members_only(raw, place, {"account", "person_hash"})
    account, person = raw.get("account"), raw.get("person_hash")
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account.lower()):
        raise ValueError(f"{place}.account")
    if person is not None and (not isinstance(person, str) or not re.fullmatch("[0-9a-fA-F]{64}", person)):
        raise ValueError(f"{place}.person_hash")
    return Delegate(Address(account.lower()), member, None if person is None else Digest(bytes.fromhex(person)))


def _trust(raw: Any, place: str) -> TrustKey:
    _members_only(raw, place, {"suite", "key"})
    suite, key = raw.get("suite"), raw.get("key")
    if suite not in _SUITES:
        raise ValueError(f"{place}.suite")
    if not isinstance(key, str) or b64encode(b64decode(key, validate=True)).decode() != key:
        raise ValueError(f"{place}.key")
    return TrustKey(suite, b64decode(key))


def _members_only(raw: Any, place: str, allowed: set[str]) -> None:
    if not isinstance(raw, dict):
        raise ValueError(place or "?")
    for name in raw:
        if name not in allowed:
            raise ValueError(f"{place}.{name}".removeprefix("."))


def _list(raw: Mapping[str, Any], name: str, place: str) -> list[Any]:
    found = raw.get(name)
    if not isinstance(found, list) or not found:
        raise ValueError(f"{place}.{name}".removeprefix("."))
    return found


def _number(raw: Mapping[str, Any], name: str) -> int:
    found = raw.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 32:
        raise ValueError(name)
    return found


def _wrong(path: Path, place: str) -> ConfigurationError:
    return ConfigurationError("deployment.council_unreadable", path=str(path), place=place[:200])
