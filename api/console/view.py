"""Reports and statuses as a page shows them: words, tones, what to do. Pure; the templates only place them.

The words of verdicts and checks are notary.report_text's, the same as on the command line. Over 300 lines: one function
for each thing that a page shows, and no second use of any.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from api.console.questions import WARNING, QuestionView, issuer_name, moment, questions, with_names
from api.errors import message
from ledger.errors import ChuzhengError
from ledger.statuses import Decision
from ledger.texts import Language, text
from notary.export_reports import credential_check_text, credential_title, credential_verdict, event_message
from notary.report import EXIT_CODES, Check, CheckName, Outcome, Report, Verdict
from notary.report_text import (
    check_message,
    check_title,
    circumstances,
    open_beside_erasure,
    outcome_word,
    verdict_texts,
)

if TYPE_CHECKING:
    from api.parts import Parts
    from api.statuses.lookup import Standing
    from api.verifications.exports import JudgedBundle, JudgedCredential
    from notary.evidence import Presented

TONES = {Outcome.PASS: "good", Outcome.FAIL: "bad", Outcome.UNKNOWN: "wait", Outcome.SKIPPED: "skip"}
GOOD = frozenset({Verdict.VALID})
WAITING = frozenset({Verdict.CANNOT_CHECK, Verdict.PENDING})
Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """For every verdict but `valid`: why, what to do, whom to ask."""

    cause: str
    next_step: str
    contact: str


@dataclass(frozen=True, slots=True)
class CheckView:
    title: str
    code: str
    outcome: str
    tone: str
    message: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything that report.html shows. `shown`: what the visitor brought, to compare with the paper in hand."""

    tone: str
    word: str
    sentence: str
    advice: Advice | None
    code: str
    shown: Rows
    shown_title: str
    registered: Rows
    questions: tuple[QuestionView, ...]
    summary: str
    checks: tuple[CheckView, ...]
    circumstances: tuple[str, ...]
    copy_checks: tuple[CheckView, ...] = ()
    """Of a W3C credential: its signature and the status lists."""
    kind: str = "report"


@dataclass(frozen=True, slots=True)
class DecisionView:
    word: str
    effective: str
    recorded: str
    note: str


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything that status.html shows."""

    tone: str
    word: str
    sentence: str
    advice: Advice | None
    subject: Rows
    decisions: tuple[DecisionView, ...]
    note: str
    code: str
    kind: str = "status"


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of a bundle: what it is, the registered name that it shows (or nothing), and what came of it.
    `code`: empty where it is simply valid."""

    title: str
    subject: str
    tone: str
    word: str
    lines: tuple[str, ...]
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class BundleView:
    """Everything that bundle.html shows; `facts`: what tells this file from others."""

    tone: str
    word: str
    sentence: str
    parts: tuple[PartView, ...]
    events: tuple[PartView, ...]
    lacking: tuple[str, ...]
    facts: Rows
    kind: str = "bundle"


@dataclass(frozen=True, slots=True)
class ProblemView:
    """What was sent couldn't be checked. `reason`: the technical one, where `sentence` is in plain words."""

    word: str
    sentence: str
    reason: str
    code: str
    tone: str = "warn"
    kind: str = "problem"


def of_problem(error: ChuzhengError, language: Language, part: str | None = None) -> ProblemView:
    """A refusal in words; `part`: which of the visitor's files can't be read."""
    word, said = text("web.result.problem", language), message(error, language)
    if part is None:
        return ProblemView(word, said, "", error.code)
    which = text(f"web.verify.kind.{part}", language)
    return ProblemView(word, text("web.result.part_unreadable", language, which=which), said, error.code)


def of_report(report: Report, presented: Presented, parts: Parts, language: Language) -> ReportView:
    """A report for people; nothing is left out, and nothing reads better than it is."""
    words = verdict_texts(report, language)
    advice = None
    if report.answer is not Verdict.VALID:
        cause = with_names(words.cause, parts, language)
        advice = Advice(cause, words.next_step, _contact(report, parts, language))
    anchored = report.check(CheckName.ANCHORED).outcome is Outcome.PASS
    return ReportView(
        tone="warn" if open_beside_erasure(report) == () else tone_of(report.answer),
        word=words.word,
        sentence=words.sentence,
        advice=advice,
        code=report.code,
        shown=_shown(report, presented, language),
        shown_title=text(f"web.result.{'shown' if anchored else 'shown_only'}", language),
        registered=_registered(report, parts, language),
        questions=questions(report, parts, language),
        summary=_summary(report, language),
        checks=tuple(_check(check, language) for check in report.checks),
        circumstances=tuple(circumstances(report, language)),
    )


