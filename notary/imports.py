"""Certificates in bulk: rows of a CSV file become records (data/README.md of the sample names the columns).

All or nothing: a file with one wrong row is refused whole, with every error by row and column. The file is UTF-8; a
byte order mark at its beginning is accepted, because spreadsheets write one, and isn't part of the first name. Values
are taken over as they stand. Rows count as a spreadsheet shows them: the names are row 1.

Two ways to use it: `read_certificates_csv` for a file at once; or `read_rows`, `records_of` (pure, for other
processes) and `Seen`, where a file is too long for memory. Over 300 lines: the rules of a row stand beside its reading.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, BinaryIO, NamedTuple

from ledger.certificates import CAPTURES, EXTRA_PREFIX, check_certificate, parse_day
from ledger.codes.certificate_ids import check_identifier, normalised, received_segments
from ledger.codes.divisions import check_division
from ledger.codes.holder_types import check_holder_code
from ledger.codes.uscc import check_uscc
from ledger.errors import ChuzhengError, InputError, RowsError, UnreadableError
from notary.canonical import MAX_DEPTH, depth_of, parse_record

COLUMNS = (
    "certificate_name", "type_code", "issuer_code", "issuer_name", "issuer_division", "certificate_number",
    "identifier", "holder_name", "holder_code_type", "holder_code", "holder_share", "issue_date", "valid_from",
    "valid_to", "previous_identifier", "business_fields",
)  # fmt: skip
MAX_LINE = 256 << 10
"""Bytes of one line. A cell has at most as many characters as `csv` takes by default (131,072)."""
MAX_ROWS = 1_000_000
MAX_ERRORS = 100_000
"""No more are listed: whoever has that many sent the wrong file."""
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MEMBER_COLUMNS = {
    "issuer": "issuer_code", "type": "type_code", "version": "identifier", "name": "certificate_name",
    "number": "certificate_number", "extra": "business_fields", "holders": "holder_share",
}  # fmt: skip

WrongCell = tuple[int, str, ChuzhengError]
"""Row number, column ("" for the row as a whole), what is wrong."""


class Row(NamedTuple):
    """Cells of one row in the order of COLUMNS."""

    number: int
    cells: tuple[str, ...]


class _Stop(Exception):
    """The rest of the file isn't looked at: `wrong` says why."""

    def __init__(self, wrong: WrongCell) -> None:
        super().__init__(wrong)
        self.wrong = wrong


