"""JSON as records need it: read strictly, written canonically (RFC 8785), members in JCS order.

Pure. Nothing is repaired: bytes that two readers could understand differently are refused as unreadable
(formats.md §1). The canonicaliser is ours for speed and property-tested against `rfc8785`, which stays its reference
and still writes the numbers that aren't integers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any, NoReturn

from ledger.errors import UnreadableError

quote = encode_basestring
"""A string as RFC 8785 writes it: the escapes of json's C encoder are the same."""

MAX_BYTES = 1 << 20
MAX_MEMBERS = 256
MAX_DEPTH = 16
MAX_INTEGER = (1 << 53) - 1
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_DIGITS_END = 1e21
"""From here on ECMAScript writes a number with an exponent, so its canonical form is no longer digits only."""


def parse_strict(
    data: bytes, *, limit: int = MAX_BYTES, max_members: int | None = None, max_depth: int = MAX_DEPTH
) -> Any:
    """The JSON value in `data`; every refusal of formats.md §1 is an UnreadableError.

    `limit` in bytes as received; `max_members` of the outermost object; the outermost value is depth 1 if it is a
    container. A number spelled with a point, an exponent or as -0 stays a float, so that formats can ask for integers.
    """
    value = _decode(data, limit, max_depth, _STRICT)
    _check_surrogates(data, value)
    if max_members is not None and isinstance(value, dict) and len(value) > max_members:
        raise UnreadableError("json.too_many_members", found=len(value), limit=max_members)
    return value


def parse_record(data: bytes) -> dict[str, Any]:
    """A record: an object with 1 to 256 members, at most 1 MiB as received and canonical (formats.md §1).

    Numbers come as their canonical form reads: `1.0` and `-0.0` are the integers 1 and 0.
    """
    value = _decode(data, MAX_BYTES, MAX_DEPTH, _RECORD)
    _check_surrogates(data, value)
    if not isinstance(value, dict):
        raise UnreadableError("record.not_object")
    check_member_count(value)
    # Only a number grows when it becomes canonical, from `1e15` at worst, so short input needs no second look.
    if len(data) > MAX_BYTES // 4:
        check_canonical_size(canonicalise(value))
    return value


def check_record(record: Mapping[str, Any]) -> bytes:
    """Canonical bytes of a record that didn't come from `parse_record`; UnreadableError where that would refuse."""
    value = normalise(dict(record))
    check_member_count(value)
    if depth_of(value) > MAX_DEPTH:
        raise UnreadableError("json.nesting", limit=MAX_DEPTH)
    canonical = canonicalise(value)
    check_canonical_size(canonical)
    return canonical


