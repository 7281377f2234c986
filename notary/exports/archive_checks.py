"""The four properties of an archive package: 真实性, 完整性, 可用性, 安全性 (DA/T 70-2018, the archiving stage).

Pure. Each line names its property, what was checked, what came of it, and the standard with the check's name there.
What nobody could check here (viruses; whether a program opens a format) is *not checked*: never a pass, never a fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ledger.types import Millis
from notary.disclosure import recompute
from notary.evidence import FileDigests
from notary.exports.archive import (
    MANIFEST,
    REQUIRED,
    Package,
    ReadItem,
    archival_code,
    describe,
    fixity,
)
from notary.receipt import inclusion_error
from notary.report import Outcome
from notary.trust_file import TrustFile
from notary.verify import check_receipt


class Property(StrEnum):
    AUTHENTICITY = "authenticity"
    INTEGRITY = "integrity"
    USABILITY = "usability"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `code` chooses its words (`archive.check.<code>`) and names the check in the standard
    (`archive.standard.<code>`); `wrong`: members or items that failed or couldn't be checked."""

    property: Property
    code: str
    outcome: Outcome
    checked: int
    wrong: tuple[str, ...] = ()


_MAGIC: dict[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "ofd": (b"PK\x03\x04",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "tif": (b"II*\x00", b"MM\x00*"),
    "tiff": (b"II*\x00", b"MM\x00*"),
    "xml": (b"<", b"\xef\xbb\xbf<"),
    "json": (b"{", b"["),
}
"""Formats for keeping long (GB/T 18894-2016; DA/T 47), by how their files begin."""
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
NOT_CHECKED = Outcome.UNKNOWN


def check_package(package: Package, trust: TrustFile | None, now: Millis) -> tuple[Finding, ...]:
    """All checks in the order of the four properties. `trust` None: signatures of logs can't be judged."""
    return tuple(_all(package, trust, now))


def _all(package: Package, trust: TrustFile | None, now: Millis) -> Iterator[Finding]:
    a, i, u, s = Property.AUTHENTICITY, Property.INTEGRITY, Property.USABILITY, Property.SECURITY
    yield _each(a, "commitment", package, lambda item: recompute(item.disclosure) == item.receipt.entry.sha256)
    yield _each(a, "same_entry", package, lambda item: item.disclosure.receipt.entry == item.receipt.entry)
    included = [item for item in package.items if item.receipt.inclusion is not None]
    yield _of(
        a, "inclusion", len(package.items), [_name(x) for x in included if inclusion_error(x.receipt) is not None]
    )
    yield _signatures(package, trust, now)
    yield _each(a, "metadata_true", package, lambda item: _described(package, item) == dict(item.metadata))
    yield _fixity(package)
    yield _codes(package)

    count = len(package.items)
    yield _of(i, "count", 1, [] if count == package.claimed_items else [str(package.claimed_items)])
    total = sum(len(body) for name, body in package.held.items() if name != MANIFEST)
    yield _of(i, "bytes", 1, [] if total == package.claimed_bytes else [str(package.claimed_bytes)])
    yield _each(i, "required", package, lambda item: all(item.metadata.get(n) not in (None, "") for n in REQUIRED))
    numbers = [item.number for item in package.items]
    yield _of(i, "numbers", count, [] if numbers == list(range(1, count + 1)) else [str(numbers[0])])
    yield _each(i, "content", package, _has_content)

    yield _of(u, "readable", 2 * count + 2, [])  # it was read: what isn't readable never comes here
    contents = [(item, *item.content) for item in package.items if item.content is not None]
    odd = [f"{_name(x)}/{n}" for x, n, body in contents if not _begins(n, body)]
    known = [n for _, n, _ in contents if n.rpartition(".")[2] in _MAGIC]
    unknown = [f"{_name(x)}/{n}" for x, n, _ in contents if n.rpartition(".")[2] not in _MAGIC]
    yield _of(u, "format", len(known), odd)
    if unknown:
        yield Finding(u, "format_unknown", NOT_CHECKED, 0, tuple(unknown))
    yield Finding(u, "opens", NOT_CHECKED if contents else Outcome.SKIPPED, 0)
    yield _of(u, "unpacked", len(package.held), [])  # the ZIP is read only if nothing in it is packed or encrypted

    extra = sorted(package.held.keys() - package.claimed.keys() - {MANIFEST})
    yield _of(s, "extra", len(package.held), extra)
    yield _of(
        s, "programs", len(contents), [f"{_name(x)}/{n}" for x, n, body in contents if body.startswith(_PROGRAMS)]
    )
    yield Finding(s, "virus", NOT_CHECKED, 0)


def _each(kind: Property, code: str, package: Package, holds: Callable[[ReadItem], bool]) -> Finding:
    return _of(kind, code, len(package.items), [_name(item) for item in package.items if not holds(item)])


def _of(kind: Property, code: str, checked: int, wrong: list[str]) -> Finding:
    return Finding(kind, code, Outcome.FAIL if wrong else Outcome.PASS, checked, tuple(wrong))


def _signatures(package: Package, trust: TrustFile | None, now: Millis) -> Finding:
    """Checks 4 and 5 of every receipt; without a trust file nobody knows whose keys they are."""
    if trust is None:
        return Finding(Property.AUTHENTICITY, "log_signature", NOT_CHECKED, 0)
    wrong, unknown = [], []
    for item in package.items:
        outcomes = {check.outcome for check in check_receipt(item.receipt, trust, now)}
        if Outcome.FAIL in outcomes:
            wrong.append(_name(item))
        elif outcomes != {Outcome.PASS}:
            unknown.append(_name(item))
    if wrong or not unknown:
        return _of(Property.AUTHENTICITY, "log_signature", len(package.items), wrong)
    return Finding(Property.AUTHENTICITY, "log_signature", NOT_CHECKED, len(package.items), tuple(unknown))


def _fixity(package: Package) -> Finding:
    wrong = []
    for name, claimed in package.claimed.items():
        body = package.held.get(name)
        if body is None or {"name": name, **fixity(body)} != dict(claimed):
            wrong.append(name[:80])
    return _of(Property.AUTHENTICITY, "fixity", len(package.claimed), wrong)


def _codes(package: Package) -> Finding:
    """档号: well formed, in order, none twice."""
    wrong = []
    for item in package.items:
        right = archival_code(package.fonds, package.year, package.retention, item.number)
        if item.metadata.get("archival_code") != right:
            wrong.append(_name(item))
    return _of(Property.AUTHENTICITY, "codes", len(package.items), wrong)


def _described(package: Package, item: ReadItem) -> dict[str, object]:
    f, y, r = package.fonds, package.year, package.retention
    return describe(item.number, item.disclosure, item.receipt, fonds=f, year=y, retention=r)


def _has_content(item: ReadItem) -> bool:
    """A record about a file has the file, and it is that one."""
    document = item.disclosure.shown.get("document")
    if not isinstance(document, dict):
        return item.content is None
    if item.content is None:
        return False
    found = fixity(item.content[1])
    digests = FileDigests(found["size"], bytes.fromhex(found["sha256"]), bytes.fromhex(found["sm3"]))
    named = (document.get("size"), document.get("sha256"), document.get("sm3"))
    return named == (digests.size, digests.sha256.hex(), digests.sm3.hex())


def _begins(name: str, body: bytes) -> bool:
    marks = _MAGIC.get(name.rpartition(".")[2])
    return marks is None or body.startswith(marks)


def _name(item: ReadItem) -> str:
    return f"{item.number:05d}"
