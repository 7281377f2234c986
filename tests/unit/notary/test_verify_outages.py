"""An outage is `unknown`: whatever can't be asked, no check passes or fails that didn't with everything known."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.statuses import DecisionCode
from ledger.types import Kind, Millis
from notary.collect import collect
from notary.entry import status_key
from notary.evidence import Evidence, Presented, Unavailable
from notary.report import CheckName, Outcome, Report, Verdict
from notary.verify import verify
from tests.fakes.registry import ISSUER, TYPE, World, certificate, document

ITEMS = tuple(
    f.name for f in fields(Evidence) if f.name not in ("as_of", "head", "contact", "equivocations", "located", "anchor")
)
"""What can be asked for and fail on its own. `anchor`, the event of the own size, fails with `earliest`."""


def scenes() -> dict[str, tuple[World, Presented]]:
    """Worlds in which each verdict that evidence decides is right."""
    made = {}

    def put(name: str, world: World, record: dict[str, Any], index: int, **options: Any) -> None:
        made[name] = (world, Presented(world.receipt(index, **options), record=record))

    record = certificate()
    for name in ("valid", "suspended", "revoked", "withdrawn"):
        world = World()
        receipt = world.anchored_record(record)
        key = status_key(ISSUER, receipt.entry.sha256)
        if name == "suspended":
            world.chain.decide(key, DecisionCode.SUSPENDED, ISSUER)
        elif name == "revoked":
            world.chain.decide(key, DecisionCode.REVOKED, ISSUER)
        elif name == "withdrawn":
            world.chain.withdraw_accreditation(ISSUER, TYPE, 0)
        put(name, world, record, 0)
    late = World(accredited=False)  # accredited only after it had issued: now recognised, then not
    late.anchored_record(record)
    late.chain.accredit(ISSUER, TYPE, late.chain.head().time + 1)
    late.chain.mine(5)
    put("accredited later", late, record, 0)
    ahead = World()  # accepted, it says, an hour after it was anchored
    ahead.anchored_record(record, accepted=ahead.now + 3_600_000)
    ahead.chain.mine(1, at=ahead.chain.head().time + 7_200)
    put("accepted later than anchored", ahead, record, 0)
    lost = World()
    lost.anchored_record(record)
    lost.chain.shorten(1)
    lost.chain.mine(9)
    put("lost", lost, record, 0)
    two = World()
    two.register(record)
    two.seal()
    two.chain.anchor(two.log_id, two.size, bytes(32))
    put("another root", two, record, 0, stage="included")
    waiting = World()
    waiting.register(record)
    put("promised", waiting, record, 0, stage="promised")
    paper = document(b"x")
    other = World()
    other.anchored_record(paper, kind=Kind.DOCUMENT)
    put("document", other, paper, 0)
    return made


SCENES = scenes()
REASON = Unavailable("chain.unreachable")


def judge(world: World, presented: Presented, evidence: Evidence) -> Report:
    return verify(presented, evidence, world.trust, Millis(world.now), world.now)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(SCENES)), gone=st.sets(st.sampled_from(ITEMS)))
def test_outage__any_set_of_questions_unanswered__no_new_pass_and_no_new_fail(name: str, gone: set[str]) -> None:
    world, presented = SCENES[name]
    known = collect(presented, world.trust, world.chain, world.log, world.now)
    missing: dict[str, Any] = dict.fromkeys(gone, REASON)
    if "earliest" in gone:
        missing["anchor"] = REASON
    whole, partial = judge(world, presented, known), judge(world, presented, replace(known, **missing))
    for before, after in zip(whole.checks, partial.checks, strict=True):
        if after.name is CheckName.INCLUSION and "root" in gone | ({"newest_root"} & gone):
            continue  # nothing ties it to an anchor any more: `now` stands for T, and 6 is unknown
        allowed = {before.outcome, Outcome.UNKNOWN}
        if after.name in (CheckName.ANCHORED, CheckName.FINAL) and presented.receipt.anchor is None:
            allowed.add(Outcome.SKIPPED)
        if before.outcome is Outcome.FAIL and after.name in (CheckName.SIGNATURE, CheckName.ISSUER):
            allowed |= {Outcome.PASS} if "root" in gone else set()  # the contradiction, or T, couldn't be seen
        assert after.outcome in allowed, (name, gone, after)
    if partial.verdict is Verdict.VALID:
        assert whole.verdict is Verdict.VALID


@pytest.mark.parametrize("name", ["accredited later", "accepted later than anchored"])
def test_outage__the_time_of_anchoring_couldnt_be_asked__what_holds_now_proves_nothing(name: str) -> None:
    world, presented = SCENES[name]
    known = collect(presented, world.trust, world.chain, world.log, world.now)
    assert judge(world, presented, known).verdict in (Verdict.ISSUER_NOT_RECOGNISED, Verdict.PROOF_INVALID)
    partial = judge(world, presented, replace(known, earliest=REASON, anchor=REASON))
    assert partial.verdict is Verdict.CANNOT_CHECK
    unknown = {c.name for c in partial.checks if c.case == "time_unasked"}
    assert unknown == {CheckName.INCLUSION, CheckName.SIGNATURE, CheckName.ISSUER}
