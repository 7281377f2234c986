"""Credit items and who contributes them, from the events of the contract `CreditRecords`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ledger.credits import (
    Answer,
    CreditItem,
    Field,
    FileClass,
    ItemState,
    Objection,
    Period,
    Severity,
    Stage,
)
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
from ledger.store.index.values import code, given, time
from ledger.store.object_tables import credit_contributors, credit_items
from ledger.types import BlockTime, DepartmentCode, Digest


def item_from(history: Sequence[ToldEvent]) -> CreditItem | None:
    """The item that these events made; None before the first, and for a subject that is no item."""
    item: CreditItem | None = None
    for event in history:
        if event.event == "ItemAdded":
            item = _added(event)
        elif item is not None:
            item = _after(item, event)
    return item


def file_class_of(value: bytes) -> FileClass:
    """The contract's 32 bytes: the keeper's 18, 13 zeros and the field."""
    return FileClass(code(value[:31]), Field(value[31]))


def _added(event: ToldEvent) -> CreditItem:
    args, new = event.args, event.args["item"]
    return CreditItem(
        owner=code(args["department"]),
        file_class=file_class_of(new["fileClass"]),
        item_class=new["itemClass"],
        severity=Severity(new["severity"]),
        state=ItemState.ACTIVE,
        commitment=Digest(new["commitment"]),
        notice=given(new["notice"]),
        decision=given(new["decision"]),
        decided_at=time(new["decidedAt"]),
        event_end=time(new["eventEnd"]),
        publish_until=time(args["publishUntil"]),
        repair_from=time(args["repairFrom"]),
        stop_at=time(args["stopAt"]),
        added_at=event.block_time,
        changed_at=event.block_time,
    )


def _after(item: CreditItem, event: ToldEvent) -> CreditItem:
    args, at = event.args, event.block_time
    match event.event:
        case "Objected":
            return _objected(item, event)
        case "Upheld":
            return _moved(_answered(item, Answer.UPHELD, args["decision"], at), ItemState.ACTIVE, args["decision"], at)
        case "CorrectionOrdered":
            item = _answered(item, Answer.ORDERED, args["decision"], at)
            return _moved(item, ItemState.OBJECTED, args["decision"], at)
        case "Corrected":
            item = _answered(item, Answer.CORRECTED, args["decision"], at)
            item = _moved(item, ItemState.CORRECTED, args["decision"], at)
            return replace(item, replacement=Digest(args["replacement"]))
        case "Withdrawn":
            item = _answered(item, Answer.WITHDRAWN, args["decision"], at)
            return _moved(item, ItemState.WITHDRAWN, args["decision"], at)
        case "Repaired":
            item = _answered(item, Answer.REPAIRED, args["decision"], at)
            return _moved(item, ItemState.REPAIRED, args["decision"], at)
        case "Archived":
            item = _answered(item, Answer.ARCHIVED, args["decision"], at)
            return _moved(item, ItemState.ARCHIVED, args["decision"], at)
        case "StatementAttached":
            return replace(item, statements=(*item.statements, Digest(args["statement"])))
        case "Filed":
            return replace(item, filing=Digest(args["filing"]))
        case "EventEnded":
            return replace(item, event_end=time(args["eventEnd"]), stop_at=time(args["stopAt"]))
        case "DeadlineMoved":
            return _last(item, answer_by=time(args["newDeadline"]))
        case _:
            return item


def _objected(item: CreditItem, event: ToldEvent) -> CreditItem:
    args, at = event.args, event.block_time
    # An appeal comes while the owner's answer is overdue: that one stays without an answer for ever.
    item = _answered(item, Answer.SILENT, bytes(32), at)
    objection = Objection(
        number=args["number"],
        stage=Stage(args["stage"]),
        department=code(args["department"]),
        request=Digest(args["request"]),
        received_at=BlockTime(args["receivedAt"]),
        recorded_at=at,
        answer_days=args["answerDays"],
        mark_by=time(args["markBy"]),
        answer_by=time(args["answerBy"]),
    )
    return _moved(replace(item, objections=(*item.objections, objection)), ItemState.OBJECTED, bytes(32), at)


def _moved(item: CreditItem, to: ItemState, outcome: bytes, at: BlockTime) -> CreditItem:
    return replace(item, state=to, changed_at=at, outcome=given(outcome) or item.outcome)


def _answered(item: CreditItem, answer: Answer, decision: bytes, at: BlockTime) -> CreditItem:
    """The last objection answered, if it is open."""
    last = item.last_objection
    if last is None or last.answer is not Answer.OPEN:
        return item
    return _last(item, answer=answer, answered_at=at, decision=given(decision) or last.decision)


def _last(item: CreditItem, **changed: Any) -> CreditItem:
    return replace(item, objections=(*item.objections[:-1], replace(item.objections[-1], **changed)))


def contributors_from(history: Sequence[ToldEvent]) -> dict[tuple[DepartmentCode, int], Period]:
    """(contributor, item class) → when it may add items, of one file class."""
    found: dict[tuple[DepartmentCode, int], Period] = {}
    for event in history:
        if event.event not in ("ContributorAuthorised", "ContributorEnded"):
            continue
        args = event.args
        key = code(args["contributor"]), args["itemClass"]
        if event.event == "ContributorAuthorised":
            found[key] = Period(BlockTime(args["since"]), time(args["until"]))
        else:
            found[key] = Period(found[key].since, event.block_time)
    return found


def _item_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    item = item_from(history)
    if item is None:
        return ()
    last = item.last_objection
    row = {
        "owner": item.owner,
        "keeper": item.file_class.keeper,
        "field": int(item.file_class.use),
        "item_class": item.item_class,
        "severity": int(item.severity),
        "state": int(item.state),
        "publish_until": item.publish_until,
        "stop_at": item.stop_at,
        "answer_by": last.answer_by if last is not None and last.answer is Answer.OPEN else None,
    }
    return (row,)


def _contributor_rows(subject: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [
        {"contributor": who, "item_class": what, "since": period.since, "until": period.until}
        for (who, what), period in contributors_from(history).items()
    ]


CREDIT_ITEMS = Projection("CreditRecords", credit_items, _item_rows)
CREDIT_CONTRIBUTORS = Projection("CreditRecords", credit_contributors, _contributor_rows)
