"""What the benches feed in: certificates that every rule accepts, all different, and records of exactly 12 members.

A `certificate/1` has 15 members at least (formats.md §1), so what goes through acceptance is a little dearer than the
records of 12 that the figures for the pure functions speak of.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ledger.types import DepartmentCode, TypeCode
from tests.fakes.notary import certificate as of_notary

TYPE = TypeCode("11100000009985328F011")
MEMBERS = 12


def certificate(n: int, issuer: DepartmentCode, of: TypeCode = TYPE) -> dict[str, Any]:
    """The n-th certificate of an issuer: 15 members, its own identifier and number."""
    return of_notary(n, issuer, of=of)


def certificate_bytes(n: int, issuer: DepartmentCode, of: TypeCode = TYPE) -> bytes:
    """The same as a client sends it."""
    return json.dumps(certificate(n, issuer, of), ensure_ascii=False, separators=(",", ":")).encode()


def twelve(n: int, issuer: DepartmentCode) -> dict[str, Any]:
    """A record of 12 members, for functions that don't ask for a schema: texts, a number, a list, a null."""
    whole = certificate(n, issuer)
    for name in ("issuer_name", "issue_date", "capture"):
        del whole[name]
    return whole


def packed(count: int, salt: bytes = b"") -> bytes:
    """`count` finished commitments, 65 bytes each (formats.md §6); another `salt` makes other ones."""
    rows = []
    for n in range(count):
        digest = hashlib.sha256(b"%d/%s" % (n, salt)).digest()
        rows.append(b"\x01" + digest + digest[::-1])
    return b"".join(rows)
