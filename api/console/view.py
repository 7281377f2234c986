"""Reports and statuses as a page shows them: words, tones, the four questions. Pure; the templates only place them.

The words of verdicts and checks are notary.report_text's, the same as on the command line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import message
from ledger.errors import ChuzhengError
from ledger.statuses import Decision
from ledger.texts import Language, text
from notary.report import Check, CheckName, Outcome, Report, Verdict
from notary.report_text import check_message, check_title, circumstances, note_message, outcome_word, verdict_texts

if TYPE_CHECKING:
    from api.parts import Parts
    from api.statuses.lookup import Standing
    from notary.evidence import Presented

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
TONES = {Outcome.PASS: "good", Outcome.FAIL: "bad", Outcome.UNKNOWN: "wait", Outcome.SKIPPED: "skip"}
GOOD = frozenset({Verdict.VALID})
WAITING = frozenset({Verdict.CANNOT_CHECK, Verdict.PENDING})
WARNING = frozenset({Verdict.SUSPENDED, Verdict.EXPIRED, Verdict.NOT_YET_VALID, Verdict.SUPERSEDED})
QUESTIONS: tuple[tuple[str, frozenset[CheckName]], ...] = (
    ("unchanged", frozenset({CheckName.FORMAT, CheckName.CONTENT, CheckName.IDENTIFIER})),
    (
        "registered",
        frozenset({CheckName.INCLUSION, CheckName.ANCHORED, CheckName.FINAL, CheckName.STATUS, CheckName.PERIOD}),
    ),
    ("issuer", frozenset({CheckName.SIGNATURE, CheckName.ISSUER, CheckName.ISSUER_KEY, CheckName.SEAL})),
)


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One of the four questions; `answer` empty for the last, which lists when and against what."""

    title: str
    answer: str
    tone: str
    lines: tuple[str, ...]


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
    """Everything that report.html shows."""

    tone: str
    word: str
    sentence: str
    cause: str
    next_step: str
    contact: str
    code: str
    subject: tuple[tuple[str, str], ...]
    questions: tuple[QuestionView, ...]
    checks: tuple[CheckView, ...]
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
    subject: tuple[tuple[str, str], ...]
    decisions: tuple[DecisionView, ...]
    note: str
    advice: str
    code: str
    kind: str = "status"


@dataclass(frozen=True, slots=True)
class ProblemView:
    """What was sent couldn't be checked."""

    word: str
    sentence: str
    code: str
    tone: str = "warn"
    kind: str = "problem"


def of_problem(error: ChuzhengError, language: Language) -> ProblemView:
    """A refusal in words."""
    return ProblemView(text("web.result.problem", language), message(error, language), error.code)


def of_report(report: Report, presented: Presented, parts: Parts, language: Language) -> ReportView:
    """A report for people; nothing is left out, and nothing reads better than it is."""
    words = verdict_texts(report, language)
    return ReportView(
        tone=tone_of(report.answer),
        word=words.word,
        sentence=words.sentence,
        cause=words.cause,
        next_step=words.next_step,
        contact=_contact(report, parts, language),
        code=report.code,
        subject=_subject(report, presented, parts, language),
        questions=tuple(_questions(report, parts, language)),
        checks=tuple(_check(check, language) for check in report.checks),
    )


def tone_of(verdict: Verdict) -> str:
    """`good`, `wait`, `warn` or `bad`: colour and sign, never the only carrier of the meaning."""
    if verdict in GOOD:
        return "good"
    if verdict in WAITING:
        return "wait"
    return "warn" if verdict in WARNING else "bad"


def answer_of(checks: Sequence[Check], needed: frozenset[CheckName]) -> str:
    """`pass`, `fail`, `unknown` or `other` (nothing decided: skipped) over the checks of one question."""
    outcomes = {
        c.outcome for c in checks if c.outcome is Outcome.FAIL or c.name in needed or c.name is CheckName.FORMAT
    }
    if Outcome.FAIL in outcomes:
        return "fail"
    if Outcome.UNKNOWN in outcomes:
        return "unknown"
    return "other" if Outcome.SKIPPED in outcomes or not outcomes else "pass"