def of_credential(judged: JudgedCredential, parts: Parts, language: Language) -> ReportView:
    """The disclosure's report, under the verdict of signature, lists and disclosure together."""
    view = of_report(judged.report, judged.presented, parts, language)
    checks = tuple(
        CheckView(
            title=credential_title(check, language), code=f"vc.{check.name}",
            outcome=outcome_word(check.outcome, language), tone=TONES[check.outcome],
            message=credential_check_text(check, language), details=(),
        )
        for check in judged.checks
    )  # fmt: skip
    view = replace(view, copy_checks=checks)
    if judged.verdict is judged.report.answer:
        return view
    word, sentence, cause, deciding = credential_verdict(judged.report, judged.checks, judged.verdict, language)
    step = text("web.credential.next", language)
    return replace(
        view, tone=tone_of(judged.verdict), word=word, sentence=sentence,
        advice=Advice(cause, step, _contact(judged.report, parts, language)),
        code=f"CZ-{EXIT_CODES[judged.verdict]:02d} vc.{'' if deciding is None else deciding.name}",
    )  # fmt: skip


def of_bundle(judged: JudgedBundle, parts: Parts, language: Language) -> BundleView:
    """The worst part's word on top, then each part's own."""
    verdict, bundle = judged.verdict, judged.bundle
    sound = verdict is Verdict.VALID
    events = tuple(
        PartView(contract, "", TONES[found.outcome], outcome_word(found.outcome, language),
                 (event_message(found, language),), "", name)
        for name, (contract, found) in judged.events.items()
    )  # fmt: skip
    facts = (
        (text("web.bundle.sha256", language), bundle.sha256.hex()),
        (text("web.bundle.network", language), bundle.network),
    )
    return BundleView(
        tone_of(verdict), text(f"verdict.{verdict.value}", language),
        text("bundle.sound" if sound else "bundle.not_all", language),
        tuple(_part(name, judged, parts, language) for name in judged.reports),
        events, tuple(text(f"cli.bundle.lacking.{each}", language) for each in sorted(bundle.lacking)), facts,
    )  # fmt: skip


def _part(name: str, judged: JudgedBundle, parts: Parts, language: Language) -> PartView:
    report, presented = judged.reports[name], judged.presented[name]
    shown = presented.disclosure.shown if presented.disclosure else {}
    entry = presented.receipt.entry
    subject = next((shown[n] for n in ("name", "title") if isinstance(shown.get(n), str)), "")
    title = text(f"web.verify.kind.{'disclosure' if presented.disclosure else 'receipt'}", language)
    about = [issuer_name(entry.issuer, parts, language), f"{presented.receipt.origin} # {presented.receipt.index}"]
    if name not in judged.counts:
        word = text("bundle.by_disclosure", language)
        return PartView(title, subject, "skip", word, tuple(about), "", name)
    words = verdict_texts(report, language)
    valid = report.answer is Verdict.VALID
    said = [] if valid else [with_names(each, parts, language) for each in (words.cause, words.next_step) if each]
    return PartView(
        title, subject, tone_of(report.answer), words.word, (*said, *about), "" if valid else report.code, name
    )


def tone_of(verdict: Verdict) -> str:
    """`good`, `wait`, `warn` or `bad`: colour and sign, never the only carrier of the meaning."""
    if verdict in GOOD:
        return "good"
    if verdict in WAITING:
        return "wait"
    return "warn" if verdict in WARNING else "bad"


def _summary(report: Report, language: Language) -> str:
    """How many of the twelve passed, failed, couldn't be checked, don't apply."""
    counts = Counter(check.outcome for check in report.checks)
    said = [f"{outcome_word(outcome, language)} {counts[outcome]}" for outcome in Outcome if counts[outcome]]
    return ("，" if language == "zh" else ", ").join(said)


def _check(check: Check, language: Language) -> CheckView:
    details = []
    for name, value in (("observed", check.observed), ("expected", check.expected)):
        if value is not None and check.outcome is not Outcome.PASS:
            details.append(text(f"web.result.{name}", language, value=value))
    return CheckView(
        title=check_title(check.name, language),
        code=check.name.value,
        outcome=outcome_word(check.outcome, language),
        tone=TONES[check.outcome],
        message=check_message(check, language),
        details=tuple(details),
    )


