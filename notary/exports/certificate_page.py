"""存证证明: what one page says to a court, a discipline inspection or an audit about one registered record.

Pure: words and rows, no drawing (notary.certificate_pdf). Everything follows from the report of a verification; what it
couldn't check stays *not checked*. No member of the record is on the page unless the operator asks for it by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger.errors import InputError
from ledger.texts import Language, text
from ledger.types import Digest
from notary.canonical import canonicalise
from notary.checks.case import moment
from notary.receipt import QbftEvidence, Receipt
from notary.report import CheckName, Outcome, Report
from notary.report_text import check_message, check_title, outcome_word, verdict_texts

TAG = b"chuzheng/certificate/v1\x00"
MOST_SHOWN = 6
MOST_LETTERS = 300
"""Members on one page, and letters of each."""


@dataclass(frozen=True, slots=True)
class Row:
    """A label and what stands beside it; `code`: figures to be compared letter by letter."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One of the twelve: its title, its outcome in a word, what was found."""

    number: int
    title: str
    outcome: Outcome
    word: str
    message: str


@dataclass(frozen=True, slots=True)
class Part:
    """A headed block of rows."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page. `number` follows from all that it says; `at` milliseconds; `code`: text of the QR code;
    `spelled`: said where the font lacks a letter."""

    language: Language
    title: str
    number: str
    under_title: str
    at: int
    banner: str | None
    verdict: str
    sentence: str
    left: tuple[Part, ...]
    checks_heading: str
    checks: tuple[CheckRow, ...]
    notes: tuple[Part, ...]
    steps_heading: str
    steps: tuple[str, ...]
    code_label: str
    seal: str
    spelled: str
    foot: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the report doesn't hold: who gives the page out (None: nobody said) and what lies beside it. `names`: the
    issuer's, for people; `shown`: members that the operator asked for, by name."""

    operator: str | None
    version: str
    issuer_name: str | None = None
    bundle: Digest | None = None
    shown: Mapping[str, Any] | None = None


def page_of(report: Report, receipt: Receipt, about: Circumstances, language: Language) -> Page:
    """The page. InputError for what isn't anchored yet, or for more members than a page holds."""
    if receipt.anchor is None or receipt.inclusion is None or receipt.head is None or report.registered is None:
        raise InputError("certificate.early")

    def word(key: str, /, **params: Any) -> str:
        return text(f"certificate.{key}", language, **params)

    verdict = verdict_texts(report, language)
    parts = (_subject(receipt, about, word), _chain(report, receipt, word))
    checks = tuple(_check(report, name, language) for name in CheckName)
    notes = (_not_checked(report, language, word), _platform(receipt, about, word))
    said: dict[str, Any] = {
        "at": report.at, "now": report.now, "verdict": report.answer.value, "operator": about.operator,
        "version": about.version, "bundle": None if about.bundle is None else about.bundle.hex(),
        "rows": [[row.label, row.value] for part in (*parts, *notes) for row in part.rows],
        "checks": [[check.number, check.outcome.value, check.message] for check in checks],
    }  # fmt: skip
    number = sha256(TAG + canonicalise(said)).hexdigest()[:16].upper()
    bundle = word("step.no_bundle") if about.bundle is None else word("step.bundle", sha256=about.bundle.hex())
    return Page(
        language, word("title"), number, word("under_title", number=number, time=moment(report.now)), report.now,
        text("report.test_chain", language) if report.test_chain else None,
        verdict.word, verdict.sentence, parts, word("checks"), checks, notes, word("steps"),
        (word("step.trust"), bundle, word("step.verify"), word("step.by_hand")),
        word("code"), word("seal"), word("spelled"),
        word("foot", number=number),
    )  # fmt: skip


