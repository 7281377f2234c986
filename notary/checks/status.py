"""Checks 10 and 11: is it in force on the day asked about, and does that day lie within its dates?

Pure. Dates are days of Asia/Shanghai, both ends included; a date as an instant means its last second (formats.md §1).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from ledger.errors import InputError
from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime, Kind, Millis
from notary.checks.case import HIDDEN, MISSING, Case, barred, moment, unasked
from notary.evidence import Evidence, Unavailable
from notary.report import (
    CASE_AFTER,
    CASE_BEFORE,
    CASE_ENDED,
    CASE_SUPERSEDED,
    CASE_SUSPENDED,
    Check,
    CheckName,
    Outcome,
    Param,
    TextKey,
)

_STATUS = CheckName.STATUS
_PERIOD = CheckName.PERIOD
WITH_STATUS = frozenset({Kind.CERTIFICATE, Kind.DOCUMENT, Kind.CREDIT})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY = 24 * 3_600_000
_SHANGHAI = timezone(timedelta(hours=8))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_start(text: object) -> Millis | None:
    """First millisecond of a day `YYYY-MM-DD` of Asia/Shanghai; None if it isn't written so."""
    return _day_start(text) if isinstance(text, str) and len(text) == 10 and _DATE.fullmatch(text) else None


@lru_cache(maxsize=4096)
def _day_start(text: str) -> Millis | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    start = datetime(day.year, day.month, day.day, tzinfo=_SHANGHAI)
    return Millis((start - _EPOCH) // timedelta(milliseconds=1))


def instant_of(text: str) -> Millis:
    """The instant that a date means (its last second), or an ISO time with offset; InputError `at.form`."""
    start = day_start(text)
    if start is not None:
        return Millis(start + _DAY - 1000)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("at.form", found=text[:40]) from None
    if found.tzinfo is None:
        raise InputError("at.form", found=text[:40])
    return Millis((found - _EPOCH) // timedelta(milliseconds=1))


def check_status(case: Case) -> tuple[Check, Decision | None]:
    """Check 10 with the decision that is in force, if there is one."""
    if case.other_network:
        return barred(_STATUS, case.other_network), None
    if case.kind not in WITH_STATUS:
        return Check(_STATUS, Outcome.SKIPPED, "no_status", {"kind": case.kind.word}, source="receipt"), None
    if case.untrusted:
        return barred(_STATUS, case.untrusted), None
    return check_status_of(case.evidence, case.at, case.now)


def check_status_of(evidence: Evidence, at: Millis, now: Millis) -> tuple[Check, Decision | None]:
    """The same apart from a case: what the decisions say about `at`, as known at the evidence's block."""
    if isinstance(evidence.decisions, Unavailable):
        return unasked(_STATUS, evidence.decisions), None
    if evidence.as_of is None:
        return unasked(_STATUS, Unavailable("not_collected")), None
    if evidence.as_of.source != "chain" and at > evidence.as_of.time * 1000 + 999:
        return unasked(_STATUS, Unavailable("after_as_of"), evidence.as_of.source), None
    time = BlockTime(at // 1000)
    if at >= now:  # our clock may be behind the chain's: "now" is at least the block that was read
        time = max(time, evidence.as_of.time)
    decision = status_at(evidence.decisions, time, evidence.as_of.time)
    source = evidence.as_of.source
    if decision is None or decision.code == DecisionCode.RESUMED:
        params: dict[str, Param] = {"at": moment(at), "known": moment(evidence.as_of.time * 1000)}
        return Check(_STATUS, Outcome.PASS, "in_force", params, source=source), decision
    params = {
        "decision": decision_word(decision),
        "since": moment(decision.effective_from * 1000),
        "known": moment(decision.recorded_at * 1000),
        "department": decision.department,
    }
    if decision.code == DecisionCode.SUPERSEDED:
        return Check(_STATUS, Outcome.FAIL, CASE_SUPERSEDED, params, source=source), decision
    if decision.code == DecisionCode.SUSPENDED:
        open_end = TextKey("decision.until_open", "")
        params["until"] = open_end if decision.until is None else moment(decision.until * 1000)
        return Check(_STATUS, Outcome.FAIL, CASE_SUSPENDED, params, source=source), decision
    return Check(_STATUS, Outcome.FAIL, CASE_ENDED, params, source=source), decision


def decision_word(decision: Decision) -> TextKey:
    """The decision's own word; for a suspension by its cause, 暂扣 or 中止."""
    name = decision.code.name.lower()
    if decision.code == DecisionCode.SUSPENDED and decision.cause in (1, 2):
        name = "withheld" if decision.cause == 1 else "halted"
    return TextKey(f"decision.{name}", name)


def check_period(case: Case) -> Check:
    """Check 11: the record's `valid_from` and `valid_to` (null = no end)."""
    if case.kind != Kind.CERTIFICATE:
        return Check(_PERIOD, Outcome.SKIPPED, "no_dates", {"kind": case.kind.word}, source="receipt")
    dates = {name: case.member(name) for name in ("valid_from", "valid_to")}
    for name, value in dates.items():
        if value is HIDDEN or value is MISSING:
            return Check(_PERIOD, Outcome.UNKNOWN, "not_shown", {"member": name}, source="presented")
    return check_period_of(dates["valid_from"], dates["valid_to"], case.at, "presented")


def check_period_of(valid_from: object, valid_to: object, at: Millis, source: str) -> Check:
    """The same apart from a case; a date that can't be read makes it `unknown`."""
    start, last = day_start(valid_from), day_start(valid_to)
    if start is None or (last is None and valid_to is not None):
        return Check(_PERIOD, Outcome.UNKNOWN, "unreadable", source=source)
    params: dict[str, Param] = {
        "from": str(valid_from),
        "to": TextKey("period.no_end", "") if valid_to is None else str(valid_to),
        "at": moment(at),
    }
    if at < start:
        return Check(_PERIOD, Outcome.FAIL, CASE_BEFORE, params, source=source)
    if last is not None and at >= last + _DAY:
        return Check(_PERIOD, Outcome.FAIL, CASE_AFTER, params, source=source)
    return Check(_PERIOD, Outcome.PASS, "within", params, source=source)
