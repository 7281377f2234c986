"""Records: the schemas `certificate/1` and `document/1`, checked member by member (formats.md §1).

Pure and strict: unknown members, wrong types and wrong codes are errors; nothing is repaired or normalised, names of
people least of all. Every error names the member; none holds a person's data. Days are days of China's standard time.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ledger.codes.certificate_ids import check_identifier, import_rule, received_segments
from ledger.codes.holder_types import check_holder_code, holder_types
from ledger.codes.uscc import check_uscc
from ledger.errors import InputError
from ledger.types import BlockTime, Kind

CERTIFICATE_SCHEMA = "certificate/1"
DOCUMENT_SCHEMA = "document/1"
CAPTURES = ("sealed", "signed", "data", "scan")
"""How a record came to us, the most trustworthy first (verification.md, Trust level)."""
IDENTIFIER_FORMS = ("issued", "as_received")
EXTRA_PREFIX = "KZ_"

_COMMON = frozenset({"schema", "kind", "issuer"})
CERTIFICATE_MEMBERS = _COMMON | {
    "type", "identifier", "version", "identifier_form", "capture", "name", "number", "issuer_name", "issue_date",
    "valid_from", "valid_to", "holders",
}  # fmt: skip
CERTIFICATE_OPTIONAL = frozenset({"previous_identifier", "document", "extra"})
DOCUMENT_MEMBERS = _COMMON | {"document"}
DOCUMENT_OPTIONAL = frozenset({"title", "number"})
_FILE_MEMBERS = frozenset({"media_type", "sha256", "size", "sm3"})
_HOLDER_MEMBERS = frozenset({"name", "code_type", "code"})
_NONE: frozenset[str] = frozenset()

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CID = re.compile(r"(?:bafkrei|bafybei)[a-h][a-z2-7]{50}[aeimquy4]")
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"  # noqa: S105 - a grammar's word (RFC 6838 §4.2), no secret
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?)%|([1-9][0-9]{0,8})/([1-9][0-9]{0,8})")
_MAX_SHARE = len("999999999/999999999")
_MAX_SIZE = (1 << 53) - 1
_STANDARD_TIME = dt.timezone(dt.timedelta(hours=8))

_TEXTS = ("name", "number", "issuer_name")
Problems = list[InputError]


def check_record(record: Mapping[str, Any]) -> list[InputError]:
    """Everything that is wrong with a record, by its `schema`; empty: it may be committed to."""
    match record.get("schema"):
        case "certificate/1":
            return check_certificate(record)
        case "document/1":
            return check_document(record)
        case found:
            shown = found[:60] if isinstance(found, str) else type(found).__name__
            return [InputError("record.schema", member="schema", found=shown)]


def check_certificate(record: Mapping[str, Any]) -> list[InputError]:
    """Everything that is wrong with a `certificate/1`; each error has `member`, e.g. `holders[2].code`."""
    problems: Problems = []
    if not _check_members(problems, record, CERTIFICATE_MEMBERS, CERTIFICATE_OPTIONAL, ""):
        return problems
    _check_common(problems, record, CERTIFICATE_SCHEMA, Kind.CERTIFICATE)
    for name in _TEXTS:
        _check_text(problems, name, record[name])
    if record["capture"] not in CAPTURES:
        problems.append(InputError("record.choice", member="capture", expected=", ".join(CAPTURES)))
    _check_identifier(problems, record)
    issued = parse_day(record["issue_date"])
    if issued is None:
        problems.append(InputError("record.date", member="issue_date"))
    _check_period(problems, record)
    _check_holders(problems, record["holders"], issued or dt.date.max)
    if "previous_identifier" in record:
        _check_previous(problems, record)
    if "document" in record:
        _check_file(problems, record["document"])
    if "extra" in record:
        _check_extra(problems, record["extra"])
    return problems


def check_document(record: Mapping[str, Any]) -> list[InputError]:
    """Everything that is wrong with a `document/1`."""
    problems: Problems = []
    if not _check_members(problems, record, DOCUMENT_MEMBERS, DOCUMENT_OPTIONAL, ""):
        return problems
    _check_common(problems, record, DOCUMENT_SCHEMA, Kind.DOCUMENT)
    for name in DOCUMENT_OPTIONAL & record.keys():
        _check_text(problems, name, record[name])
    _check_file(problems, record["document"])
    return problems


def parse_day(text: object) -> dt.date | None:
    """The day that `YYYY-MM-DD` names, or None for any other spelling or type and for days that don't exist."""
    return _parse_day(text) if type(text) is str and len(text) == 10 else None


