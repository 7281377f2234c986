"""Certificate identifiers (GB/T 36904): `1.2.156.3005.2.<type 21>.<issuer 18>.<serial>.<version 3>.<check>`.

Pure. The check character (ISO 7064 MOD 37,36) doesn't see dots, so segments are checked one by one. Two rules: the
strict one for what we let be issued, a lenient one for what is received (older issuers have codes of other forms).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ledger.codes.uscc import check_uscc, is_uscc
from ledger.errors import InputError
from ledger.types import CertificateId, DepartmentCode, TypeCode

IdentifierReason = Literal[
    "root",
    "segments",
    "character",
    "type-length",
    "type-sequence",
    "type-authority",
    "issuer-length",
    "issuer-uscc",
    "serial-empty",
    "version",
    "check-length",
    "check",
]
ImportRule = Literal["accept", "warn", "refuse"]

ROOT = "1.2.156.3005.2."
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALLOWED = re.compile(r"[0-9A-Z]*")
_HEAD_LENGTH = 21 + 18
"""Only heads of this length are remembered: others may be as long as whoever sent them liked."""
_LONGEST_KEPT = 256
_DIGITS3 = re.compile(r"[0-9]{3}")
_FORM = re.compile(r"1\.2\.156\.3005\.2\.([0-9A-Z]{21}\.[0-9A-Z]{18})\.([0-9A-Z]+)\.([0-9]{3})\.([0-9A-Z])")
_LEGACY: frozenset[IdentifierReason] = frozenset({"issuer-length", "issuer-uscc", "type-authority"})

# One step of MOD 37,36: the sum taken modulo 36 (0 counts as 36), doubled, modulo 37.
_STEP = {c: tuple((((p + v) % 36 or 36) * 2) % 37 for p in range(37)) for v, c in enumerate(ALPHABET)}


@dataclass(frozen=True, slots=True)
class CertificateIdParts:
    """The five segments of a well-formed identifier; `version` keeps its three digits."""

    type: TypeCode
    issuer: DepartmentCode
    serial: str
    version: str
    check: str

    @property
    def version_number(self) -> int:
        """The version as the integer that a record's `version` is."""
        return int(self.version)


@lru_cache(maxsize=65536)
def _head_state(head: str) -> int:
    """State after type and issuer: they repeat over thousands of rows, so they are walked through once."""
    return _walk(head)


@lru_cache(maxsize=65536)
def _well_formed_head(head: str) -> int | None:
    """`type.issuer`: the state after both, None unless both are right."""
    type_code, issuer = head.split(".")
    return None if _type_reason(type_code) or _issuer_reason(issuer) else _walk(type_code + issuer)


def _walk(text: str, state: int = 36) -> int:
    for c in text:
        state = _STEP[c][state]
    return state


def check_character(type_code: str, issuer: str, serial: str, version: str) -> str:
    """Check character over the four segments without dots; KeyError for a character outside 0-9A-Z."""
    head = type_code + issuer
    state = _head_state(head) if len(head) == _HEAD_LENGTH else _walk(head)
    return ALPHABET[(1 - _walk(serial + version, state)) % 36]


def make_identifier(type_code: str, issuer: str, serial: str, version: int) -> CertificateId:
    """Identifier with its check character; InputError `certificate.identifier` if it breaks the strict rule."""
    digits = f"{version:03d}"
    if not _ALLOWED.fullmatch(type_code + issuer + serial):
        raise InputError("certificate.identifier", member="identifier", reasons="character")
    check = check_character(type_code, issuer, serial, digits)
    text = f"{ROOT}{type_code}.{issuer}.{serial}.{digits}.{check}"
    parse_identifier(text)
    return CertificateId(text)


def _type_reason(code: str) -> IdentifierReason | None:
    return _reason_of_21(code) if len(code) == 21 else "type-length"


@lru_cache(maxsize=65536)
def _reason_of_21(code: str) -> IdentifierReason | None:
    if not _DIGITS3.fullmatch(code[18:]):
        return "type-sequence"
    return None if is_uscc(code[:18]) else "type-authority"


def _issuer_reason(code: str) -> IdentifierReason | None:
    if len(code) != 18:
        return "issuer-length"
    return None if check_uscc(code) is None else "issuer-uscc"


def check_type(code: str) -> IdentifierReason | None:
    """Why `code` is no certificate type (defining authority's code and three digits), or None."""
    return _type_reason(code) if _ALLOWED.fullmatch(code) else "character"


def check_identifier(text: str) -> list[IdentifierReason]:
    """Everything that the strict rule finds wrong, in the order of IdentifierReason; empty: well formed.

    Without the root, or with another number of segments, nothing else can be said.
    """
    if _well_formed(text):
        return []
    return list(_reasons(text)) if len(text) <= _LONGEST_KEPT else _reasons.__wrapped__(text)


def _well_formed(text: str) -> bool:
    """Whether nothing is wrong, in half of the time that it takes to find what is."""
    found = _FORM.fullmatch(text)
    if found is None:
        return False
    head, serial, version, check = found.groups()
    state = _well_formed_head(head)
    return state is not None and ALPHABET[(1 - _walk(serial + version, state)) % 36] == check


@lru_cache(maxsize=16)
def _reasons(text: str) -> list[IdentifierReason]:
    """Asked twice of each row of an import, by whoever reads it and by whoever checks its record."""
    if not text.startswith(ROOT):
        return ["root"]
    segments = text[15:].split(".")
    if len(segments) != 5:
        return ["segments"]
    type_code, issuer, serial, version, check = segments
    reasons: list[IdentifierReason] = []
    clean = _ALLOWED.fullmatch("".join(segments)) is not None
    if not clean:
        reasons.append("character")
    if reason := _type_reason(type_code):
        reasons.append(reason)
    if reason := _issuer_reason(issuer):
        reasons.append(reason)
    if not serial:
        reasons.append("serial-empty")
    if not _DIGITS3.fullmatch(version):
        reasons.append("version")
    if len(check) != 1:
        reasons.append("check-length")
    elif clean and check_character(type_code, issuer, serial, version) != check:
        reasons.append("check")
    return reasons


def parse_identifier(text: str) -> CertificateIdParts:
    """Segments of a strictly well-formed identifier; InputError `certificate.identifier` with all reasons."""
    if reasons := check_identifier(text):
        raise InputError("certificate.identifier", member="identifier", reasons=", ".join(reasons))
    return CertificateIdParts(*text[15:].split("."))  # type: ignore[arg-type]


def normalised(text: str) -> str | None:
    """The upper-case form where upper-casing alone makes `text` well formed; None otherwise, or if it is already."""
    # Only ASCII: str.upper would turn other scripts' letters into ours.
    upper = text.upper() if text.isascii() else text
    return upper if upper != text and not check_identifier(upper) else None


def import_rule(text: str) -> ImportRule:
    """What to do with a received identifier: legacy codes and lower case only warn, where all else is right."""
    reasons = check_identifier(text)
    if not reasons:
        return "accept"
    if _LEGACY.issuperset(reasons) or normalised(text) is not None:
        return "warn"
    return "refuse"


def received_segments(text: str) -> tuple[str, str] | None:
    """(type, version) as `text` states them, upper-cased where that repairs it; None where import is refused."""
    if import_rule(text) == "refuse":
        return None
    segments = (normalised(text) or text)[15:].split(".")
    return segments[0], segments[3]
