"""What a visitor submits to be checked: read from JSON (the page with scripts, the API) or from a form's files.

Nothing here is kept or logged. Sorting says what a file is; whether it is right, notary.verify says.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from api.digests import HEX
from ledger.certificates import last_second, parse_day
from ledger.errors import InputError, UnreadableError
from ledger.types import Millis
from notary.b64 import from_b64
from notary.canonical import canonicalise, nests_deeper, parse_record, parse_strict
from notary.disclosure import FORMAT as DISCLOSURE
from notary.disclosure import parse_disclosure
from notary.evidence import FileDigests, Presented
from notary.exports.tlog_proof import HEADER as TLOG_PROOF
from notary.exports.tlog_proof import parse_tlog_proof
from notary.receipt import FORMAT as RECEIPT
from notary.receipt import are_many, parse_receipt

if TYPE_CHECKING:
    from notary.collect import LogReader

MOST = 2 << 20
"""Bytes above which a file is an original for certain: no receipt, record or disclosure may be so long."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_BUNDLE_BEGINS = (b"disclosures/", b"receipts/", b"events/")
"""The first member's name of an evidence bundle: they are sorted, and begin right after the ZIP's first header."""
_LOOK, _LOOK_LONG = 64, 200
_PIECE = 1 << 20
_OURS = "chuzheng-"
T = TypeVar("T")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
LONGEST_IDENTIFIER = 200
MOST_BUNDLE = 16 << 20
"""Bytes of an evidence bundle that is judged here; a larger one by `chuzheng verify --bundle`."""
MOST_PASTED = 64 << 10
"""Characters of what is pasted: an identifier, a code, a W3C credential."""
MOST_QR = 4_096
"""Characters of a code with the page's address before it."""
_DEEPEST = 64
"""Nesting beyond which JSON is none of ours and isn't even parsed to find out."""
MEMBERS = frozenset(
    {"receipt", "record", "disclosure", "credential", "bundle", "file", "qr", "identifier", "shown", "at"}
)


@dataclass(frozen=True, slots=True)
class Submission:
    """At most one of each; texts as received. `at` None: now."""

    receipt: bytes | None = None
    record: bytes | None = None
    disclosure: bytes | None = None
    credential: bytes | None = None
    bundle: bytes | None = None
    file: FileDigests | None = None
    qr: str | None = None
    """What a camera read or somebody pasted: with or without the page's address before `#`."""
    identifier: str | None = None
    shown: str | None = None
    at: Millis | None = None

    @property
    def identifier_alone(self) -> bool:
        return self.identifier is not None and not (
            self.receipt or self.record or self.disclosure or self.file or self.qr or self.whole
        )

    @property
    def whole(self) -> bool:
        """What is judged by itself: it brings all that it is about."""
        return self.credential is not None or self.bundle is not None

    def check(self) -> Submission:
        """Itself, if it can be checked at all; InputError says which part is missing, in words for the visitor."""
        if self.whole:
            others = (self.receipt, self.record, self.disclosure, self.file, self.qr, self.identifier)
            if any(others) or (self.credential is not None and self.bundle is not None):
                raise InputError("request.by_itself")
            return self
        if self.qr and (self.receipt or self.disclosure or self.record):
            raise InputError("request.two_of_one", kind="qr, receipt")
        if self.identifier_alone or self.disclosure or self.receipt or self.qr:
            return self
        if self.record:
            raise InputError("request.receipt_missing")
        raise InputError("request.file_alone" if self.file else "request.nothing_to_check")


def from_json(body: bytes, limit: int) -> Submission:
    """`{"receipt"?, "record"?, "disclosure"?, "credential"?, "bundle"?, "file"?: {"size","sha256","sm3"}, "qr"?,
    "identifier"?, "shown"?, "at"?}`.

    The first three as JSON text in a string (exactly as received) or as an object; a bundle in base64.
    """
    value = parse_strict(body, limit=limit)
    if not isinstance(value, dict):
        raise InputError("request.member", name="body", expected="{…}")
    for name in value:
        if name not in MEMBERS:
            raise InputError("request.unknown_member", name=str(name)[:40])
    found = Submission(
        receipt=_document(value, "receipt"),
        record=_document(value, "record"),
        disclosure=_document(value, "disclosure"),
        credential=_bytes(_text(value, "credential", limit)),
        bundle=_bundle(value),
        file=_digests(value["file"]) if value.get("file") is not None else None,
        qr=_text(value, "qr", MOST_QR),
        identifier=_text(value, "identifier", MOST_PASTED),
        shown=_text(value, "shown", 40),
        at=instant(_text(value, "at", 40)),
    )
    return sort_text(found)