def moment(seconds: float) -> str:
    """An instant as people here write it, with its offset."""
    return dt.datetime.fromtimestamp(seconds, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S +08:00")


def _questions(report: Report, parts: Parts, language: Language) -> list[QuestionView]:
    views = []
    same = report.check(CheckName.CONTENT).outcome is Outcome.PASS
    for name, members in QUESTIONS:
        checks = [c for c in report.checks if c.name in members]
        answer = answer_of(checks, report.needed)
        key = f"web.result.a.{name}.{answer}"
        tone = {"pass": "good", "fail": "bad"}.get(answer, "wait")
        if answer == "unknown" or (answer == "other" and name != "registered"):
            key = "web.result.a.unknown"
        lines = [
            check_message(c, language) for c in checks if c.outcome is not Outcome.SKIPPED or c.name in report.needed
        ]
        if name == "issuer" and report.registered is not None:
            issuer = issuer_name(report.registered.issuer, parts, language)
            lines.insert(0, text("web.result.issuer_is", language, issuer=issuer))
        if answer == "pass" and name != "unchanged" and not same:
            key, tone = f"{key}_other", "skip"  # nobody may take it for a word about the file in hand
            lines.insert(0, text("web.result.a.other_note", language))
        views.append(QuestionView(text(f"web.result.q.{name}", language), text(key, language), tone, tuple(lines)))
    title = text("web.result.q.when", language)
    views.append(QuestionView(title, "", "skip", tuple(_when(report, parts, language))))
    return views


def _when(report: Report, parts: Parts, language: Language) -> list[str]:
    lines = [*circumstances(report, language), *(note_message(note, language) for note in report.notes)]
    if parts.trust is not None:
        lines.append(text("web.result.trust", language, sequence=parts.trust.sequence))
    return lines


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


def _subject(report: Report, presented: Presented, parts: Parts, language: Language) -> tuple[tuple[str, str], ...]:
    found = report.registered
    if found is None:
        return ()
    return (
        *_shown(report, presented, language),
        (text("web.subject.issuer", language), issuer_name(found.issuer, parts, language)),
        (text("web.subject.accepted", language), moment(found.accepted_at / 1000)),
        (text("web.subject.place", language), f"{found.origin} # {found.index}"),
    )


def _shown(report: Report, presented: Presented, language: Language) -> list[tuple[str, str]]:
    """What the visitor brought, to be compared with the paper in hand; only where it is the registered one."""
    if report.check(CheckName.CONTENT).outcome is not Outcome.PASS:
        return []
    record = presented.record or (presented.disclosure.shown if presented.disclosure else {})
    rows = [(name, record[name]) for name in ("name", "title", "number") if isinstance(record.get(name), str)]
    found = [(text(f"web.subject.{name}", language), value) for name, value in rows]
    if isinstance(holders := record.get("holders"), list):
        names = [h["name"] for h in holders if isinstance(h, dict) and isinstance(h.get("name"), str)]
        found.append(
            (text("web.subject.holders", language), "、".join(names) if language == "zh" else ", ".join(names))
        )
    if isinstance(record.get("valid_from"), str):
        end = record.get("valid_to") or text("web.subject.no_end", language)
        found.append((text("web.subject.period", language), f"{record['valid_from']} – {end}"))
    return found


def issuer_name(code: str, parts: Parts, language: Language) -> str:
    """Name and code, or the code alone where the directory has no name."""
    name = parts.directory.get(code)
    return f"{name.of(language)} ({code})" if name else code


def _contact(report: Report, parts: Parts, language: Language) -> str:
    issuer = report.registered.issuer if report.registered else None
    name = parts.directory.get(issuer) if issuer else None
    if name and name.contact:
        return f"{name.of(language)}: {name.contact}"
    if report.contact:
        return report.contact
    service = parts.settings.contact_zh if language == "zh" else parts.settings.contact_en
    return text("web.contact.window", language, issuer=issuer_name(issuer, parts, language)) if issuer else service


def of_standing(report: Report, standing: Standing | None, parts: Parts, language: Language) -> StatusView:
    """The status answer to an identifier: the word that checks 8, 10 and 11 give, and the history of decisions."""
    words = verdict_texts(report, language)
    if standing is None:
        none = text("web.status.none.text", language)
        return StatusView("wait", text("web.status.none", language), none, (), (), "", words.next_step, report.code)
    subject = [
        (text("web.status.issuer", language), issuer_name(standing.issuer, parts, language)),
        (
            text("web.status.anchored_at", language),
            moment(standing.anchor.block_time) if standing.anchor else text("web.status.waiting", language),
        ),
    ]
    views = tuple(_decision(d, language) for d in standing.decisions or ())
    word = text("web.status.in_force", language) if report.answer is Verdict.VALID else words.word
    advice = " ".join(part for part in (words.cause, words.next_step) if part)
    note = text("web.status.note", language)
    return StatusView(tone_of(report.answer), word, words.sentence, tuple(subject), views, note, advice, report.code)


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