def _subject(receipt: Receipt, about: Circumstances, word: Any) -> Part:
    entry = receipt.entry
    issuer = entry.issuer if not about.issuer_name else f"{about.issuer_name}（{entry.issuer}）"
    rows = [
        Row(word("kind"), word(f"kind.{entry.kind.word}")),
        Row(word("issuer"), issuer),
        *_shown(about.shown or {}, word),
        Row(word("digest", name="SHA-256"), entry.sha256.hex(), code=True),
        Row(word("digest", name="SM3"), entry.sm3.hex(), code=True),
        Row(word("digest.of"), word("digest.of.text")),
    ]
    return Part(word("subject"), tuple(rows))


def _shown(members: Mapping[str, Any], word: Any) -> Iterable[Row]:
    """What a person would call them; a member that has no such name keeps its own."""
    if len(members) > MOST_SHOWN:
        raise InputError("certificate.shown", found=len(members), limit=MOST_SHOWN)
    for name, value in members.items():
        told = _plain(value, word)
        if len(told) > MOST_LETTERS:
            raise InputError("certificate.letters", member=name, limit=MOST_LETTERS)
        yield Row(_called(name, word), told)


_NAMES = "name number title holders issuer_name issue_date valid_from valid_to identifier type document version"
NAMED = frozenset([*_NAMES.split(), "code", "code_type", "share", "size", "media_type"])
"""Members that the page calls by a word of its own (`certificate.member.*`)."""


def _called(name: str, word: Any) -> str:
    return str(word(f"member.{name}")) if name in NAMED else name


def _plain(value: Any, word: Any) -> str:
    """A member's value as people read it: lists and objects on one line, nothing left out."""
    match value:
        case str():
            return value
        case dict():
            return "; ".join(f"{_called(name, word)}: {_plain(member, word)}" for name, member in value.items())
        case list():
            return " / ".join(_plain(each, word) for each in value)
        case None:
            return "-"
        case _:
            return canonicalise(value).decode()


def _chain(report: Report, receipt: Receipt, word: Any) -> Part:
    anchor, head = receipt.anchor, receipt.head
    if anchor is None or head is None:
        raise InputError("certificate.early")
    evidence = "qbft" if isinstance(receipt.evidence, QbftEvidence) else "none"
    rows = [
        Row(word("network"), word("network.of", network=report.network or "-", chain=anchor.chain_id)),
        Row(word("genesis"), anchor.genesis_hash, code=True),
        Row(word("contract"), anchor.contract, code=True),
        Row(word("block"), word("block.of", number=anchor.block_number, time=moment(anchor.block_time * 1000))),
        Row(word("block_hash"), anchor.block_hash, code=True),
        Row(word("log"), receipt.origin, code=True),
        Row(word("position"), word("position.of", index=receipt.index, size=head.size)),
        Row(word("root"), head.root.hex(), code=True),
        Row(word("accepted"), moment(receipt.entry.accepted_at)),
        Row(word("evidence"), word(f"evidence.{evidence}")),
    ]
    return Part(word("chain"), tuple(rows))


def _check(report: Report, name: CheckName, language: Language) -> CheckRow:
    check = report.check(name)
    return CheckRow(
        name.number, check_title(name, language), check.outcome, outcome_word(check.outcome, language),
        check_message(check, language),
    )  # fmt: skip


def _not_checked(report: Report, language: Language, word: Any) -> Part:
    level = "none" if report.level is None else report.level.value
    unknown = [c for c in report.checks if c.outcome is Outcome.UNKNOWN]
    listed = "、" if language == "zh" else ", "
    told = listed.join(f"{c.name.number} {check_title(c.name, language)}" for c in unknown)
    rows = (
        Row(word("before.how"), word(f"before.{level}")),
        Row(word("before.not"), word("before.not.text")),
        Row(word("before.unknown"), told or word("before.unknown.none")),
    )
    return Part(word("before"), rows)


def _platform(receipt: Receipt, about: Circumstances, word: Any) -> Part:
    evidence = "qbft" if isinstance(receipt.evidence, QbftEvidence) else "none"
    rows = (
        Row(word("platform"), word("platform.of", version=about.version)),
        Row(word("operator"), about.operator or word("operator.unset")),
        Row(word("algorithms.used"), word(f"algorithms.{evidence}")),
    )
    return Part(word("algorithms"), rows)
