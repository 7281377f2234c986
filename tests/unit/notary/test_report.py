"""The verdict table: every combination of outcomes has exactly one verdict; every word is there in both languages."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.texts import LANGUAGES, catalogue
from ledger.types import Kind
from notary.report import (
    EXIT_CODES,
    WAITING,
    Check,
    CheckName,
    Level,
    Outcome,
    Verdict,
    decide,
    failing_verdict,
    needed_checks,
    trust_level,
)

ROOT = Path(__file__).parents[3]
PASS, FAIL, UNKNOWN, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIPPED
N = CheckName

# The table of verification.md, written again: line → what fails, in the order of the lines.
TABLE: tuple[tuple[Verdict, frozenset[tuple[CheckName, str]]], ...] = (
    (Verdict.MISMATCH, frozenset({(N.CONTENT, "x")})),
    (Verdict.PROOF_INVALID, frozenset((n, "x") for n in (N.IDENTIFIER, N.INCLUSION, N.SIGNATURE, N.FINAL, N.SEAL))),
    (Verdict.NOT_REGISTERED, frozenset({(N.ANCHORED, "x")})),
    (Verdict.ISSUER_NOT_RECOGNISED, frozenset({(N.ISSUER, "x"), (N.ISSUER_KEY, "x")})),
    (Verdict.SUPERSEDED, frozenset({(N.STATUS, "superseded")})),
    (Verdict.NOT_IN_FORCE, frozenset({(N.STATUS, "ended")})),
    (Verdict.SUSPENDED, frozenset({(N.STATUS, "suspended")})),
    (Verdict.EXPIRED, frozenset({(N.PERIOD, "after")})),
    (Verdict.NOT_YET_VALID, frozenset({(N.PERIOD, "before")})),
)
CASES = {N.STATUS: ("superseded", "ended", "suspended"), N.PERIOD: ("after", "before")}
JUDGED: tuple[CheckName, ...] = tuple(name for name in CheckName if name is not N.FORMAT)
NEEDS = tuple(
    {
        needed_checks(kind, identifier=identifier, signed=signed, sealed=sealed)
        for kind in Kind
        for identifier, signed, sealed in itertools.product((False, True), repeat=3)
    }
)


def expected(states: dict[CheckName, tuple[Outcome, str]], needed: frozenset[CheckName]) -> Verdict:
    """The table read literally."""
    failing = {(name, case) for name, (outcome, case) in states.items() if outcome is FAIL}
    for verdict, lines in TABLE:
        if failing & lines:
            return verdict
    outcomes = {name: states[name][0] for name in needed}
    if all(outcome is PASS for outcome in outcomes.values()):
        return Verdict.VALID
    rest = {name for name, outcome in outcomes.items() if outcome is not PASS}
    if rest <= WAITING and all(outcomes[name] is SKIPPED for name in rest):
        return Verdict.PENDING
    return Verdict.CANNOT_CHECK


def verdict_of(states: dict[CheckName, tuple[Outcome, str]], needed: frozenset[CheckName]) -> Verdict:
    return decide([Check(name, outcome, case) for name, (outcome, case) in states.items()], needed)[0]


def test_decide__every_combination_without_a_failure__one_verdict() -> None:
    """3^11 combinations of pass, unknown and skipped, for the largest and a small set of needs."""
    largest = max(NEEDS, key=len)
    smallest = min(NEEDS, key=len)
    ready = {(name, outcome): Check(name, outcome, "x") for name in JUDGED for outcome in (PASS, UNKNOWN, SKIPPED)}
    for outcomes in itertools.product((PASS, UNKNOWN, SKIPPED), repeat=len(JUDGED)):
        checks = [ready[pair] for pair in zip(JUDGED, outcomes, strict=True)]
        by_name = dict(zip(JUDGED, outcomes, strict=True))
        for needed in (largest, smallest):
            verdict, _ = decide(checks, needed)
            not_passed = [name for name in needed if by_name[name] is not PASS]
            if not not_passed:
                assert verdict is Verdict.VALID
            elif all(name in WAITING and by_name[name] is SKIPPED for name in not_passed):
                assert verdict is Verdict.PENDING
            else:
                assert verdict is Verdict.CANNOT_CHECK


def test_decide__every_set_of_failures__first_line_of_the_table() -> None:
    """All 2^11 sets of failing checks, with every case of 10 and 11; the other checks all pass, or all are unknown."""
    largest = max(NEEDS, key=len)
    for failing in itertools.product((False, True), repeat=len(JUDGED)):
        names = [name for name, fails in zip(JUDGED, failing, strict=True) if fails]
        for cases in itertools.product(*(CASES.get(name, ("x",)) for name in names)):
            for other in (PASS, UNKNOWN):
                states = {name: (other, "x") for name in JUDGED}
                states |= {name: (FAIL, case) for name, case in zip(names, cases, strict=True)}
                assert verdict_of(states, largest) is expected(states, largest)


STATE = st.sampled_from([PASS, FAIL, UNKNOWN, SKIPPED])


@given(
    outcomes=st.fixed_dictionaries({name: STATE for name in JUDGED}),
    status=st.sampled_from(CASES[N.STATUS]),
    period=st.sampled_from(CASES[N.PERIOD]),
    needed=st.sampled_from(NEEDS),
)
def test_decide__any_combination_and_any_need__the_table_read_literally(
    outcomes: dict[CheckName, Outcome], status: str, period: str, needed: frozenset[CheckName]
) -> None:
    states = {name: (o, {N.STATUS: status, N.PERIOD: period}.get(name, "x")) for name, o in outcomes.items()}
    found = verdict_of(states, needed)
    assert found is expected(states, needed)
    if found is Verdict.VALID:
        assert all(outcomes[name] is PASS for name in needed)


def test_decide__a_needed_check_is_missing_or_has_an_unknown_case__never_valid() -> None:
    needed = needed_checks(Kind.DOCUMENT, identifier=False)
    passing = [Check(name, PASS, "x") for name in needed if name is not N.STATUS]
    assert decide(passing, needed)[0] is Verdict.CANNOT_CHECK
    assert decide([*passing, Check(N.STATUS, FAIL, "a case that nobody knows")], needed)[0] is Verdict.CANNOT_CHECK


def test_decide__two_failures_of_one_line__the_first_check_decides() -> None:
    _, deciding = decide([Check(N.FINAL, FAIL, "x"), Check(N.INCLUSION, FAIL, "root")], frozenset())
    assert deciding is not None
    assert deciding.name is N.INCLUSION


@pytest.mark.parametrize(
    ("kind", "more", "numbers"),
    [
        (Kind.CERTIFICATE, {"identifier": True}, {2, 3, 4, 5, 6, 7, 8, 10, 11}),
        (Kind.CERTIFICATE, {"identifier": False}, {2, 4, 5, 6, 7, 8, 10, 11}),
        (Kind.DOCUMENT, {"identifier": False}, {2, 4, 5, 6, 7, 8, 10}),
        (Kind.DOCUMENT, {"identifier": False, "signed": True}, {2, 4, 5, 6, 7, 8, 9, 10}),
        (Kind.DOCUMENT, {"identifier": False, "sealed": True}, {2, 4, 5, 6, 7, 8, 10, 12}),
        (Kind.CREDIT, {"identifier": False}, {2, 4, 5, 6, 7, 8, 10}),
        (Kind.SHARE, {"identifier": False}, {2, 4, 5, 6, 7, 8}),
        (Kind.USE, {"identifier": False}, {2, 4, 5, 6, 7, 8}),
        (Kind.ERASURE, {"identifier": False}, {2, 4, 5, 6, 7, 8}),
        (Kind.CHECKPOINT, {"identifier": False}, {2, 4, 5, 6, 7, 8}),
    ],
)
def test_needed_checks__by_kind(kind: Kind, more: dict[str, bool], numbers: set[int]) -> None:
    assert {name.number for name in needed_checks(kind, **more)} == numbers


def test_exit_codes__as_the_table_says() -> None:
    assert {v.value: code for v, code in EXIT_CODES.items()} == {
        "mismatch": 10, "proof_invalid": 21, "not_registered": 11, "issuer_not_recognised": 14, "superseded": 16,
        "not_in_force": 12, "suspended": 17, "expired": 13, "not_yet_valid": 18, "cannot_check": 20, "pending": 15,
        "valid": 0,
    }  # fmt: skip
    assert [name.number for name in CheckName] == list(range(1, 13))


def test_failing_verdict__format__has_no_line() -> None:
    """Unreadable input is no verdict: exit 19."""
    assert failing_verdict(Check(N.FORMAT, FAIL, "x")) is None


@pytest.mark.parametrize(
    ("capture", "signed", "sealed", "level"),
    [
        ("sealed", False, False, Level.DATA),
        ("sealed", True, False, Level.SIGNED),
        ("sealed", False, True, Level.SEALED),
        ("sealed", True, True, Level.SEALED),
        ("signed", False, False, Level.DATA),
        ("signed", True, False, Level.SIGNED),
        ("signed", False, True, Level.DATA),
        ("data", True, True, Level.DATA),
        ("scan", True, True, Level.SCAN),
        (None, True, True, None),
        ("gold", True, True, None),
    ],
)
def test_trust_level__no_higher_than_proven(
    capture: str | None, signed: bool, sealed: bool, level: Level | None
) -> None:
    assert trust_level(capture, signed=signed, sealed=sealed) is level


def _cases() -> set[tuple[str, str]]:
    """(check, case) of every literal `Check(name, outcome, "case", …)` in the rooms that make checks."""
    found = set()
    for path in [*(ROOT / "notary/checks").glob("*.py"), ROOT / "notary/verify.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {"_CONTENT": N.CONTENT, "_IDENTIFIER": N.IDENTIFIER, "_INCLUSION": N.INCLUSION,
                 "_SIGNATURE": N.SIGNATURE, "_ANCHORED": N.ANCHORED, "_FINAL": N.FINAL, "_ISSUER": N.ISSUER,
                 "_KEY": N.ISSUER_KEY, "_STATUS": N.STATUS, "_PERIOD": N.PERIOD}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Check":
                name, case = node.args[0], node.args[2]
                if isinstance(case, ast.Constant) and isinstance(name, ast.Name) and name.id in names:
                    found.add((names[name.id].value, str(case.value)))
                if isinstance(case, ast.Constant) and isinstance(name, ast.Attribute):
                    shared = name.attr not in N.__members__  # a check made over again: its case is one that all share
                    found.add(("any" if shared else N.__members__[name.attr].value, str(case.value)))
    return found


def test_texts__every_case_that_a_check_can_have__in_both_languages() -> None:
    cases = _cases()
    assert len(cases) > 50
    missing = [c for c in cases if f"check.{c[0]}.{c[1]}" not in catalogue() and f"check.any.{c[1]}" not in catalogue()]
    assert not missing


def test_texts__every_verdict_level_and_outcome__in_both_languages_and_in_gbk() -> None:
    keys = [f"verdict.{v.value}" for v in Verdict] + [f"verdict.{v.value}.sentence" for v in Verdict]
    keys += [f"next.{v.value}" for v in Verdict if v is not Verdict.VALID]
    keys += [f"level.{level.value}" for level in Level] + [f"outcome.{o.value}" for o in Outcome]
    keys += [f"check.{name.value}" for name in CheckName]
    for key in keys:
        for language in LANGUAGES:
            assert catalogue()[key][language].encode("gbk")


def test_texts__all_of_this_room__in_gbk() -> None:
    import tomllib

    own = tomllib.loads((ROOT / "ledger/locale/verify.toml").read_text(encoding="utf-8"))
    for texts in own.values():
        assert set(texts) == {"zh", "en"}
        assert "".join(texts.values()).encode("gbk")
