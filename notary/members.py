"""Reading the members of our JSON formats strictly: known names, exact types, canonical encodings.

Pure. Every refusal is an UnreadableError that names the format and the member, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ledger.errors import UnreadableError
from notary.b64 import from_b64
from notary.canonical import MAX_INTEGER

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_CHAIN_HASH = re.compile(r"0x[0-9a-f]{64}")


def check_names(where: str, value: Any, required: frozenset[str], allowed: frozenset[str]) -> dict[str, Any]:
    """`value` as an object that has all `required` members and none outside `allowed`."""
    if type(value) is not dict:
        raise UnreadableError("format.object", where=where)
    names = value.keys()
    if not required <= names:
        raise UnreadableError("format.member_missing", where=where, member=min(required - names))
    if not names <= allowed:
        shown = min(names - allowed)[:60].encode("ascii", "backslashreplace").decode()
        raise UnreadableError("format.member_unknown", where=where, member=shown)
    return value


def read_text(where: str, member: str, value: Any, limit: int = 1024) -> str:
    """A string of at most `limit` characters."""
    if type(value) is not str or len(value) > limit:
        raise UnreadableError("format.text", where=where, member=member, limit=limit)
    return value


def read_count(where: str, member: str, value: Any, limit: int = MAX_INTEGER) -> int:
    """A JSON integer from 0 to `limit`; neither true nor 1.0 is one."""
    if type(value) is not int or not 0 <= value <= limit:
        raise UnreadableError("format.count", where=where, member=member, limit=limit)
    return value


def read_b64(where: str, member: str, value: Any, length: int | None = None) -> bytes:
    """Bytes in canonical base64, exactly `length` of them if given."""
    data = from_b64(value)
    if data is None:
        raise UnreadableError("format.base64", where=where, member=member)
    if length is not None and len(data) != length:
        raise UnreadableError("format.length", where=where, member=member, expected=length, found=len(data))
    return data


def read_list(where: str, member: str, value: Any, limit: int) -> Sequence[Any]:
    """A list of at most `limit` elements."""
    if type(value) is not list or len(value) > limit:
        raise UnreadableError("format.list", where=where, member=member, limit=limit)
    return value


def read_address(where: str, member: str, value: Any) -> str:
    """`0x` and 40 lower-case hex digits."""
    if type(value) is not str or not _ADDRESS.fullmatch(value):
        raise UnreadableError("format.chain_value", where=where, member=member, digits=40)
    return value


def read_chain_hash(where: str, member: str, value: Any) -> str:
    """`0x` and 64 lower-case hex digits."""
    if type(value) is not str or not _CHAIN_HASH.fullmatch(value):
        raise UnreadableError("format.chain_value", where=where, member=member, digits=64)
    return value