class Seen:
    """Identifiers of the rows so far: one identifier (it ends in the version) may stand in a file once."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def duplicate(self, row: Row) -> WrongCell | None:
        """Remember the row; what is wrong if an earlier one has its identifier."""
        identifier = row.cells[_IDENTIFIER]
        first = self._rows.setdefault(normalised(identifier) or identifier, row.number)
        if first == row.number:
            return None
        return (row.number, "identifier", InputError("import.duplicate", first=first))


def read_certificates_csv(source: bytes | BinaryIO, *, capture: str = "data") -> list[dict[str, Any]]:
    """Checked records of every row, in order; RowsError `import.refused` with everything that is wrong.

    A record's `identifier_form` is `issued` where the identifier is well formed, `as_received` where only older codes
    or lower case keep it from that (formats.md §1).
    """
    records: list[dict[str, Any]] = []
    wrong: list[WrongCell] = []
    seen = Seen()
    for row in read_rows(source, wrong):
        if duplicate := seen.duplicate(row):
            wrong.append(duplicate)
        record, problems = record_of(row, capture)
        wrong.extend(problems)
        records.append(record)
    refuse(wrong)
    return records


def refuse(wrong: list[WrongCell]) -> None:
    """RowsError, sorted by row, if anything is wrong."""
    if wrong:
        raise RowsError("import.refused", rows=sorted(wrong[:MAX_ERRORS], key=itemgetter(0)))


def read_rows(source: bytes | BinaryIO, wrong: list[WrongCell]) -> Iterator[Row]:
    """Rows of well-formed CSV with the right number of cells, read as they come; what isn't is added to `wrong`.

    Nothing follows an error that hides where the next row begins (encoding, quotes), or a wrong header.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    reader = csv.reader(_lines(stream), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            wrong.append((1, "", InputError("import.empty")))
            return
        if problems := check_header(header):
            wrong.extend(problems)
            return
        yield from _rows(reader, _pick(header), len(header), wrong)
    except _Stop as stop:
        wrong.append(stop.wrong)
    except csv.Error:
        # The reader's own words name no row; where the quotes go wrong, the line is the best that can be said.
        wrong.append((reader.line_num, "", UnreadableError("import.syntax")))


def shown_name(name: str) -> str:
    """A column's name as it may be told: no more than 60 characters, and none that a terminal would act on."""
    return "".join([each if each.isprintable() else ascii(each)[1:-1] for each in name[:60]])


def check_header(header: Sequence[str]) -> list[WrongCell]:
    """Columns that are missing, unknown or there twice; their order is free."""
    wrong: list[WrongCell] = []
    seen: set[str] = set()
    for name in header:
        if name in seen:
            wrong.append((1, shown_name(name), InputError("import.column_twice", column=shown_name(name))))
        elif name not in COLUMNS:
            wrong.append((1, shown_name(name), InputError("import.column_unknown", column=shown_name(name))))
        seen.add(name)
    missing = [name for name in COLUMNS if name not in seen]
    wrong.extend((1, name, InputError("import.column_missing", column=name)) for name in missing)
    return wrong


def records_of(rows: Iterable[Row], capture: str = "data") -> tuple[list[dict[str, Any]], list[WrongCell]]:
    """Records of some rows and all that is wrong with them. Pure: rows of one file may be shared among processes."""
    records: list[dict[str, Any]] = []
    wrong: list[WrongCell] = []
    for row in rows:
        record, problems = record_of(row, capture)
        records.append(record)
        if problems:
            wrong.extend(problems)
    return records, wrong


def record_of(row: Row, capture: str = "data") -> tuple[dict[str, Any], list[WrongCell]]:
    """The record of one row and what is wrong with it; with errors, the record is good for nothing."""
    (
        name, type_code, issuer, issuer_name, division, number, identifier, _, _, _, _, issue_date, valid_from,
        valid_to, previous, business_fields,
    ) = row.cells  # fmt: skip
    wrong: list[tuple[str, ChuzhengError]] = []
    form, version = _identifier(identifier)
    holders = _holders(row.cells, wrong)
    record: dict[str, Any] = {
        "schema": "certificate/1", "kind": "certificate", "issuer": issuer, "type": type_code,
        "identifier": identifier, "version": version, "identifier_form": form, "capture": capture, "name": name,
        "number": number, "issuer_name": issuer_name, "issue_date": issue_date, "valid_from": valid_from,
        "valid_to": valid_to or None, "holders": holders,
    }  # fmt: skip
    formed = form == "issued" and version >= 0 and identifier[15:36] == type_code
    plain = formed and not (previous or business_fields or wrong)
    if plain and not _division(division) and _right_at_sight(record, holders):
        return record, []
    if previous:
        record["previous_identifier"] = previous
    if business_fields:
        _business_fields(record, business_fields, wrong)
    # The record has no place for the division: the issuer's code says who issued. A wrong one shows a shifted row.
    if reason := _division(division):
        wrong.append(("issuer_division", InputError("import.division", reason=reason)))
    told = {column for column, _ in wrong}
    for problem in check_certificate(record):
        column = column_of(problem.params)
        if column not in told:
            wrong.append((column, problem))
    return record, [(row.number, column, error) for column, error in wrong]


def _right_at_sight(record: Mapping[str, Any], holders: Sequence[Mapping[str, str]]) -> bool:
    """Whether check_certificate has nothing against a record that was made from cells, whose identifier is well formed
    and of its type: a quarter of the time of a row. False says nothing: then every rule is asked."""
    issued, first, last = parse_day(record["issue_date"]), parse_day(record["valid_from"]), record["valid_to"]
    if issued is None or first is None or len(holders) != 1 or "share" in holders[0]:
        return False
    end = first if last is None else parse_day(last)
    [holder] = holders
    texts = (record["name"], record["number"], record["issuer_name"], holder["name"])
    return (
        end is not None
        and end >= first
        and "" not in texts
        and not any(map(str.isspace, texts))
        and record["capture"] in CAPTURES
        and check_uscc(record["issuer"]) is None
        and check_holder_code(holder["code_type"], holder["code"], issued) is None
    )


def column_of(params: Mapping[str, Any]) -> str:
    """The column that an error's `member` came from."""
    member = str(params.get("member", ""))
    if member.startswith("holders["):
        return f"holder_{member.rpartition('.')[2]}"
    first = member.partition(".")[0]
    return _MEMBER_COLUMNS.get(first, first)


_IDENTIFIER = COLUMNS.index("identifier")
_HOLDER_CELLS = itemgetter(*(COLUMNS.index(f"holder_{c}") for c in ("name", "code_type", "code", "share")))
_division = lru_cache(maxsize=4096)(check_division)


def _pick(header: Sequence[str]) -> Any:
    places = tuple(header.index(name) for name in COLUMNS)
    return None if places == tuple(range(len(COLUMNS))) else itemgetter(*places)


def _identifier(identifier: str) -> tuple[str, int]:
    """(identifier_form, version); a version of -1 only where the check of the record names what is wrong."""
    if not check_identifier(identifier):
        return "issued", int(identifier[-5:-2])
    stated = received_segments(identifier)
    return ("issued", -1) if stated is None else ("as_received", int(stated[1]))


def _holders(cells: tuple[str, ...], wrong: list[tuple[str, ChuzhengError]]) -> list[dict[str, str]]:
    name, code_type, code, share = _HOLDER_CELLS(cells)
    if ";" not in code_type and ";" not in name and not share:
        return [{"name": name, "code_type": code_type, "code": code}]
    names, types, codes = name.split(";"), code_type.split(";"), code.split(";")
    shares = share.split(";") if share else []
    for column, found in (("holder_code_type", types), ("holder_code", codes), ("holder_share", shares)):
        if len(found) != len(names) and (found or column != "holder_share"):
            wrong.append((column, InputError("import.holder_count", expected=len(names), found=len(found))))
    if wrong:
        return [{"name": names[0], "code_type": types[0], "code": codes[0]}]
    if not shares:
        return [{"name": n, "code_type": t, "code": c} for n, t, c in zip(names, types, codes, strict=True)]
    several = zip(names, types, codes, shares, strict=True)
    return [{"name": n, "code_type": t, "code": c, "share": s} for n, t, c, s in several]


def _business_fields(record: dict[str, Any], text: str, wrong: list[tuple[str, ChuzhengError]]) -> None:
    try:
        extra = parse_record(text.encode())
        if text.count("[") + text.count("{") >= MAX_DEPTH and depth_of(extra) >= MAX_DEPTH:
            raise UnreadableError("json.nesting", limit=MAX_DEPTH)
    except UnreadableError as error:
        wrong.append(("business_fields", error))
        return
    record["extra"] = extra
    for name in extra:
        if not name.startswith(EXTRA_PREFIX):
            wrong.append(("business_fields", InputError("certificate.extra_name", member=name[:60])))


def _rows(reader: Iterator[list[str]], pick: Any, width: int, wrong: list[WrongCell]) -> Iterator[Row]:
    number = 1
    blank: list[WrongCell] = []
    for cells in reader:
        number += 1
        if number > MAX_ROWS + 1:
            raise _Stop((number, "", InputError("import.too_many_rows", limit=MAX_ROWS)))
        if len(wrong) >= MAX_ERRORS:
            raise _Stop((number, "", InputError("import.too_many_errors", limit=MAX_ERRORS)))
        if not cells:
            # Empty lines at the end are how editors leave a file; between rows they mean that something was lost.
            blank.append((number, "", InputError("import.blank_row")))
            continue
        wrong.extend(blank)
        blank.clear()
        if len(cells) != width:
            wrong.append((number, "", InputError("import.cell_count", expected=width, found=len(cells))))
        elif _CONTROL.search("".join(cells)):
            place = next(i for i, cell in enumerate(cells) if _CONTROL.search(cell))
            column = COLUMNS[place] if pick is None else _column_at(pick, place)
            wrong.append((number, column, InputError("import.control_character")))
        else:
            yield Row(number, tuple(cells) if pick is None else pick(cells))
    if number - len(blank) == 1:
        wrong.append((1, "", InputError("import.empty")))


def _column_at(pick: Any, place: int) -> str:
    return COLUMNS[pick(range(len(COLUMNS))).index(place)]


def _lines(stream: BinaryIO) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise _Stop((number, "", UnreadableError("import.line_too_long", limit=MAX_LINE)))
        if number == 1 and line.startswith(_BOM):
            line = line[len(_BOM) :]
        try:
            yield line.decode()
        except UnicodeDecodeError:
            raise _Stop((number, "", encoding_error(line))) from None


def encoding_error(line: bytes) -> UnreadableError:
    """What to say of a line that isn't UTF-8: which encoding it seems to be in."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        return UnreadableError("import.encoding_utf16")
    try:
        line.decode("gb18030")
    except UnicodeDecodeError:
        return UnreadableError("import.encoding")
    return UnreadableError("import.encoding_gbk")