@lru_cache(maxsize=65536)
def _parse_day(text: str) -> dt.date | None:
    if not _DAY.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def first_second(day: dt.date) -> BlockTime:
    """Unix seconds of the day's first second, UTC+8 throughout (the summer times of 1986–1991 aren't followed)."""
    return BlockTime(int(dt.datetime(day.year, day.month, day.day, tzinfo=_STANDARD_TIME).timestamp()))


def last_second(day: dt.date) -> BlockTime:
    """Unix seconds of the day's last second: a date asked about as an instant means this one (formats.md §1)."""
    return BlockTime(first_second(day) + 86_399)


def parse_share(text: str) -> Fraction | None:
    """A holder's share, `50%`, `33.3%` or `1/3`, as a part of one; None for anything else and for nothing at all."""
    return _parse_share(text) if len(text) <= _MAX_SHARE else None


@lru_cache(maxsize=4096)
def _parse_share(text: str) -> Fraction | None:
    found = _SHARE.fullmatch(text)
    if found is None:
        return None
    share = Fraction(found[1]) / 100 if found[1] else Fraction(int(found[2]), int(found[3]))
    return share if 0 < share <= 1 else None


def _check_members(
    problems: Problems, found: Any, needed: frozenset[str], optional: frozenset[str], where: str
) -> bool:
    """Whether all needed members are there: without them there is nothing more to say."""
    if not isinstance(found, Mapping):
        problems.append(InputError("record.member_type", member=where.rstrip("."), expected="object"))
        return False
    names = found.keys()
    if names == needed:
        return True
    problems.extend(InputError("record.missing_member", member=where + name) for name in sorted(needed - names))
    extra = sorted(str(name) for name in names - needed - optional)
    problems.extend(InputError("record.unknown_member", member=where + name[:60]) for name in extra)
    return needed <= names


def _check_common(problems: Problems, record: Mapping[str, Any], schema: str, kind: Kind) -> None:
    if record["schema"] != schema:
        problems.append(InputError("record.choice", member="schema", expected=schema))
    if record["kind"] != kind.word:
        problems.append(InputError("record.choice", member="kind", expected=kind.word))
    issuer = record["issuer"]
    if type(issuer) is not str:
        problems.append(InputError("record.member_type", member="issuer", expected="string"))
    elif reason := check_uscc(issuer):
        problems.append(InputError("record.issuer", member="issuer", reason=reason))


def _check_text(problems: Problems, name: str, value: Any) -> bool:
    if type(value) is not str:
        problems.append(InputError("record.member_type", member=name, expected="string"))
    elif not value or value.isspace():
        problems.append(InputError("record.empty", member=name))
    else:
        return True
    return False


def _check_identifier(problems: Problems, record: Mapping[str, Any]) -> None:
    identifier, form = record["identifier"], record["identifier_form"]
    if form not in IDENTIFIER_FORMS:
        problems.append(InputError("record.choice", member="identifier_form", expected=", ".join(IDENTIFIER_FORMS)))
    if type(identifier) is not str:
        problems.append(InputError("record.member_type", member="identifier", expected="string"))
        return
    if type(record["version"]) is not int:
        problems.append(InputError("record.member_type", member="version", expected="integer"))
        return
    reasons = check_identifier(identifier)
    if not reasons:
        segments = identifier[15:].split(".")
        stated: tuple[str, str] | None = (segments[0], segments[3])
    else:
        stated = received_segments(identifier) if form == "as_received" else None
    if stated is None:
        problems.append(InputError("certificate.identifier", member="identifier", reasons=", ".join(reasons)))
        return
    if record["type"] != stated[0]:
        problems.append(InputError("certificate.type_differs", member="type", expected=stated[0]))
    if record["version"] != int(stated[1]):
        problems.append(InputError("certificate.version_differs", member="version", expected=int(stated[1])))


