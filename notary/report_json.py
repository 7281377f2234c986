"""A report as JSON, `chuzheng-report/1`: codes for programs, both languages for people. Interfaces.md, `--json`.

Pure. One object; it holds no member of the record and no salt.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ledger.statuses import Decision
from ledger.types import Digest
from notary.checks.status import decision_word
from notary.report import Check, CheckName, Outcome, Report, Verdict
from notary.report_text import check_message, check_title, note_message, outcome_word, verdict_texts

SCHEMA = "chuzheng-report/1"


def to_json(report: Report) -> bytes:
    """The report's bytes: UTF-8 JSON in one line."""
    return json.dumps(to_value(report), ensure_ascii=False, separators=(",", ":")).encode()


def to_value(report: Report) -> dict[str, Any]:
    """The report as a JSON value. Times: `*_at` and `at`, `now` in milliseconds, block times in seconds."""
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
        "checks": [_check(check, report) for check in report.checks],
        "notes": [
            {"code": note.code, "message_zh": note_message(note, "zh"), "message_en": note_message(note, "en")}
            for note in report.notes
        ],
    }
    if report.answer is not Verdict.VALID:
        value |= {
            "cause_zh": zh.cause,
            "cause_en": en.cause,
            "next_zh": zh.next_step,
            "next_en": en.next_step,
            "contact": report.contact,
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


@cache
def _named(name: CheckName) -> tuple[int, str, str, str]:
    """What a check is called: number, code, title in both languages."""
    return name.number, name.value, check_title(name, "zh"), check_title(name, "en")


@cache
def _outcome(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.value, outcome_word(outcome, "zh"), outcome_word(outcome, "en")


def _check(check: Check, report: Report) -> dict[str, Any]:
    number, code, title_zh, title_en = _named(check.name)
    outcome, outcome_zh, outcome_en = _outcome(check.outcome)
    return {
        "number": number,
        "code": code,
        "outcome": outcome,
        "case": check.case,
        "needed": check.name in report.needed,
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