def instant(text: str | None) -> Millis | None:
    """A day (its last second in Beijing, formats.md §1) or an RFC 3339 time with offset, as milliseconds."""
    if text is None or not text.strip():
        return None
    day = parse_day(text.strip())
    if day is not None:
        return Millis(last_second(day) * 1000)
    try:
        time = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        time = dt.datetime.min
    if time.tzinfo is None:
        raise InputError("request.member", name="at", expected="YYYY-MM-DD")
    return Millis(int(time.timestamp() * 1000))


def add_file(submission: Submission, name: str, size: int, file: BinaryIO) -> Submission:
    """Sort one uploaded file into its place; an original is read through once and only its digests are kept."""
    if _is_bundle(file):
        if size > MOST_BUNDLE:
            raise InputError("request.bundle_large", found=size, limit=MOST_BUNDLE)
        if submission.bundle is not None:
            raise InputError("request.two_of_one", kind="bundle")
        return replace(submission, bundle=file.read())
    if are_many(file.read(_LOOK_LONG)):
        raise UnreadableError("receipts.not_single")
    file.seek(0)
    if size <= MOST:
        data = file.read()
        kind = sort(data, name)
        if kind == "foreign":
            raise InputError("request.not_for_checking", name=name[:100])
        if kind != "file":
            if kind == "tlog-proof":  # a copy of a receipt, as far as it holds one
                kind, data = "receipt", _of_tlog_proof(data)
            if getattr(submission, kind) is not None:
                raise InputError("request.two_of_one", kind=kind)
            return _with_text(submission, kind, data)
        file.seek(0)
    if submission.file is not None:
        raise InputError("request.two_of_one", kind="file")
    return replace(submission, file=digest(file))


def sort_text(submission: Submission) -> Submission:
    """What was typed or pasted where an identifier is asked for may be a code's content or address, or a credential."""
    found = submission.identifier
    if found is not None and submission.credential is None and _JWT.fullmatch(found):
        return replace(submission, credential=found.encode(), identifier=None)
    if submission.qr is None and found is not None and ("#" in found or len(found) > LONGEST_IDENTIFIER):
        return replace(submission, qr=found, identifier=None)
    return submission


def with_code(submission: Submission, name: str, file: BinaryIO) -> Submission:
    """A picture that nothing came with is the picture of a code; itself where it is none, or something came with it."""
    if not name.lower().endswith(PICTURES) or submission.receipt or submission.disclosure or submission.record:
        return submission
    from notary.qr_picture import read_picture

    file.seek(0)
    return replace(submission, qr=read_picture(file), file=None)


def _of_tlog_proof(data: bytes) -> bytes:
    try:
        return parse_tlog_proof(data).receipt().to_json()
    except UnreadableError as error:
        raise PartUnreadable("receipt", error) from error


def _with_text(submission: Submission, kind: str, data: bytes) -> Submission:
    match kind:
        case "receipt":
            return replace(submission, receipt=data)
        case "record":
            return replace(submission, record=data)
        case "credential":
            return replace(submission, credential=data)
        case _:
            return replace(submission, disclosure=data)


def sort(data: bytes, name: str = "") -> str:
    """`receipt`, `record`, `disclosure`, `credential`, `tlog-proof`, `file`, or `foreign`: ours, but
    nothing that is checked here (a trust file).

    Lenient: this only chooses who judges the bytes.
    """
    if data.startswith(TLOG_PROOF.encode()):
        return "tlog-proof"
    if _JWT.fullmatch(data[: MOST_PASTED * 4].decode("latin-1").strip()) or name.lower().endswith(".vc.jwt"):
        return "credential"
    try:
        value = None if nests_deeper(data, _DEEPEST) else json.loads(data.decode("utf-8-sig"))
    except ValueError:
        value = None
    if isinstance(value, dict):
        if value.get("format") == RECEIPT:
            return "receipt"
        if value.get("format") == DISCLOSURE:
            return "disclosure"
        if str(value.get("format")).startswith(_OURS):
            return "foreign"
        if isinstance(value.get("schema"), str) and isinstance(value.get("kind"), str) and "issuer" in value:
            return "record"
    kinds = ("receipt", "disclosure", "record")
    return next((kind for kind in kinds if name.lower().endswith(f".{kind}.json")), "file")


