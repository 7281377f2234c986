"""A report as JSON, `chuzheng-report/1`: codes for programs, both languages for people. Interfaces.md, `--json`.

Pure. One object; it holds no member of the record and no salt.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any

from ledger.statuses import Decision
from ledger.types import Digest
from notary.canonical import quote
from notary.checks.status import decision_word
from notary.report import Check, CheckName, Outcome, Report, Verdict
from notary.report_text import check_message, check_title, note_message, outcome_word, verdict_texts

SCHEMA = "chuzheng-report/1"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(report: Report) -> bytes:
    """The report's bytes: UTF-8 JSON in one line, as `to_value` gives it.

    The checks are most of it and mostly the same from report to report: each is put together from the JSON text of its
    kind, with what differs filled in.
    """
    head = _encode(_head(report))
    tail = _encode(_tail(report))
    checks = ",".join([_check_text(check, check.name in report.needed) for check in report.checks])
    text = f'{head[:-1]},"checks":[{checks}],{tail[1:]}'
    return text.encode()


def to_value(report: Report) -> dict[str, Any]:
    """The report as a JSON value. Times: `*_at` and `at`, `now` in milliseconds, block times in seconds."""
    checks = [_check(check, check.name in report.needed) for check in report.checks]
    return {**_head(report), "checks": checks, **_tail(report)}


def _head(report: Report) -> dict[str, Any]:
    zh, en = verdict_texts(report, "zh"), verdict_texts(report, "en")
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "ok": report.answer is Verdict.VALID,
        "subject": report.subject,
        "verdict": None if report.verdict is None else report.verdict.value,
        "answer": report.answer.value,
        "exit_code": report.exit_code,
        "code": report.code,
        "verdict_zh": zh.word,
        "verdict_en": en.word,
        "message_zh": zh.sentence,
        "message_en": en.sentence,
        "at": report.at,
        "now": report.now,
        "test_chain": report.test_chain,
        "network": report.network,
        "finality": report.finality,
        "level": None if report.level is None else report.level.value,
        "as_of": None,
        "issue_time": None,
        "registered": None,
        "decision": None if report.decision is None else _decision(report.decision),
    }
    if report.as_of is not None:
        value["as_of"] = {"source": report.as_of.source, "block": report.as_of.number, "time": report.as_of.time}
    if report.issue_time is not None:
        time = report.issue_time
        value["issue_time"] = {"time": time.time, "anchored": time.anchored, "settled": time.settled}
    if report.registered is not None:
        found = report.registered
        value["registered"] = {
            "origin": found.origin,
            "index": found.index,
            "issuer": found.issuer,
            "kind": found.kind.word,
            "accepted_at": found.accepted_at,
            "stage": None if found.stage is None else found.stage.value,
            "status_key": found.status_key.hex(),
        }
    return value


def _tail(report: Report) -> dict[str, Any]:
    value: dict[str, Any] = {
        "notes": [
            {"code": note.code, "message_zh": note_message(note, "zh"), "message_en": note_message(note, "en")}
            for note in report.notes
        ]
    }
    if report.answer is not Verdict.VALID:
        zh, en = verdict_texts(report, "zh"), verdict_texts(report, "en")
        value |= {
            "cause_zh": zh.cause,
            "cause_en": en.cause,
            "next_zh": zh.next_step,
            "next_en": en.next_step,
            "contact": report.contact,
        }
    return value


@cache
def _named(name: CheckName) -> tuple[int, str, str, str]:
    """What a check is called: number, code, title in both languages."""
    return name.number, name.value, check_title(name, "zh"), check_title(name, "en")


@cache
def _outcome(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.value, outcome_word(outcome, "zh"), outcome_word(outcome, "en")


def _check(check: Check, needed: bool) -> dict[str, Any]:
    number, code, title_zh, title_en = _named(check.name)
    outcome, outcome_zh, outcome_en = _outcome(check.outcome)
    return {
        "number": number,
        "code": code,
        "outcome": outcome,
        "case": check.case,
        "needed": needed,
        "observed": check.observed,
        "expected": check.expected,
        "source": check.source,
        "title_zh": title_zh,
        "title_en": title_en,
        "outcome_zh": outcome_zh,
        "outcome_en": outcome_en,
        "message_zh": check_message(check, "zh"),
        "message_en": check_message(check, "en"),
    }


def _check_text(check: Check, needed: bool) -> str:
    """`_check` as JSON text."""
    observed, expected = check.observed, check.expected
    start, end = _kind(check.name, check.outcome, check.case, needed, check.source)
    seen = "null" if observed is None else quote(observed)
    wanted = "null" if expected is None else quote(expected)
    said = _messages(check) if check.params else _said(check.name, check.outcome, check.case)
    return f'{start},"observed":{seen},"expected":{wanted},{end},{said}'


def _messages(check: Check) -> str:
    return f'"message_zh":{quote(check_message(check, "zh"))},"message_en":{quote(check_message(check, "en"))}}}'


@lru_cache(maxsize=1024)
def _kind(name: CheckName, outcome: Outcome, case: str, needed: bool, source: str | None) -> tuple[str, str]:
    """The JSON text of every check of a kind: up to what was observed, and from its source to the messages."""
    whole = _check(Check(name, outcome, case, source=source), needed)
    start = {member: whole[member] for member in ("number", "code", "outcome", "case", "needed")}
    end = {member: whole[member] for member in ("source", "title_zh", "title_en", "outcome_zh", "outcome_en")}
    return _encode(start)[:-1], _encode(end)[1:-1]


@lru_cache(maxsize=1024)
def _said(name: CheckName, outcome: Outcome, case: str) -> str:
    """The messages of a check without parameters, up to the end of its object."""
    return _messages(Check(name, outcome, case))


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "number": decision.number,
        "code": int(decision.code),
        "word": decision_word(decision).code,
        "cause": decision.cause,
        "department": decision.department,
        "true_since": decision.effective_from,
        "known_since": decision.recorded_at,
        "until": decision.until,
        "basis": _hex(decision.basis),
        "successor": _hex(decision.successor),
    }


def _hex(digest: Digest | None) -> str | None:
    return None if digest is None else digest.hex()
