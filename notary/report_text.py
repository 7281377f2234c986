"""A report in words, Chinese or English: for terminals, and piece by piece for pages. Texts: ledger/locale/verify.toml.

Pure but for reading the catalogue. Words carry the meaning, never colour or a sign alone, and none that GBK lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ledger.texts import Language, catalogue, text
from notary.checks.case import moment
from notary.checks.content import ERASED
from notary.checks.status import decision_word
from notary.report import Check, CheckName, Note, Outcome, Param, Report, TextKey, Verdict


@dataclass(frozen=True, slots=True)
class VerdictTexts:
    """`word`: the verdict; `sentence`: what it says and doesn't; `cause`, `next_step`: empty for `valid`."""

    word: str
    sentence: str
    cause: str
    next_step: str


def check_title(name: CheckName, language: Language) -> str:
    """What the check is about, in two or three words."""
    return text(f"check.{name.value}", language)


def check_message(check: Check, language: Language) -> str:
    """What the check found, with its parameters filled in."""
    return text(_case_key(check.name, check.outcome, check.case), language, **_said(check.params, language))


def outcome_word(outcome: Outcome, language: Language) -> str:
    """Pass, fail, unknown, skipped."""
    return text(f"outcome.{outcome.value}", language)


def note_message(note: Note, language: Language) -> str:
    """What a note says, with its parameters filled in."""
    return text(f"note.{note.code}", language, **_said(note.params, language))


def verdict_word(report: Report, language: Language) -> str:
    """The verdict in a word; for what is no longer in force the decision's own word beside it."""
    word = text(f"verdict.{report.answer.value}", language)
    if report.answer in (Verdict.NOT_IN_FORCE, Verdict.SUSPENDED) and report.decision is not None:
        own = _one(decision_word(report.decision), language)
        return text("verdict.with_decision", language, verdict=word, decision=own)
    return word


def open_beside_erasure(report: Report) -> tuple[CheckName, ...] | None:
    """None unless the answer is `cannot_check` because the content was erased by order and the registration is proven;
    else the needed checks that are open for another reason. Those that lack a member only lack what was erased."""
    erased = report.deciding is not None and report.deciding.case == ERASED
    if not erased or report.answer is not Verdict.CANNOT_CHECK:
        return None
    return tuple(
        check.name
        for check in report.checks
        if check.name in report.needed and check.outcome is not Outcome.PASS and check.case not in (ERASED, "not_shown")
    )


def _erased_texts(report: Report, language: Language) -> tuple[str, str] | None:
    """Word and sentence where the content is erased: an erasure never reads like an outage, nor the other way round."""
    left = open_beside_erasure(report)
    if left is None or report.deciding is None:
        return None
    said = _said(report.deciding.params, language)
    if left:
        titles = ("、" if language == "zh" else ", ").join(check_title(name, language) for name in left)
        sentence = text("verdict.cannot_check.erased_open", language, **said, checks=titles)
        return verdict_word(report, language), sentence
    dated = next((note for note in report.notes if note.code == "erased_at"), None)
    told = [text("verdict.cannot_check.erased_said", language, **said)]
    told += [note_message(dated, language)] if dated else []
    return text("verdict.cannot_check.erased", language), ("" if language == "zh" else " ").join(told)


def verdict_texts(report: Report, language: Language) -> VerdictTexts:
    """Word, sentence, cause and next step; the cause is what the deciding check found."""
    answer = report.answer.value
    kind = "status" if report.verdict is None else "verdict"
    sentence = text(f"{kind}.{answer}.sentence", language)
    if report.answer is Verdict.VALID:
        return VerdictTexts(verdict_word(report, language), sentence, "", "")
    cause = check_message(report.deciding, language) if report.deciding else ""
    word, sentence = _erased_texts(report, language) or (verdict_word(report, language), sentence)
    return VerdictTexts(word, sentence, cause, _next_step(report, language))


def report_text(report: Report, language: Language) -> str:
    """The whole report for a terminal: verdict first, then why, then the twelve checks, then when and against what."""
    words = verdict_texts(report, language)
    lines = [words.word, words.sentence]
    if report.test_chain:
        lines.append(text("report.test_chain", language))
    for key, value in (("cause", words.cause), ("next", words.next_step), ("contact", report.contact or "")):
        if value:
            lines.append(text(f"report.{key}", language, value=value))
    if report.answer is not Verdict.VALID:
        lines.append(text("report.code", language, value=report.code))
    lines.append("")
    for check in report.checks:
        outcome = outcome_word(check.outcome, language)
        lines.append(f"{check.name.number:2d} [{outcome}] {check_title(check.name, language)}: "
                     f"{check_message(check, language)}")  # fmt: skip
        if check.outcome is Outcome.FAIL:
            for key, found in (("observed", check.observed), ("expected", check.expected)):
                if found:
                    lines.append(text(f"report.{key}", language, value=found))
    lines.append("")
    lines += [text("report.note", language, value=note_message(note, language)) for note in report.notes]
    lines += circumstances(report, language)
    return "\n".join(lines) + "\n"


def circumstances(report: Report, language: Language) -> list[str]:
    """What was judged, when and against what."""
    lines = []
    found = report.registered
    if found is not None:
        params = {"origin": found.origin, "index": found.index, "accepted": moment(found.accepted_at)}
        lines.append(text("report.registered", language, issuer=found.issuer, **params))
    if report.issue_time is not None and report.issue_time.anchored:
        lines.append(text("report.issue_time", language, time=moment(report.issue_time.time * 1000)))
    if report.level is not None:
        lines.append(text(f"level.{report.level.value}", language))
    lines.append(text("report.at", language, at=moment(report.at), now=moment(report.now)))
    as_of = report.as_of
    if as_of is None:
        lines.append(text("report.as_of_none", language))
    else:
        source = text(f"source.{as_of.source}", language)
        number = "-" if as_of.number is None else as_of.number
        lines.append(text("report.as_of", language, source=source, number=number, time=moment(as_of.time * 1000)))
    if report.network is not None:
        lines.append(text("report.network", language, network=report.network, finality=report.finality))
    return lines


def _next_step(report: Report, language: Language) -> str:
    """What to do: by the deciding case where it has advice of its own, else by the verdict."""
    if report.deciding is not None:
        own = f"next.{report.deciding.name.value}.{report.deciding.case}"
        if own in catalogue():
            return text(own, language)
    return text(f"next.{report.answer.value}", language)


@lru_cache(maxsize=1024)
def _case_key(name: CheckName, outcome: Outcome, case: str) -> str:
    """A case that can end in `unknown` instead of `fail` has a second text; cases that all checks share have one."""
    own = f"check.{name.value}.{case}"
    if outcome is Outcome.UNKNOWN and f"{own}.unknown" in catalogue():
        return f"{own}.unknown"
    return own if own in catalogue() else f"check.any.{case}"


def _said(params: Mapping[str, Param], language: Language) -> Mapping[str, str | int]:
    return {name: _one(value, language) if isinstance(value, TextKey) else value for name, value in params.items()}


def _one(value: Param, language: Language) -> str:
    if not isinstance(value, TextKey):
        return str(value)
    return text(value.key, language) if value.key in catalogue() else text("reason.other", language, code=value.code)
