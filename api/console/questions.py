"""The four questions: unchanged? registered and current? who issued it? when, against what? In plain words.

Each answer rests on its checks and on nothing else: where they pass, one or two sentences; where one doesn't, what that
check found. The checks themselves stand below, collapsed, with all that they say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.texts import Language, text
from ledger.types import Kind
from notary.report import Check, CheckName, Outcome, Report, Verdict, failing_verdict
from notary.report_text import check_message, note_message, open_beside_erasure

if TYPE_CHECKING:
    from api.parts import Parts

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
QUESTIONS: tuple[tuple[str, tuple[CheckName, ...]], ...] = (
    ("unchanged", (CheckName.FORMAT, CheckName.CONTENT, CheckName.IDENTIFIER)),
    (
        "registered",  # what decides first stands first
        (CheckName.ANCHORED, CheckName.STATUS, CheckName.PERIOD, CheckName.INCLUSION, CheckName.FINAL),
    ),
    ("issuer", (CheckName.SIGNATURE, CheckName.ISSUER, CheckName.ISSUER_KEY, CheckName.SEAL)),
)
TONES = {"pass": "good", "fail": "bad"}
WARNING = frozenset({Verdict.SUSPENDED, Verdict.EXPIRED, Verdict.NOT_YET_VALID, Verdict.SUPERSEDED})
_CODE = re.compile(r"(?<![\w./])[0-9A-Z]{18}(?![\w])", re.ASCII)


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One of the four questions; `answer` empty for the last, which lists when and against what."""

    title: str
    answer: str
    tone: str
    lines: tuple[str, ...]


def questions(report: Report, parts: Parts, language: Language) -> tuple[QuestionView, ...]:
    """All four, in their order."""
    views = [_question(name, members, report, parts, language) for name, members in QUESTIONS]
    title = text("web.result.q.when", language)
    return (*views, QuestionView(title, "", "skip", tuple(_when(report, parts, language))))


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


def with_names(said: str, parts: Parts, language: Language) -> str:
    """Departments' codes in a sentence become names, as far as known; not within origins and identifiers."""

    def name(found: re.Match[str]) -> str:
        known = parts.directory.get(found[0])
        return known.of(language) if known else found[0]

    return _CODE.sub(name, said)


def issuer_name(code: str, parts: Parts, language: Language) -> str:
    """Name and code, or the code alone where the directory has no name."""
    name = parts.directory.get(code)
    if name is None:
        return code
    return f"{name.of(language)}（{code}）" if language == "zh" else f"{name.of(language)} ({code})"


def _question(
    name: str, members: tuple[CheckName, ...], report: Report, parts: Parts, language: Language
) -> QuestionView:
    checks = [report.check(member) for member in members]
    answer = answer_of(checks, report.needed)
    gone = answer == "unknown" and open_beside_erasure(report) == ()
    other = answer == "pass" and name != "unchanged" and report.check(CheckName.CONTENT).outcome is not Outcome.PASS
    tone, key = TONES.get(answer, "wait"), f"web.result.a.{name}.{answer}"
    if other:
        tone, key = "skip", f"{key}_other"  # nobody may take it for a word about the file in hand
    elif answer == "fail" and name == "registered":
        verdict = next(v for c in checks if (v := failing_verdict(c)) is not None)
        tone, key = ("warn" if verdict in WARNING else "bad"), f"web.result.a.registered.{verdict.value}"
    elif answer == "pass" and name == "issuer" and not _anchored(report):
        tone, key = "skip", f"{key}_now"
    elif gone:  # an erasure isn't an outage: nothing here will be known later
        tone, key = "skip", f"web.result.a.{'registered.' if name == 'registered' else ''}erased"
    elif answer == "unknown" or (answer == "other" and name != "registered"):
        key = "web.result.a.unknown"
    lines = [text("web.result.a.other_note", language)] if other else []
    if name == "issuer" and report.registered is not None:
        lines.append(issuer_name(report.registered.issuer, parts, language))
    if gone and name == "registered":
        lines += _registered(report, language)
    lines += [with_names(line, parts, language) for line in _reasons(name, answer, checks, report, language)]
    if name == "issuer" and report.level is not None:
        lines.append(text(f"level.{report.level.value}", language))
    said = tuple(dict.fromkeys(lines))
    return QuestionView(text(f"web.result.q.{name}", language), text(key, language), tone, said)


def _reasons(name: str, answer: str, checks: list[Check], report: Report, language: Language) -> Iterable[str]:
    """Why the answer is as it is."""
    if answer != "pass":
        outcome = {"fail": Outcome.FAIL, "unknown": Outcome.UNKNOWN}.get(answer, Outcome.SKIPPED)
        plain = name == "unchanged" and report.check(CheckName.CONTENT).outcome is Outcome.FAIL
        first = [text("web.result.s.differs", language)] if plain else []
        deciding = [c for c in checks if c.outcome is outcome and (answer == "fail" or c.name in report.needed)]
        return [*first, *(check_message(c, language) for c in deciding)]
    if name == "unchanged":
        if not _anchored(report):
            return [text("web.result.s.receipt", language)]
        check = report.check(CheckName.CONTENT)
        return [text(f"web.result.s.{check.case}", language, **{k: str(v) for k, v in check.params.items()})]
    if name == "registered":
        return _registered(report, language)
    kind = report.registered.kind if report.registered else Kind.CERTIFICATE
    entitled = "entitled" if kind is Kind.CERTIFICATE else "admitted"
    when = "" if _anchored(report) else "_now"
    return [text(f"web.result.s.{entitled}{when}", language), text("web.result.s.log_key", language)]


def _anchored(report: Report) -> bool:
    return report.check(CheckName.ANCHORED).outcome is Outcome.PASS


def _registered(report: Report, language: Language) -> list[str]:
    lines = []
    if report.issue_time is not None and report.issue_time.anchored:
        lines.append(text("web.result.s.registered", language, time=moment(report.issue_time.time)))
    if CheckName.STATUS in report.needed:
        period = "_period" if report.check(CheckName.PERIOD).outcome is Outcome.PASS else ""
        lines.append(text(f"web.result.s.current{period}", language, day=moment(report.at / 1000)[:10]))
    return lines


def _when(report: Report, parts: Parts, language: Language) -> list[str]:
    lines = [text("web.result.s.verified", language, time=moment(report.now / 1000))]
    if report.at != report.now:
        lines.append(text("web.result.s.asked", language, day=moment(report.at / 1000)[:10]))
    as_of = report.as_of
    if as_of is None:
        lines.append(text("report.as_of_none", language))
    elif as_of.number is None:
        lines.append(text("web.result.s.as_of", language, source=text(f"source.{as_of.source}", language)))
    else:
        lines.append(text("web.result.s.as_of_block", language, number=as_of.number, time=moment(as_of.time)))
    trust = parts.trust
    if trust is not None:
        lines.append(text("web.result.trust", language, sequence=trust.sequence, network=trust.network))
    return [*lines, *(note_message(note, language) for note in report.notes)]
