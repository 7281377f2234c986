"""Checks 2 and 3: is what was shown what was registered, and is its identifier well formed?

Pure. A member that a check needs and isn't shown makes it `unknown`, never `skipped`.
"""

from __future__ import annotations

from ledger.codes.certificate_ids import check_identifier, parse_identifier
from ledger.errors import ChuzhengError
from ledger.types import Kind
from notary.checks.case import HIDDEN, MISSING, Case, NotThere
from notary.commitment import commit
from notary.disclosure import ALWAYS_SHOWN, recompute
from notary.evidence import ErasedBy, FileDigests
from notary.report import Check, CheckName, Outcome

AS_RECEIVED = "as_received"
ERASED = "erased"
_CONTENT = CheckName.CONTENT
_IDENTIFIER = CheckName.IDENTIFIER


def check_content(case: Case) -> Check:
    """Check 2: record (both digests) or disclosure (SHA-256) gives the entry's commitment; issuer, kind, file fit."""
    presented = case.presented
    if presented.record is not None:
        found = _record(case)
    elif presented.disclosure is not None:
        found = _disclosure(case)
    else:
        return _erased(case) or Check(_CONTENT, Outcome.UNKNOWN, "nothing_shown", source="presented")
    if found.outcome is not Outcome.PASS:
        return found
    entry = case.receipt.entry
    for name, expected in (("kind", entry.kind.word), ("issuer", entry.issuer)):
        value = case.member(name)
        if value is HIDDEN:
            return _not_shown(name)
        if value != expected:
            return Check(
                _CONTENT, Outcome.FAIL, "member_differs", {"member": name}, expected=expected, source="receipt"
            )
    return found if presented.file is None else _file(case, presented.file)


def _record(case: Case) -> Check:
    salt = case.receipt.salt or case.presented.salt
    if salt is None:
        return _erased(case) or Check(_CONTENT, Outcome.UNKNOWN, "no_salt", source="presented")
    entry = case.receipt.entry
    try:
        found = commit(case.presented.record or {}, salt, case.presented.canonical)
    except ChuzhengError:  # no record that could ever have been committed
        return Check(_CONTENT, Outcome.FAIL, "record_differs", expected=entry.sha256.hex(), source="receipt")
    if (found.sha256, found.sm3) == (entry.sha256, entry.sm3):
        return Check(_CONTENT, Outcome.PASS, "record", source="receipt")
    return Check(
        _CONTENT, Outcome.FAIL, "record_differs",
        observed=f"{found.sha256.hex()} {found.sm3.hex()}", expected=f"{entry.sha256.hex()} {entry.sm3.hex()}",
        source="receipt",
    )  # fmt: skip


def _erased(case: Case) -> Check | None:
    """Nothing is left to compare: the content was erased by order (formats.md §7)."""
    found = case.evidence.erased
    if not isinstance(found, ErasedBy):
        return None
    return Check(_CONTENT, Outcome.UNKNOWN, ERASED, {"order": found.order}, source="log")


def _disclosure(case: Case) -> Check:
    disclosure, entry = case.presented.disclosure, case.receipt.entry
    found = recompute(disclosure) if disclosure is not None else None
    if disclosure is not None and found == entry.sha256:
        # Whoever read it held it to the kind of its own receipt, which needn't be the one that is judged.
        if entry.kind == Kind.CERTIFICATE and (hidden := set(ALWAYS_SHOWN) - disclosure.shown.keys()):
            return _not_shown(min(hidden))
        params = {"shown": len(disclosure.members), "count": disclosure.count}
        return Check(_CONTENT, Outcome.PASS, "disclosure", params, source="receipt")
    observed = None if found is None else found.hex()
    return Check(
        _CONTENT, Outcome.FAIL, "disclosure_differs", observed=observed, expected=entry.sha256.hex(), source="receipt"
    )


def _file(case: Case, file: FileDigests) -> Check:
    document = case.member("document")
    if document is HIDDEN:
        return _not_shown("document")
    if document is MISSING:
        return Check(_CONTENT, Outcome.FAIL, "no_document", source="presented")
    registered = document if isinstance(document, dict) else {}
    found = {"size": file.size, "sha256": file.sha256.hex(), "sm3": file.sm3.hex()}
    # Types too: JSON's true isn't the size 1.
    if all(type(registered.get(name)) is type(value) and registered[name] == value for name, value in found.items()):
        return Check(_CONTENT, Outcome.PASS, "file", source="presented")
    return Check(
        _CONTENT, Outcome.FAIL, "file_differs",
        observed=_words(found), expected=_words({name: registered.get(name) for name in found}), source="presented",
    )  # fmt: skip


def _words(members: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in members.items())


def _not_shown(name: str) -> Check:
    return Check(_CONTENT, Outcome.UNKNOWN, "not_shown", {"member": name}, source="presented")


def check_record_identifier(case: Case) -> Check:
    """Check 3 for a record: as issued it must be well formed and fit `type` and `version`; as received: skipped."""
    identifier, form = case.member("identifier"), case.member("identifier_form")
    if identifier is MISSING or (identifier is HIDDEN and case.kind != Kind.CERTIFICATE):
        return Check(_IDENTIFIER, Outcome.SKIPPED, "none", source="presented")
    if identifier is HIDDEN or form is HIDDEN:
        name = "identifier" if identifier is HIDDEN else "identifier_form"
        return Check(_IDENTIFIER, Outcome.UNKNOWN, "not_shown", {"member": name}, source="presented")
    if form == AS_RECEIVED:
        return Check(_IDENTIFIER, Outcome.SKIPPED, AS_RECEIVED, source="presented")
    found = check_identifier_text(identifier)
    if found.outcome is not Outcome.PASS:
        return found
    parts = parse_identifier(str(identifier))
    for name, expected in (("type", parts.type), ("version", parts.version_number)):
        value = case.member(name)
        if not isinstance(value, NotThere) and (value != expected or isinstance(value, bool)):
            return Check(
                _IDENTIFIER, Outcome.FAIL, "segment_differs", {"member": name},
                observed=str(value)[:64], expected=str(expected), source="presented",
            )  # fmt: skip
    return found


def check_identifier_text(identifier: object) -> Check:
    """Check 3 for the text alone: segment by segment, check character right."""
    if not isinstance(identifier, str):
        return Check(_IDENTIFIER, Outcome.FAIL, "malformed", {"reasons": "text"}, source="presented")
    reasons = check_identifier(identifier)
    if reasons:
        return Check(_IDENTIFIER, Outcome.FAIL, "malformed", {"reasons": ", ".join(reasons)}, source="presented")
    return Check(_IDENTIFIER, Outcome.PASS, "well_formed", source="presented")
