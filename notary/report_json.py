"""A report as JSON, `chuzheng-report/1`: codes for programs, both languages for people. Interfaces.md, `--json`.

Pure. One object; it holds no member of the record and no salt.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any

from ledger.statuses import Decision
from ledger.types import Digest, Kind, Millis, Stage
from notary.canonical import quote
from notary.checks.status import decision_word
from notary.report import Check, CheckName, Level, Outcome, Report, Verdict
from notary.report_text import check_message, check_title, note_message, outcome_word, verdict_texts

SCHEMA = "chuzheng-report/1"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(report: Report) -> bytes:
    """The report's bytes: UTF-8 JSON in one line, as `to_value` gives it.

    The checks are most of it and mostly the same from report to report: each is put together from the JSON text of its
    kind, with what differs filled in. What a `valid` report says of itself is filled into a kept text too.
    """
    needed = report.needed
    checks = ",".join([_check_text(check, check.name in needed) for check in report.checks])
    if report.answer is Verdict.VALID and report.deciding is None and report.decision is None and not report.notes:
        return f'{_valid_head(report)},"checks":[{checks}],"notes":[]}}'.encode()
    head = _encode(_head(report))
    tail = _encode(_tail(report))
    return f'{head[:-1]},"checks":[{checks}],{tail[1:]}'.encode()


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


def _valid_head(report: Report) -> str:
    """`_head` as JSON text, but for its last brace, of a `valid` report without a decision."""
    subject, level, as_of, time, found = (
        report.subject, report.level, report.as_of, report.issue_time, report.registered,
    )  # fmt: skip
    start, between = _valid_kind(subject, report.verdict, report.network, report.finality, level)
    seen, issued, registered = "null", "null", "null"
    if as_of is not None:
        number = "null" if as_of.number is None else as_of.number
        seen = f'{{"source":{quote(as_of.source)},"block":{number},"time":{as_of.time}}}'
    if time is not None:
        issued = f'{{"time":{time.time},"anchored":{_WORDS[time.anchored]},"settled":{_WORDS[time.settled]}}}'
    if found is not None:
        kind, stage = _registered_kind(found.issuer, found.kind, found.stage)
        registered = (
            f'{{"origin":{quote(found.origin)},"index":{found.index},{kind},"accepted_at":{found.accepted_at},{stage},'
            f'"status_key":"{found.status_key.hex()}"}}'
        )
    return (
        f'{start},"at":{report.at},"now":{report.now},{between},"as_of":{seen},"issue_time":{issued},'
        f'"registered":{registered},"decision":null'
    )


_WORDS = {False: "false", True: "true"}


@lru_cache(maxsize=256)
def _valid_kind(
    subject: str, verdict: Verdict | None, network: str | None, finality: str | None, level: Level | None
) -> tuple[str, str]:
    """The JSON text of every `valid` report of a kind: up to `at`, and from `test_chain` to `level`."""
    nobody = Report(
        subject, (), frozenset(), verdict, Verdict.VALID, None, Millis(0), Millis(0), None, None, level, None, network,
        finality,
    )  # fmt: skip
    whole = _head(nobody)
    names = list(whole)
    at, end = names.index("at"), names.index("as_of")
    start = {name: whole[name] for name in names[:at]}
    between = {name: whole[name] for name in names[at + 2 : end]}
    return _encode(start)[:-1], _encode(between)[1:-1]


@lru_cache(maxsize=4096)
def _registered_kind(issuer: str, kind: Kind, stage: Stage | None) -> tuple[str, str]:
    said = None if stage is None else stage.value
    return _encode({"issuer": issuer, "kind": kind.word})[1:-1], _encode({"stage": said})[1:-1]


def _check_text(check: Check, needed: bool) -> str:
    """`_check` as JSON text."""
    observed, expected, params = check.observed, check.expected, check.params
    if observed is None and expected is None and (not params or check.outcome is Outcome.PASS):
        items = [(name, value) for name, value in params.items() if type(value) is str]
        if len(items) == len(params):
            return _kept((check.name, check.outcome, check.case, needed, check.source), tuple(items))
    start, end = _kind(check.name, check.outcome, check.case, needed, check.source)
    seen = "null" if observed is None else quote(observed)
    wanted = "null" if expected is None else quote(expected)
    said = _messages(check) if params else _said(check.name, check.outcome, check.case)
    return f'{start},"observed":{seen},"expected":{wanted},{end},{said}'


@lru_cache(maxsize=2048)
def _kept(kind: tuple[CheckName, Outcome, str, bool, str | None], items: tuple[tuple[str, str], ...]) -> str:
    """The whole text of a check that says the same of many: what passed by issuer, block, day and second. What differs
    from what was registered isn't kept: that may be of a person."""
    name, outcome, case, _, _ = kind
    start, end = _kind(*kind)
    return f'{start},"observed":null,"expected":null,{end},{_messages(Check(name, outcome, case, dict(items)))}'


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
