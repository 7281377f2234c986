"""What the benches feed in: certificates that every rule accepts, all different, and records of exactly 12 members.

A `certificate/1` has 15 members at least (formats.md §1), so what goes through acceptance is a little dearer than the
records of 12 that the figures for the pure functions speak of.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ledger.codes.certificate_ids import make_identifier
from ledger.types import DepartmentCode, TypeCode

TYPE = TypeCode("11100000009985328F011")
MEMBERS = 12


def certificate(n: int, issuer: DepartmentCode, of: TypeCode = TYPE) -> dict[str, Any]:
    """The n-th certificate of an issuer: 15 members, its own identifier and number."""
    return {
        "schema": "certificate/1",
        "kind": "certificate",
        "issuer": issuer,
        "type": of,
        "identifier": make_identifier(of, issuer, f"{n:020d}", 1),
        "version": 1,
        "identifier_form": "issued",
        "capture": "data",
        "name": "食品经营许可证",
        "number": f"JY{n:014d}",
        "issuer_name": "湖北省市场监督管理局",
        "issue_date": "2024-02-28",
        "valid_from": "2024-02-28",
        "valid_to": "2029-02-27",
        "holders": [{"name": "兴山县和兴餐饮管理有限公司（样例）", "code_type": "001", "code": "91420526MA9986781L"}],
    }


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
