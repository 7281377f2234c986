"""What a verification answers: checks with their outcomes, one verdict, the exit code. Verification.md, both tables.

Pure data and one decision, `decide`. An outage is `unknown`: never a pass, never a fail. The words that people read
are in notary/report_text.py and ledger/locale/verify.toml.
Over 300 lines: checks, verdicts and their table are one vocabulary, row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ledger.statuses import Decision
from ledger.types import BlockTime, Digest, Kind, Millis, Stage


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105  an outcome, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    """Couldn't be checked now."""
    SKIPPED = "skipped"
    """Not applicable; the case says why."""


class CheckName(StrEnum):
    """The twelve checks in their order; the value is the check's public code."""

    FORMAT = "receipt.format"
    CONTENT = "content.commitment"
    IDENTIFIER = "identifier.form"
    INCLUSION = "log.inclusion"
    SIGNATURE = "log.signature"
    ANCHORED = "anchor.recorded"
    FINAL = "anchor.final"
    ISSUER = "issuer.recognised"
    ISSUER_KEY = "issuer.key"
    STATUS = "status.current"
    PERIOD = "validity.period"
    SEAL = "seal"

    @property
    def number(self) -> int:
        return _NUMBERS[self]


_NUMBERS = {name: number for number, name in enumerate(CheckName, 1)}


@dataclass(frozen=True, slots=True)
class TextKey:
    """A parameter that is itself a text: said in the reader's language. Without such a text: `code` as it stands."""

    key: str
    code: str


Param = str | int | TextKey


@dataclass(frozen=True, slots=True)
class Check:
    """One check's answer. `case` chooses the message `check.<code>.<case>`; `source` is what it was judged against."""

    name: CheckName
    outcome: Outcome
    case: str
    params: Mapping[str, Param] = field(default_factory=dict)
    observed: str | None = None
    expected: str | None = None
    source: str | None = None


class Verdict(StrEnum):
    MISMATCH = "mismatch"
    PROOF_INVALID = "proof_invalid"
    NOT_REGISTERED = "not_registered"
    ISSUER_NOT_RECOGNISED = "issuer_not_recognised"
    SUPERSEDED = "superseded"
    NOT_IN_FORCE = "not_in_force"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    CANNOT_CHECK = "cannot_check"
    PENDING = "pending"
    VALID = "valid"


EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.MISMATCH: 10,
    Verdict.PROOF_INVALID: 21,
    Verdict.NOT_REGISTERED: 11,
    Verdict.ISSUER_NOT_RECOGNISED: 14,
    Verdict.SUPERSEDED: 16,
    Verdict.NOT_IN_FORCE: 12,
    Verdict.SUSPENDED: 17,
    Verdict.EXPIRED: 13,
    Verdict.NOT_YET_VALID: 18,
    Verdict.CANNOT_CHECK: 20,
    Verdict.PENDING: 15,
    Verdict.VALID: 0,
}
EXIT_UNREADABLE = 19
EXIT_USAGE = 2
EXIT_UNEXPECTED = 1
EXIT_CANCELLED = 3
EXIT_NOT_LOGGED_IN = 4
EXIT_INTERRUPTED = 130

CASE_SUPERSEDED = "superseded"
CASE_SUSPENDED = "suspended"
CASE_ENDED = "ended"
"""Cases with which check 10 fails: decision 8; decision 2; any other."""
CASE_AFTER = "after"
CASE_BEFORE = "before"
"""Cases with which check 11 fails."""

_FAILING: Mapping[CheckName, Verdict] = {
    CheckName.CONTENT: Verdict.MISMATCH,
    CheckName.IDENTIFIER: Verdict.PROOF_INVALID,
    CheckName.INCLUSION: Verdict.PROOF_INVALID,
    CheckName.SIGNATURE: Verdict.PROOF_INVALID,
    CheckName.FINAL: Verdict.PROOF_INVALID,
    CheckName.SEAL: Verdict.PROOF_INVALID,
    CheckName.ANCHORED: Verdict.NOT_REGISTERED,
    CheckName.ISSUER: Verdict.ISSUER_NOT_RECOGNISED,
    CheckName.ISSUER_KEY: Verdict.ISSUER_NOT_RECOGNISED,
}
_FAILING_CASE: Mapping[tuple[CheckName, str], Verdict] = {
    (CheckName.STATUS, CASE_SUPERSEDED): Verdict.SUPERSEDED,
    (CheckName.STATUS, CASE_SUSPENDED): Verdict.SUSPENDED,
    (CheckName.STATUS, CASE_ENDED): Verdict.NOT_IN_FORCE,
    (CheckName.PERIOD, CASE_AFTER): Verdict.EXPIRED,
    (CheckName.PERIOD, CASE_BEFORE): Verdict.NOT_YET_VALID,
}
_ORDER = {verdict: line for line, verdict in enumerate(Verdict)}
WAITING = frozenset({CheckName.INCLUSION, CheckName.ANCHORED, CheckName.FINAL})
"""Checks that a receipt which was promised or included can't have passed yet."""