def _is_bundle(file: BinaryIO) -> bool:
    """Whether it begins as our ZIPs do and is an evidence bundle; the stream is at its beginning again."""
    found = file.read(_LOOK)
    file.seek(0)
    return found.startswith(b"PK\x03\x04") and any(found[30:].startswith(each) for each in _BUNDLE_BEGINS)


def digest(file: BinaryIO) -> FileDigests:
    """Size and both digests of a file, read once."""
    sha256, sm3, size = hashlib.sha256(), hashlib.new("sm3"), 0
    while piece := file.read(_PIECE):
        sha256.update(piece)
        sm3.update(piece)
        size += len(piece)
    return FileDigests(size, sha256.digest(), sm3.digest())


class PartUnreadable(UnreadableError):
    """One of the parts doesn't parse strictly: the reader's own error, and which part it was about."""

    def __init__(self, part: str, error: UnreadableError) -> None:
        super().__init__(error.code, **error.params)
        self.part = part


def present(submission: Submission, log: LogReader | None = None) -> Presented:
    """The parts, parsed; PartUnreadable where one doesn't parse strictly.

    A disclosure brings its receipt; a receipt given beside it is used instead. A QR code's checkpoint comes from `log`.
    """
    if submission.qr is not None:
        from notary.qr_receipt import read_qr, receipt_of  # CBOR isn't loaded for a receipt's sake

        try:
            proof = read_qr(submission.qr)
        except UnreadableError as error:
            if error.code == "qr.foreign":  # nothing is damaged
                raise
            raise PartUnreadable("qr", error) from error
        found = receipt_of(proof, log)
        return Presented(found, disclosure=proof.disclosure(found), file=submission.file)
    disclosure = _parsed("disclosure", submission.disclosure, parse_disclosure)
    receipt = _parsed("receipt", submission.receipt, parse_receipt)
    if receipt is None and disclosure is not None:
        receipt = disclosure.receipt
    if receipt is None:
        raise InputError("request.receipt_missing")
    if submission.record is not None and disclosure is not None:
        raise InputError("request.two_of_one", kind="record, disclosure")
    record = _parsed("record", submission.record, parse_record)
    return Presented(receipt, record=record, disclosure=disclosure, file=submission.file)


def _parsed(part: str, data: bytes | None, read: Callable[[bytes], T]) -> T | None:
    try:
        return None if data is None else read(data)
    except UnreadableError as error:
        raise PartUnreadable(part, error) from error


def _document(value: Mapping[str, Any], name: str) -> bytes | None:
    found = value.get(name)
    if found is None:
        return None
    if isinstance(found, str):
        if name == "receipt" and found.startswith(TLOG_PROOF):
            return _of_tlog_proof(found.encode("utf-8"))
        return found.encode("utf-8")
    if isinstance(found, dict):
        return canonicalise(found)
    raise InputError("request.member", name=name, expected='"…" | {…}')


def _bytes(found: str | None) -> bytes | None:
    return None if found is None else found.encode()


def _bundle(value: Mapping[str, Any]) -> bytes | None:
    found = value.get("bundle")
    if found is None:
        return None
    data = from_b64(found)
    if data is None:
        raise InputError("request.member", name="bundle", expected="base64")
    return data


def _text(value: Mapping[str, Any], name: str, most: int) -> str | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or len(found) > most:
        raise InputError("request.member", name=name, expected=f'"…" (1–{most})')
    return found.strip() or None


def _digests(value: Any) -> FileDigests:
    if not isinstance(value, dict) or value.keys() != {"size", "sha256", "sm3"}:
        raise InputError("request.member", name="file", expected='{"size", "sha256", "sm3"}')
    size = value["size"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InputError("request.member", name="file.size", expected="0, 1, 2, …")
    for name in ("sha256", "sm3"):
        if not isinstance(value[name], str) or not HEX.fullmatch(value[name]):
            raise InputError("request.member", name=f"file.{name}", expected="64 × [0-9a-f]")
    return FileDigests(size, bytes.fromhex(value["sha256"]), bytes.fromhex(value["sm3"]))