def _registered(report: Report, parts: Parts, language: Language) -> Rows:
    found = report.registered
    if found is None:
        return ()
    rows = [
        ("issuer", issuer_name(found.issuer, parts, language)),
        ("accepted", moment(found.accepted_at / 1000)),
        ("place", f"{found.origin} # {found.index}"),
    ]
    return tuple((text(f"web.subject.{name}", language), value) for name, value in rows)


def _shown(report: Report, presented: Presented, language: Language) -> Rows:
    """Members of the record or disclosure; only where they are the registered ones. A few of a QR code's are that, too,
    where check 2 lacks nothing but others (`not_shown`)."""
    content = report.check(CheckName.CONTENT)
    if content.outcome is not Outcome.PASS and content.case != "not_shown":
        return ()
    record = presented.record or (presented.disclosure.shown if presented.disclosure else {})
    rows = [(name, record[name]) for name in ("name", "title", "number") if isinstance(record.get(name), str)]
    if isinstance(holders := record.get("holders"), list):
        names = [h["name"] for h in holders if isinstance(h, dict) and isinstance(h.get("name"), str)]
        rows.append(("holders", "、".join(names) if language == "zh" else ", ".join(names)))
    if isinstance(record.get("issue_date"), str):
        rows.append(("issue_date", record["issue_date"]))
    if isinstance(record.get("valid_from"), str):
        end = record.get("valid_to") or text("web.subject.no_end", language)
        rows.append(("period", f"{record['valid_from']} – {end}"))
    if isinstance(record.get("identifier"), str):
        rows.append(("identifier", record["identifier"]))
    if isinstance(document := record.get("document"), dict) and isinstance(document.get("size"), int):
        rows.append(("file", f"{document.get('media_type', '')}, {document['size']:,} {text('web.bytes', language)}"))
    return tuple((text(f"web.subject.{name}", language), value) for name, value in rows)


def _contact(report: Report, parts: Parts, language: Language) -> str:
    issuer = report.registered.issuer if report.registered else None
    name = parts.directory.get(issuer) if issuer else None
    if name and name.contact:
        return f"{name.of(language)}{'：' if language == 'zh' else ': '}{name.contact}"
    if report.contact:
        return report.contact
    if issuer is None:
        return parts.settings.contact_zh if language == "zh" else parts.settings.contact_en
    return text("web.contact.window", language, issuer=name.of(language) if name else issuer)


def of_standing(report: Report, standing: Standing | None, parts: Parts, language: Language) -> StatusView:
    """The status answer to an identifier: the word that checks 8, 10 and 11 give, and the history of decisions."""
    words = verdict_texts(report, language)
    if standing is None:
        return _nothing_found(report, parts, language)
    anchored = moment(standing.anchor.block_time) if standing.anchor else text("web.status.waiting", language)
    subject = (
        (text("web.status.issuer", language), issuer_name(standing.issuer, parts, language)),
        (text("web.status.anchored_at", language), anchored),
    )
    advice = None
    if report.answer is not Verdict.VALID:
        cause = with_names(words.cause, parts, language)
        advice = Advice(cause, words.next_step, _contact(report, parts, language))
    views = tuple(_decision(d, language) for d in standing.decisions or ())
    word = text("web.status.in_force", language) if report.answer is Verdict.VALID else words.word
    note = text("web.status.note", language)
    return StatusView(tone_of(report.answer), word, words.sentence, advice, subject, views, note, report.code)


def _nothing_found(report: Report, parts: Parts, language: Language) -> StatusView:
    """The one answer to unknown and unproved; a slip of the pen is told, since the text alone shows it."""
    slip = report.check(CheckName.IDENTIFIER).outcome is Outcome.FAIL
    cause = text("web.status.none.malformed" if slip else "web.status.none.cause", language)
    step = text("web.status.none.slip" if slip else "web.status.none.next", language)
    contact = parts.settings.contact_zh if language == "zh" else parts.settings.contact_en
    sentence = text("web.status.none.text", language)
    advice = Advice(cause, step, contact)
    return StatusView("wait", text("web.status.none", language), sentence, advice, (), (), "", report.code)


def _decision(decision: Decision, language: Language) -> DecisionView:
    notes = []
    if decision.until is not None:
        notes.append(f"{text('web.status.until', language)} {moment(decision.until)}")
    if decision.annulled_at is not None:
        notes.append(text("web.status.annulled", language))
    return DecisionView(
        text(f"web.status.code.{int(decision.code)}", language),
        moment(decision.effective_from),
        moment(decision.recorded_at),
        " · ".join(notes),
    )