def needed_checks(kind: Kind, *, identifier: bool, signed: bool = False, sealed: bool = False) -> frozenset[CheckName]:
    """What `valid` needs for a record, disclosure, file or receipt of `kind` (verification.md, "Needed").

    `identifier`: the record has one as issued, or might have one that isn't shown; one `as_received` isn't judged.
    `signed`: the receipt has the issuer's signature; `sealed`: a sealed file was presented.
    """
    needed = {
        CheckName.CONTENT,
        CheckName.INCLUSION,
        CheckName.SIGNATURE,
        CheckName.ANCHORED,
        CheckName.FINAL,
        CheckName.ISSUER,
    }
    if kind in (Kind.CERTIFICATE, Kind.DOCUMENT, Kind.CREDIT):
        needed.add(CheckName.STATUS)
    if kind == Kind.CERTIFICATE:
        needed.add(CheckName.PERIOD)
    if identifier:
        needed.add(CheckName.IDENTIFIER)
    if signed:
        needed.add(CheckName.ISSUER_KEY)
    if sealed:
        needed.add(CheckName.SEAL)
    return frozenset(needed)


def failing_verdict(check: Check) -> Verdict | None:
    """The line of the verdict table that this check alone brings; None if it doesn't fail or has no line."""
    if check.outcome is not Outcome.FAIL:
        return None
    return _FAILING.get(check.name) or _FAILING_CASE.get((check.name, check.case))


def decide(checks: Iterable[Check], needed: frozenset[CheckName]) -> tuple[Verdict, Check | None]:
    """The first line of the table that holds, and the check that brought it (None for `valid`).

    A needed check that is absent, or skipped for another reason than waiting, was not answered: `cannot_check`.
    """
    by_name = {check.name: check for check in checks}
    failed = [check for check in by_name.values() if check.outcome is Outcome.FAIL]
    failing = [(_ORDER[verdict], check) for check in failed if (verdict := failing_verdict(check))]
    if failing:
        line, check = min(failing, key=lambda found: (found[0], found[1].name.number))
        return list(Verdict)[line], check
    waiting: Check | None = None
    for name in _NUMBERS:  # in their order; going through an enumeration costs ten times as much
        if name not in needed:
            continue
        found = by_name.get(name)
        if found is None:
            return Verdict.CANNOT_CHECK, None
        if found.outcome is Outcome.PASS:
            continue
        if found.outcome is Outcome.SKIPPED and name in WAITING:
            waiting = waiting or found
            continue
        return Verdict.CANNOT_CHECK, found
    return (Verdict.PENDING, waiting) if waiting else (Verdict.VALID, None)


class Level(StrEnum):
    """How what was anchored came in (formats.md §1, `capture`), highest first."""

    SEALED = "sealed"
    SIGNED = "signed"
    DATA = "data"
    SCAN = "scan"


def trust_level(capture: str | None, *, signed: bool, sealed: bool) -> Level | None:
    """The highest level to show: what the record says, but none that checks 9 and 12 didn't prove.

    `signed`, `sealed`: those checks passed. None where the record doesn't say or isn't shown.
    """
    if capture == Level.SCAN:
        return Level.SCAN
    if capture == Level.SEALED and sealed:
        return Level.SEALED
    if capture in (Level.SEALED, Level.SIGNED) and signed:
        return Level.SIGNED
    return Level.DATA if capture in tuple(Level) else None


@dataclass(frozen=True, slots=True)
class AsOf:
    """Of when the facts are: a block of the chain, a snapshot or a bundle; `number` None where no block is known."""

    source: str
    number: int | None
    time: BlockTime


@dataclass(frozen=True, slots=True)
class IssueTime:
    """T. `anchored`: a block time of the chain, else `now` stands for it. `settled`: no earlier anchor can turn up.

    `unasked`: the chain holds it, but since when couldn't be asked: what passes now proves nothing about then.
    """

    time: BlockTime
    anchored: bool
    settled: bool
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth saying that changes no verdict; message `note.<code>`."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registered:
    """What the receipt, or the log for an identifier, says was registered. Times: accepted_at in milliseconds."""

    origin: str
    index: int
    issuer: str
    kind: Kind
    accepted_at: Millis
    stage: Stage | None
    status_key: Digest


@dataclass(frozen=True, slots=True)
class Report:
    """One verification. `verdict` is None for an identifier alone, which is answered by `exit_code` and the checks."""

    subject: str
    """`record`, `disclosure`, `file`, `receipt` or `identifier`: what was presented."""
    checks: tuple[Check, ...]
    needed: frozenset[CheckName]
    verdict: Verdict | None
    answer: Verdict
    """For an identifier alone: the verdict word whose exit code it has. Otherwise the verdict."""
    deciding: Check | None
    at: Millis
    now: Millis
    as_of: AsOf | None
    issue_time: IssueTime | None
    level: Level | None
    registered: Registered | None
    network: str | None
    finality: str | None
    """The trust file's rule; `none` means a test chain, and every surface says so."""
    decision: Decision | None = None
    notes: tuple[Note, ...] = ()
    contact: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.answer]

    @property
    def test_chain(self) -> bool:
        return self.finality == "none"

    @property
    def code(self) -> str:
        """What a person quotes on the telephone: exit code, number of the deciding check, its case."""
        if self.deciding is None:
            return f"CZ-{self.exit_code:02d}"
        name = self.deciding.name
        return f"CZ-{self.exit_code:02d}-{name.number:02d} {name.value}.{self.deciding.case}"

    def check(self, name: CheckName) -> Check:
        return self.checks[name.number - 1]
