"""Rows of a part that are all ordinary, by column: right at sight, and members ready to be committed to.

An ordinary row has one holder, nothing optional, an identifier that is well formed, and no character that JSON escapes.
Where one row of a part isn't, or something may be wrong with it, the part goes row by row (notary/imports.py), and
only there it is said what. A property test holds both ways to each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from operator import gt
from typing import Any, NamedTuple

from ledger.certificates import CAPTURES, parse_day
from ledger.codes.certificate_ids import check_identifier
from ledger.codes.divisions import check_division
from ledger.codes.holder_types import check_holder_code
from ledger.codes.uscc import check_uscc
from ledger.types import DepartmentCode
from notary.bulk.sources import Cells, cells_in
from notary.committing import Text

NAMES = (
    "capture", "holders", "identifier", "identifier_form", "issue_date", "issuer", "issuer_name", "kind", "name",
    "number", "schema", "type", "valid_from", "valid_to", "version",
)  # fmt: skip
"""An ordinary record's members, in JCS order."""
_ODD = bytes(range(0x20)) + b'\x7f"\\'
"""What a cell may not hold, or JSON escapes; in UTF-8 no other character has these bytes."""


class Ordinary(NamedTuple):
    """Records of one issuer: what is looked up of each, and the `texts` of NAMES, each one for all or each one's."""

    issuer: DepartmentCode
    identifiers: Sequence[str]
    versions: list[int]
    texts: tuple[Text, ...]


def ordinary(rows: Sequence[Cells], issuers: frozenset[str], capture: str) -> Ordinary | None:
    """Rows (cells in the order of COLUMNS, or lines) by column; None where not all of them are ordinary."""
    if not rows or not all(rows) or capture not in CAPTURES or _is_odd(rows):
        return None
    columns = list(zip(*map(cells_in, rows), strict=True))
    (
        names, types, departments, issuer_names, divisions, numbers, identifiers, holders, code_types, codes, shares,
        issue_dates, valid_from, valid_to, previous, business_fields,
    ) = columns  # fmt: skip
    issuer = departments[0]
    if (
        any(_same(column) != "" for column in (shares, previous, business_fields))
        or _same(departments) != issuer
        or issuer not in issuers
        or check_uscc(issuer) is not None
        or any(map(check_division, set(divisions)))
        or not all(map(_is_text, (names, numbers, issuer_names, holders)))
        or ";" in "".join(_some(holders))
        or ";" in "".join(_some(code_types))
        or any(map(check_identifier, identifiers))
        or [identifier[15:36] for identifier in identifiers] != list(types)
        or not _are_right(issue_dates, valid_from, valid_to, code_types, codes)
    ):
        return None
    versions = [int(identifier[-5:-2]) for identifier in identifiers]
    texts: dict[str, Text] = {
        "capture": _quoted_once(capture), "identifier_form": b'"issued"', "kind": b'"certificate"',
        "schema": b'"certificate/1"', "issuer": _quoted_once(issuer), "type": _quoted(types),
        "identifier": _quoted(identifiers), "version": _each(versions, lambda version: b"%d" % version),
        "name": _quoted(names), "number": _quoted(numbers), "issuer_name": _quoted(issuer_names),
        "issue_date": _quoted(issue_dates), "valid_from": _quoted(valid_from), "valid_to": _or_null(valid_to),
        "holders": _holders(_quoted(codes), _quoted(code_types), _quoted(holders)),
    }  # fmt: skip
    return Ordinary(DepartmentCode(issuer), identifiers, versions, tuple([texts[name] for name in NAMES]))


def _is_odd(rows: Sequence[Cells]) -> bool:
    try:
        data = b"".join([row if isinstance(row, bytes) else "".join(row).encode() for row in rows])
    except UnicodeEncodeError:  # half of a surrogate pair
        return True
    return len(data.translate(None, _ODD)) != len(data)


def _same(column: Sequence[Any]) -> Any:
    """What all of a column are; None where they differ."""
    return column[0] if column.count(column[0]) == len(column) else None


def _some(column: Sequence[str]) -> Sequence[str]:
    """The column, or its first where it has nothing else."""
    return column if _same(column) is None else column[:1]


def _is_text(column: Sequence[str]) -> bool:
    some = _some(column)
    return "" not in some and not any(map(str.isspace, some))


def _are_right(
    issue_dates: Sequence[str],
    valid_from: Sequence[str],
    valid_to: Sequence[str],
    code_types: Sequence[str],
    codes: Sequence[str],
) -> bool:
    """Whether the days exist and follow one another, and each holder's code is right on the day of issue."""
    issued, first = _days(issue_dates), _days(valid_from)
    if not issued or not first:
        return False
    if _same(valid_to) != "":
        last = _days([end or begin for begin, end in zip(valid_from, valid_to, strict=True)])
        if not last or any(map(gt, first, last)):
            return False
    return not any(map(check_holder_code, code_types, codes, issued))


def _days(column: Sequence[str]) -> list[dt.date]:
    """None at all where one of them doesn't exist."""
    days = [day for day in map(parse_day, column) if day is not None]
    return days if len(days) == len(column) else []


# -- texts -----------------------------------------------------------------------------------------------------------


def _quoted_once(text: str) -> bytes:
    return b'"%b"' % text.encode()


def _quoted(column: Sequence[str]) -> Text:
    """As JSON; nothing in the rows has to be escaped, so they are quoted in one piece."""
    if (same := _same(column)) is not None:
        return _quoted_once(same)
    return ('"' + '"\n"'.join(column) + '"').encode().split(b"\n")


def _or_null(column: Sequence[str]) -> Text:
    if _same(column) == "":
        return b"null"
    text = _quoted(column)
    return text if isinstance(text, bytes) else [b"null" if each == b'""' else each for each in text]


def _each(column: Sequence[Any], text_of: Callable[[Any], bytes]) -> Text:
    return [text_of(each) for each in column] if (same := _same(column)) is None else text_of(same)


def _holders(codes: Text, code_types: Text, names: Text) -> Text:
    """The one holder of each, members in JCS order."""
    form = b'[{"code":%b,"code_type":%b,"name":%b}]'
    parts = (codes, code_types, names)
    own = [part for part in parts if not isinstance(part, bytes)]
    if not own:
        return form % parts
    each: Iterable[tuple[bytes, ...]] = zip(
        *[[part] * len(own[0]) if isinstance(part, bytes) else part for part in parts], strict=True
    )
    return [form % them for them in each]