def _check_previous(problems: Problems, record: Mapping[str, Any]) -> None:
    previous = record["previous_identifier"]
    if not isinstance(previous, str):
        problems.append(InputError("record.member_type", member="previous_identifier", expected="string"))
    elif import_rule(previous) == "refuse":
        reasons = ", ".join(check_identifier(previous))
        problems.append(InputError("certificate.identifier", member="previous_identifier", reasons=reasons))
    elif previous == record["identifier"]:
        problems.append(InputError("certificate.own_predecessor", member="previous_identifier"))


def _check_period(problems: Problems, record: Mapping[str, Any]) -> None:
    first = parse_day(record["valid_from"])
    if first is None:
        problems.append(InputError("record.date", member="valid_from"))
    if record["valid_to"] is None:
        return
    last = parse_day(record["valid_to"])
    if last is None:
        problems.append(InputError("record.date", member="valid_to"))
    elif first is not None and last < first:
        first_text, last_text = record["valid_from"], record["valid_to"]
        problems.append(InputError("certificate.dates_reversed", member="valid_to", first=first_text, last=last_text))


def _check_holders(problems: Problems, holders: Any, not_after: dt.date) -> None:
    if type(holders) is not list or not holders:
        problems.append(InputError("certificate.no_holders", member="holders"))
        return
    total: Fraction | int = 0
    shares = 0
    for number, holder in enumerate(holders, 1):
        if type(holder) is not dict or holder.keys() != _HOLDER_MEMBERS:
            where = f"holders[{number}]."
            if not _check_members(problems, holder, _HOLDER_MEMBERS, frozenset({"share"}), where):
                continue
            if "share" in holder:
                shares += 1
                share = parse_share(holder["share"]) if isinstance(holder["share"], str) else None
                if share is None:
                    problems.append(InputError("certificate.share", member=f"{where}share"))
                else:
                    total += share
        _check_holder(problems, holder, number, not_after)
    if shares and shares != len(holders):
        problems.append(InputError("certificate.shares_missing", member="holders", found=shares, expected=len(holders)))
    elif shares and total != 1 and not any(p.code == "certificate.share" for p in problems):
        found = f"{float(total) * 100:.6g}%"
        problems.append(InputError("certificate.shares_sum", member="holders", found=found))


def _check_holder(problems: Problems, holder: dict[str, Any], number: int, not_after: dt.date) -> None:
    name, code_type, code = holder["name"], holder["code_type"], holder["code"]
    if type(name) is not str or not name or name.isspace():
        _check_text(problems, f"holders[{number}].name", name)
    if type(code_type) is not str or code_type not in holder_types():
        problems.append(InputError("certificate.holder_type", member=f"holders[{number}].code_type"))
    elif type(code) is not str:
        problems.append(InputError("record.member_type", member=f"holders[{number}].code", expected="string"))
    elif reason := check_holder_code(code_type, code, not_after):
        member = f"holders[{number}].code"
        problems.append(InputError("certificate.holder_code", member=member, code_type=code_type, reason=reason))


def _check_file(problems: Problems, file: Any) -> None:
    if not _check_members(problems, file, _FILE_MEMBERS, frozenset({"cid"}), "document."):
        return
    for name in ("sha256", "sm3"):
        if not isinstance(file[name], str) or not _DIGEST.fullmatch(file[name]):
            problems.append(InputError("record.digest", member=f"document.{name}"))
    if not isinstance(file["media_type"], str) or not _MEDIA_TYPE.fullmatch(file["media_type"]):
        problems.append(InputError("record.media_type", member="document.media_type"))
    if type(file["size"]) is not int or not 0 <= file["size"] <= _MAX_SIZE:
        problems.append(InputError("record.size", member="document.size"))
    if "cid" in file and (not isinstance(file["cid"], str) or not _CID.fullmatch(file["cid"])):
        problems.append(InputError("record.cid", member="document.cid"))


def _check_extra(problems: Problems, extra: Any) -> None:
    if not isinstance(extra, Mapping):
        problems.append(InputError("record.member_type", member="extra", expected="object"))
        return
    wrong = [str(name)[:60] for name in extra if not str(name).startswith(EXTRA_PREFIX)]
    problems.extend(InputError("certificate.extra_name", member=f"extra.{name}") for name in wrong)
