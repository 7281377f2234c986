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
from notary.exports.archive import (
    MANIFEST,
    REQUIRED,
    Fixity,
    Package,
    ReadItem,
    archival_code,
    describe,
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
    """All checks in the order of the four properties, over one reading of the items. `trust` None: signatures of logs
    can't be judged."""
    return tuple(_all(package, _Items(package, trust, now)))


class _Items:
    """What reading the items one after another found: by check, the items or members that failed."""

    def __init__(self, package: Package, trust: TrustFile | None, now: Millis) -> None:
        self.wrong: dict[str, list[str]] = {}
        self.unsigned: list[str] = []
        """Items whose log's signature nobody could judge."""
        self.known, self.unknown = 0, list[str]()
        self.judged = trust is not None
        numbers = []
        for item in package.items():
            numbers.append(item.number)
            for code, holds in _OF_ITEMS.items():
                self._note(code, _name(item), right=holds(package, item))
            if trust is not None:
                self._signature(item, trust, now)
            if item.content is not None:
                self._content(f"{_name(item)}/{item.content[0]}", item.content[1])
        if numbers != list(range(1, len(numbers) + 1)):
            self.wrong["numbers"] = [str(numbers[0])]

    def _note(self, code: str, name: str, *, right: bool) -> None:
        if not right:
            self.wrong.setdefault(code, []).append(name)

    def _signature(self, item: ReadItem, trust: TrustFile, now: Millis) -> None:
        """Checks 4 and 5 of a receipt."""
        outcomes = {check.outcome for check in check_receipt(item.receipt, trust, now)}
        self._note("log_signature", _name(item), right=Outcome.FAIL not in outcomes)
        if Outcome.FAIL not in outcomes and outcomes != {Outcome.PASS}:
            self.unsigned.append(_name(item))

    def _content(self, name: str, found: Fixity) -> None:
        marks = _MAGIC.get(name.rpartition(".")[2])
        if marks is None:
            self.unknown.append(name)
        else:
            self.known += 1
            self._note("format", name, right=found.head.startswith(marks))
        self._note("programs", name, right=not found.head.startswith(_PROGRAMS))


_OF_ITEMS: dict[str, Callable[[Package, ReadItem], bool]] = {
    "commitment": lambda _, item: recompute(item.disclosure) == item.receipt.entry.sha256,
    "same_entry": lambda _, item: item.disclosure.receipt.entry == item.receipt.entry,
    "inclusion": lambda _, item: item.receipt.inclusion is None or inclusion_error(item.receipt) is None,
    "metadata_true": lambda package, item: _described(package, item) == dict(item.metadata),
    "codes": lambda package, item: item.metadata.get("archival_code") == _code(package, item),
    "required": lambda _, item: all(item.metadata.get(name) not in (None, "") for name in REQUIRED),
    "content": lambda _, item: _has_content(item),
}


def _all(package: Package, items: _Items) -> Iterator[Finding]:
    a, i, u, s = Property.AUTHENTICITY, Property.INTEGRITY, Property.USABILITY, Property.SECURITY
    count, contents = package.count, items.known + len(items.unknown)

    def each(kind: Property, code: str, checked: int = count) -> Finding:
        return _of(kind, code, checked, items.wrong.get(code, []))

    yield each(a, "commitment")
    yield each(a, "same_entry")
    yield each(a, "inclusion")
    if items.judged and ("log_signature" in items.wrong or not items.unsigned):
        yield each(a, "log_signature")
    else:  # without a trust file nobody knows whose keys they are
        checked = count if items.judged else 0
        yield Finding(a, "log_signature", NOT_CHECKED, checked, tuple(items.unsigned))
    yield each(a, "metadata_true")
    yield _fixity(package)
    yield each(a, "codes")

    yield _of(i, "count", 1, [] if count == package.claimed_items else [str(package.claimed_items)])
    total = sum(held.size for name, held in package.held.items() if name != MANIFEST)
    yield _of(i, "bytes", 1, [] if total == package.claimed_bytes else [str(package.claimed_bytes)])
    yield each(i, "required")
    yield each(i, "numbers")
    yield each(i, "content")

    yield _of(u, "readable", 2 * count + 2, [])  # it was read: what isn't readable never comes here
    yield each(u, "format", items.known)
    if items.unknown:
        yield Finding(u, "format_unknown", NOT_CHECKED, 0, tuple(items.unknown))
    yield Finding(u, "opens", NOT_CHECKED if contents else Outcome.SKIPPED, 0)
    yield _of(u, "unpacked", len(package.held), [])  # the ZIP is read only if nothing in it is packed or encrypted

    extra = sorted(package.held.keys() - package.claimed.keys() - {MANIFEST})
    yield _of(s, "extra", len(package.held), extra)
    yield each(s, "programs", contents)
    yield Finding(s, "virus", NOT_CHECKED, 0)


def _of(kind: Property, code: str, checked: int, wrong: list[str]) -> Finding:
    return Finding(kind, code, Outcome.FAIL if wrong else Outcome.PASS, checked, tuple(wrong))


def _fixity(package: Package) -> Finding:
    wrong = []
    for name, claimed in package.claimed.items():
        held = package.held.get(name)
        if held is None or {"name": name, **held.to_value()} != dict(claimed):
            wrong.append(name[:80])
    return _of(Property.AUTHENTICITY, "fixity", len(package.claimed), wrong)


def _code(package: Package, item: ReadItem) -> str:
    """档号: well formed, in order, none twice."""
    return archival_code(package.fonds, package.year, package.retention, item.number)


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
    found = item.content[1]
    return (document.get("size"), document.get("sha256"), document.get("sm3")) == (found.size, found.sha256, found.sm3)


def _name(item: ReadItem) -> str:
    return f"{item.number:05d}"
