"""CreditRecords: items, their objections and the catalogue at a named block, and the calls that change them."""

from __future__ import annotations

from typing import Any

from ledger.credits import (
    Answer,
    Contribution,
    CreditItem,
    Field,
    FileClass,
    ItemClass,
    ItemId,
    ItemState,
    Measure,
    NewItem,
    Objection,
    Period,
    Polarity,
    Profile,
    Severity,
    Stage,
    file_class_bytes,
)
from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.views import ContractView
from ledger.types import BlockTime, DepartmentCode, Digest

NAME = "CreditRecords"
CallIntent = tuple[str, str, list[Any]]


def set_item_class(number: int, polarity: Polarity, measure: Measure, basis: Digest) -> CallIntent:
    """(contract, function, arguments) for the outbox."""
    return NAME, "setItemClass", [number, int(polarity), int(measure), basis]


def seal_item_class(number: int, basis: Digest) -> CallIntent:
    """By the Council, and for ever."""
    return NAME, "sealItemClass", [number, basis]


def authorise_contributor(contribution: Contribution, period: Period, basis: Digest | None = None) -> CallIntent:
    args = [*_contribution(contribution), period.since, period.until or 0, basis or ZERO]
    return NAME, "authoriseContributor", args


def end_contributor(contribution: Contribution, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "endContributor", [*_contribution(contribution), reason, basis or ZERO]


def set_profile(profile: Profile, basis: Digest) -> CallIntent:
    """By the Council; `basis` cites what the figures rest on."""
    return NAME, "setProfile", [profile_tuple(profile), basis]


def set_rules(version: int, rules_hash: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "setRules", [version, rules_hash, basis or ZERO]


def add(item_id: ItemId, item: NewItem) -> CallIntent:
    """One item a call and, better, a block: two of one person sent together would be seen together."""
    return NAME, "add", [item_id, item_tuple(item)]


def object_to(item_id: ItemId, request: Digest, received_at: BlockTime) -> CallIntent:
    """`received_at`: first second of the day in Asia/Shanghai (`ledger.credits.day_of`)."""
    return NAME, "objectTo", [item_id, request, received_at]


def appeal(item_id: ItemId, request: Digest, received_at: BlockTime) -> CallIntent:
    return NAME, "appeal", [item_id, request, received_at]


def uphold(item_id: ItemId, decision: Digest) -> CallIntent:
    return NAME, "uphold", [item_id, decision]


def rule(item_id: ItemId, ruling: Answer, decision: Digest) -> CallIntent:
    """UPHELD, WITHDRAWN or ORDERED."""
    return NAME, "rule", [item_id, int(ruling), decision]


def correct(item_id: ItemId, replacement: Digest, decision: Digest) -> CallIntent:
    """`replacement`: `ledger.credits.replacement_of`; its salt stays with the owner."""
    return NAME, "correct", [item_id, replacement, decision]


def withdraw(item_id: ItemId, reason: int, decision: Digest) -> CallIntent:
    return NAME, "withdraw", [item_id, reason, decision]


def repair(item_id: ItemId, decision: Digest) -> CallIntent:
    return NAME, "repair", [item_id, decision]


def archive(item_id: ItemId, decision: Digest | None = None) -> CallIntent:
    """Without a decision once the item's time is up."""
    return NAME, "archive", [item_id, decision or ZERO]


def attach_statement(item_id: ItemId, statement: Digest) -> CallIntent:
    return NAME, "attachStatement", [item_id, statement]


def record_filing(item_id: ItemId, filing: Digest) -> CallIntent:
    return NAME, "recordFiling", [item_id, filing]


def end_event(item_id: ItemId, event_end: BlockTime) -> CallIntent:
    return NAME, "endEvent", [item_id, event_end]


def move_deadline(item_id: ItemId) -> CallIntent:
    return NAME, "moveDeadline", [item_id]


def item_tuple(item: NewItem) -> tuple[Any, ...]:
    """The contract's struct `ItemInput`, in its order."""
    return (
        file_class_bytes(item.file_class),
        item.item_class,
        int(item.severity),
        item.commitment,
        item.notice or ZERO,
        item.decision or ZERO,
        item.decided_at or 0,
        item.event_end or 0,
        item.publish_months,
    )


def profile_tuple(profile: Profile) -> tuple[int, ...]:
    """The contract's struct `Profile`, in its order."""
    return (
        profile.mark_days,
        profile.answer_days,
        profile.answer_other_days,
        profile.minor_max_months,
        profile.general_min_months,
        profile.general_max_months,
        profile.serious_min_months,
        profile.serious_max_months,
        profile.stop_months,
    )


def file_class(value: bytes) -> FileClass:
    """From the contract's 32 bytes."""
    return FileClass(department_code(value[:18]), Field(value[31]))


class CreditRecordsView(ContractView):
    contract = NAME

    def item(self, item_id: ItemId, block: int) -> CreditItem | None:
        """With its objections and statements; None if there is none."""
        fields = self.read("itemOf", [item_id], block)[0]
        if fields[0] == ZERO:
            return None
        objections = self.read("objectionsOf", [item_id], block)[0] if fields[15] else ()
        statements = self.read("statementsOf", [item_id], block)[0]
        return _item(fields, tuple(map(_objection, objections)), tuple(map(Digest, statements)))

    def state_at(self, item_id: ItemId, time: BlockTime, block: int) -> ItemState | None:
        """The contract's own judgement; None: no such item."""
        found = self.read("stateAt", [item_id, time], block)[0]
        return ItemState(found) if found else None

    def is_published(self, item_id: ItemId, time: BlockTime, block: int) -> bool:
        return bool(self.read("isPublished", [item_id, time], block)[0])

    def is_replaced_by(self, item_id: ItemId, new_item_id: ItemId, salt: bytes, block: int) -> bool:
        return bool(self.read("isReplacedBy", [item_id, new_item_id, salt], block)[0])

    def authority_of(self, item_id: ItemId, block: int) -> DepartmentCode | None:
        """Who rules on the item; None: nobody is named."""
        found = self.read("authorityOf", [item_id], block)[0]
        return None if found == ZERO else department_code(found)

    def profile(self, block: int) -> Profile:
        return Profile(*self.read("profile", [], block)[0])

    def item_class(self, number: int, block: int) -> ItemClass | None:
        """None for one that the catalogue hasn't and nobody sealed."""
        polarity, measure, sealed, basis = self.read("itemClassOf", [number], block)
        if not polarity and not sealed:
            return None
        return ItemClass(Polarity(polarity) if polarity else None, Measure(measure), sealed, optional(basis))

    def contributor(self, contribution: Contribution, block: int) -> Period | None:
        since, until = self.read("contributorOf", _contribution(contribution), block)
        return Period(BlockTime(since), _time(until)) if since else None

    def rules(self, version: int, block: int) -> tuple[Digest | None, int]:
        """(hash of the version's rule set, latest version)."""
        found, latest = self.read("rulesOf", [version], block)
        return optional(found), latest


def _contribution(contribution: Contribution) -> list[Any]:
    keeper, contributor = file_class_bytes(contribution.file_class), code_bytes(contribution.contributor)
    return [keeper, contributor, contribution.item_class]


def _time(value: int) -> BlockTime | None:
    return BlockTime(value) if value else None


def _item(fields: tuple[Any, ...], objections: tuple[Objection, ...], statements: tuple[Digest, ...]) -> CreditItem:
    """The contract's struct `Item`, in its order."""
    owner, files, item_class, severity, state, commitment, notice, decision, decided_at, event_end, *rest = fields
    publish_until, repair_from, stop_at, added_at, changed_at, _, outcome, replacement, filing = rest
    return CreditItem(
        owner=department_code(owner),
        file_class=file_class(files),
        item_class=item_class,
        severity=Severity(severity),
        state=ItemState(state),
        commitment=Digest(commitment),
        notice=optional(notice),
        decision=optional(decision),
        decided_at=_time(decided_at),
        event_end=_time(event_end),
        publish_until=_time(publish_until),
        repair_from=_time(repair_from),
        stop_at=_time(stop_at),
        added_at=BlockTime(added_at),
        changed_at=BlockTime(changed_at),
        objections=objections,
        statements=statements,
        outcome=optional(outcome),
        replacement=optional(replacement),
        filing=optional(filing),
    )


def _objection(fields: tuple[Any, ...]) -> Objection:
    """The contract's struct `Objection`, in its order."""
    number, stage, answer, days, least, received, recorded, mark_by, answer_by, answered, *rest = fields
    department, request, decision = rest
    return Objection(
        number=number,
        stage=Stage(stage),
        department=department_code(department),
        request=Digest(request),
        received_at=BlockTime(received),
        recorded_at=BlockTime(recorded),
        answer_days=days,
        least_days=least,
        mark_by=_time(mark_by),
        answer_by=_time(answer_by),
        answer=Answer(answer),
        answered_at=_time(answered),
        decision=optional(decision),
    )
