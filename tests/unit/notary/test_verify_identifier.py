"""An identifier alone: a status answer without a verdict, with the exit code that 8, 10 and 11 would give."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.statuses import DecisionCode
from ledger.types import DepartmentCode, Millis
from notary.collect import Collector
from notary.entry import status_key
from notary.evidence import Evidence, IdentifierAlone, Located
from notary.report import CheckName, Outcome, Report, Verdict
from notary.report_json import to_json
from notary.report_text import report_text
from notary.verify import instant_of, verify
from tests.fakes.registry import ISSUER, OTHER, World, certificate

N = CheckName
RECORD = certificate()
IDENTIFIER: str = RECORD["identifier"]


def located(world: World, index: int, **changes: Any) -> Located:
    receipt = world.receipt(index, stage="promised")
    found = Located(
        receipt.origin,
        index,
        receipt.entry,
        valid_from=RECORD["valid_from"],
        valid_to=RECORD["valid_to"],
        dates_known=True,
    )
    return replace(found, **changes)


@pytest.fixture
def world() -> World:
    made = World()
    made.anchored_record(RECORD)
    made.log.known[IDENTIFIER] = [located(made, 0)]
    return made


def asked(
    world: World, identifier: str = IDENTIFIER, *, at: int | None = None, chain: bool = True, log: bool = True
) -> Report:
    collector = Collector(world.chain if chain else None, world.log if log else None)
    request = IdentifierAlone(identifier)
    evidence = collector.collect(request, world.trust, world.now)
    report = verify(request, evidence, world.trust, world.now if at is None else Millis(at), world.now)
    for language in ("zh", "en"):
        assert report_text(report, language).encode("gbk")
    value = json.loads(to_json(report))
    assert value["verdict"] is None
    assert value["exit_code"] == report.exit_code
    return report


def test_identifier__registered_and_in_force__exit_0_and_no_verdict(world: World) -> None:
    report = asked(world)
    assert (report.verdict, report.answer, report.exit_code) == (None, Verdict.VALID, 0)
    assert report.check(N.CONTENT).outcome is Outcome.SKIPPED
    assert report.check(N.ANCHORED).outcome is Outcome.PASS
    assert report.issue_time is not None
    assert report.issue_time.anchored


def test_identifier__unknown_or_mistyped__not_registered(world: World) -> None:
    assert asked(world, certificate("B7")["identifier"]).exit_code == 11
    typo = asked(world, IDENTIFIER[:-1])
    assert typo.exit_code == 11
    assert typo.check(N.IDENTIFIER).outcome is Outcome.FAIL


def test_identifier__not_on_the_chain_yet__pending(world: World) -> None:
    world.register(certificate("C1"))
    world.log.known["x"] = [located(world, 1)]
    assert asked(world, "x").exit_code == 20  # malformed, so its type isn't known
    world.log.known["x"] = [located(world, 1, type_code=RECORD["type"])]
    assert asked(world, "x").answer is Verdict.PENDING


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [(DecisionCode.SUSPENDED, 17), (DecisionCode.REVOKED, 12), (DecisionCode.SUPERSEDED, 16)],
)
def test_identifier__decided__the_code_of_check_10(world: World, code: DecisionCode, exit_code: int) -> None:
    entry = world.log.known[IDENTIFIER][0].entry
    world.chain.decide(status_key(entry.issuer, entry.sha256), code, ISSUER)
    assert asked(world).exit_code == exit_code


def test_identifier__dates__the_code_of_check_11(world: World) -> None:
    assert asked(world, at=instant_of("2035-01-01")).exit_code == 13
    assert asked(world, at=instant_of("2020-01-01")).exit_code == 18
    world.log.known[IDENTIFIER] = [located(world, 0, dates_known=False)]
    assert asked(world).exit_code == 20


def test_identifier__issuer_not_recognised__14(world: World) -> None:
    world.chain.withdraw_accreditation(ISSUER, RECORD["type"], 0)
    assert asked(world).exit_code == 14


def test_identifier__couldnt_be_asked__20(world: World) -> None:
    assert asked(world, chain=False).exit_code == 20
    assert asked(world, log=False).exit_code == 20
    world.log.fail()
    assert asked(world).exit_code == 20
    world.log.mend()
    world.chain.fail()
    assert asked(world).exit_code == 20


def test_identifier__no_trust_file_or_expired__20(world: World) -> None:
    request = IdentifierAlone(IDENTIFIER)
    assert verify(request, Evidence(), None, world.now, world.now).exit_code == 20
    expired = world.make_trust(expires=world.now)
    evidence = Collector(world.chain, world.log).collect(request, world.trust, world.now)
    report = verify(request, evidence, expired, world.now, world.now)
    assert report.exit_code == 20
    assert report.check(N.STATUS).case == "trust_expired"


def test_identifier__anchored_by_another_department_too__the_named_issuers_comes_first(world: World) -> None:
    theirs = located(world, 0)
    stranger = replace(
        theirs, origin=f"chuzheng/test/{OTHER}", entry=replace(theirs.entry, issuer=DepartmentCode(OTHER))
    )
    foreign = replace(theirs, origin=f"chuzheng/elsewhere/{ISSUER}")
    world.log.known[IDENTIFIER] = [foreign, stranger, theirs]
    report = asked(world)
    assert report.registered is not None
    assert report.registered.issuer == ISSUER
    assert report.exit_code == 0
    world.log.known[IDENTIFIER] = [foreign]
    assert asked(world).exit_code == 11