def canonicalise(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value; UnreadableError for what has none (NaN, lone surrogates, other types)."""
    try:
        return text_of(value).encode()
    except UnicodeEncodeError:
        raise UnreadableError("json.lone_surrogate") from None
    except RecursionError:
        raise UnreadableError("json.nesting", limit=MAX_DEPTH) from None


def sort_members(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The members of `record` in JCS order, by UTF-16 code units of their names."""
    return [(name, record[name]) for name in sorted_names(record)]


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names in JCS order; for ASCII that is Python's own order, above U+FFFF it isn't."""
    ordered = sorted(names)
    if not "".join(ordered).isascii():
        ordered.sort(key=utf16_units)
    return ordered


def utf16_units(name: str) -> bytes:
    """A key that sorts as JCS does."""
    try:
        return name.encode("utf-16-be")
    except UnicodeEncodeError:
        raise UnreadableError("json.lone_surrogate") from None


def normalise(value: Any) -> Any:
    """`value` with every number as its canonical form reads: whole floats become integers."""
    if isinstance(value, float):
        return _canonical_number(value)
    if isinstance(value, dict):
        return {name: normalise(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [normalise(element) for element in value]
    return value


def depth_of(value: Any) -> int:
    """Nesting of a value: 0 for a scalar, 1 for a container of scalars."""
    depth, layer = 0, [value]
    while layer := [v for v in layer if isinstance(v, dict | list)]:
        depth += 1
        layer = [e for v in layer for e in (v.values() if isinstance(v, dict) else v)]
    return depth


def text_of(value: Any) -> str:
    """Canonical text of a value; lone surrogates stay in it and fail when it is encoded."""
    kind = type(value)
    if kind is str:
        return quote(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise UnreadableError("json.integer_range")
        return str(value)
    if kind is dict:
        try:
            return "{" + ",".join([f"{quote(name)}:{text_of(value[name])}" for name in sorted_names(value)]) + "}"
        except TypeError:
            raise UnreadableError("json.type", found="object key") from None
    if kind is list or kind is tuple:
        return "[" + ",".join([text_of(element) for element in value]) + "]"
    if kind is float:
        return _number(value)
    raise UnreadableError("json.type", found=kind.__name__)


def _number(value: float) -> str:
    import rfc8785

    number = _canonical_number(value)
    return str(number) if isinstance(number, int) else rfc8785.dumps(number).decode("ascii")


def _canonical_number(value: float) -> int | float:
    if not math.isfinite(value):
        raise UnreadableError("json.not_finite")
    if not value.is_integer() or abs(value) >= _DIGITS_END:
        return value
    if abs(value) > MAX_INTEGER:
        raise UnreadableError("json.integer_range")
    return int(value)


def nests_deeper(data: bytes, limit: int) -> bool:
    """Whether containers lie more than `limit` deep in JSON text.

    Looked at before parsing: the parser recurses, and how deep it may go is a setting of the whole process that other
    libraries raise until the stack overflows.
    """
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    depth = 0
    for byte in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"{[" else -1
        if depth > limit:
            return True
    return False


def _decode(data: bytes, limit: int, max_depth: int, decoder: json.JSONDecoder) -> Any:
    if len(data) > limit:
        raise UnreadableError("json.too_large", found=len(data), limit=limit)
    if data[:3] == b"\xef\xbb\xbf":
        raise UnreadableError("json.bom")
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("json.not_utf8", position=error.start) from None
    if nests_deeper(data, max_depth):
        raise UnreadableError("json.nesting", limit=max_depth)
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableError("json.syntax", line=error.lineno, column=error.colno) from None


_FEW_ESCAPES, _LARGE = 64, 1 << 18


def _check_surrogates(data: bytes, value: Any) -> None:
    # The cheap test spares almost every input the walk: without an escape of their range strict UTF-8 has none.
    if _may_escape_surrogates(data):
        _check_text(value)


def _may_escape_surrogates(data: bytes) -> bool:
    """Whether some escape may be `\\ud…`. A large file has few escapes: they are looked at one by one,
    since finding one byte is ten times as fast as finding three."""
    at = data.find(b"\\") if len(data) > _LARGE else 0
    for _ in range(_FEW_ESCAPES if len(data) > _LARGE else 0):
        if at < 0:
            return False
        if data[at + 1 : at + 3] in (b"ud", b"uD"):
            return True
        at = data.find(b"\\", at + 2)  # what is escaped is no beginning of another escape
    return b"\\ud" in data or b"\\uD" in data


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnreadableError("json.lone_surrogate") from None
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_text(name)
            _check_text(member)
    elif isinstance(value, list):
        for element in value:
            _check_text(element)


def check_member_count(record: Mapping[str, Any]) -> None:
    """UnreadableError unless a record has 1 to 256 members."""
    if not record:
        raise UnreadableError("record.no_members")
    if len(record) > MAX_MEMBERS:
        raise UnreadableError("json.too_many_members", found=len(record), limit=MAX_MEMBERS)


def check_canonical_size(canonical: bytes) -> None:
    """UnreadableError over 1 MiB of canonical bytes."""
    if len(canonical) > MAX_BYTES:
        raise UnreadableError("json.too_large", found=len(canonical), limit=MAX_BYTES)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                shown = name[:60].encode("utf-8", "backslashreplace").decode()
                raise UnreadableError("json.duplicate_member", member=shown)
            seen.add(name)
    return members


def _integer(literal: str) -> int | float:
    if len(literal) <= 17 and -MAX_INTEGER <= (value := int(literal)) <= MAX_INTEGER:
        return value
    return _canonical_number(float(literal))


def _strict_integer(literal: str) -> int | float:
    return -0.0 if literal == "-0" else _integer(literal)


def _float(literal: str) -> float:
    value = float(literal)
    _canonical_number(value)
    return value


def _record_float(literal: str) -> int | float:
    return _canonical_number(float(literal))


def _constant(_: str) -> NoReturn:
    raise UnreadableError("json.not_finite")


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_strict_integer, parse_float=_float, parse_constant=_constant
)
_RECORD = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_record_float, parse_constant=_constant
)
