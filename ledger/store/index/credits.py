"""Credit items and who contributes them, from the events of the contract `CreditRecords`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from ledger.credits import (
    Answer,
    Contribution,
    CreditItem,
    Field,
    FileClass,
    ItemClass,
    ItemState,
    Measure,
    Objection,
    Period,
    Polarity,
    Profile,
    Severity,
    Stage,
)
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, folded, last
from ledger.store.index.values import code, given, time
from ledger.store.object_tables import (
    credit_classes,
    credit_contributors,
    credit_items,
    credit_profiles,
    credit_rules,
)
from ledger.types import BlockTime, Digest

FIRST = Profile()


def item_from(history: Sequence[ToldEvent], item: CreditItem | None = None) -> CreditItem | None:
    """The item that these events made, or made of `item`; None before the first, and for a subject that is none."""
    return folded(history, item, "ItemAdded", _added, _after)


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
        case "DeadlineMoved" if item.objections:
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
        least_days=args["leastDays"],
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


def contributors_from(
    history: Sequence[ToldEvent], known: Mapping[Contribution, Period] = MappingProxyType({})
) -> dict[Contribution, Period]:
    """Who may add items of which class to a file class, and when; `known`: before these events."""
    found = dict(known)
    for event in history:
        if event.event not in ("ContributorAuthorised", "ContributorEnded"):
            continue
        args = event.args
        key = Contribution(file_class_of(args["fileClass"]), code(args["contributor"]), args["itemClass"])
        if event.event == "ContributorAuthorised":
            found[key] = Period(BlockTime(args["since"]), time(args["until"]))
        elif key in found:
            found[key] = Period(found[key].since, event.block_time)
    return found


def _item_rows(_: bytes, item: CreditItem) -> Sequence[Row]:
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


def _contributor_rows(_: bytes, found: Mapping[Contribution, Period]) -> Sequence[Row]:
    return [
        {
            "keeper": c.file_class.keeper,
            "field": int(c.file_class.use),
            "contributor": c.contributor,
            "item_class": c.item_class,
            "since": period.since,
            "until": period.until,
        }
        for c, period in found.items()
    ]


def class_from(history: Sequence[ToldEvent], found: ItemClass | None = None) -> ItemClass | None:
    """The class that these events defined or sealed, or made of `found`; None for a subject that is none."""
    for event in history:
        args = event.args
        if event.event == "ItemClassSet":
            sealed = found is not None and found.sealed
            found = ItemClass(Polarity(args["polarity"]), Measure(args["measure"]), sealed, given(args["basis"]))
        elif event.event == "ItemClassSealed":
            found = replace(found or ItemClass(None), sealed=True)
    return found


def profile_from(history: Sequence[ToldEvent], known: Profile = FIRST) -> Profile:
    """The figures set last; the contract begins with those of `Profile()`."""
    given_ = [event.args["profile"] for event in history if event.event == "ProfileSet"]
    return Profile(**{_snake(name): value for name, value in given_[-1].items()}) if given_ else known


def _snake(name: str) -> str:
    return "".join("_" + sign.lower() if sign.isupper() else sign for sign in name)


def _class_rows(key: bytes, found: ItemClass) -> Sequence[Row]:
    row = {
        "number": int.from_bytes(key, "big"),
        "polarity": int(found.polarity) if found.polarity is not None else None,
        "measure": int(found.measure),
        "sealed": found.sealed,
        "basis": found.basis,
    }
    return (row,)


def _rules_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"version": event.args["version"], "hash": event.args["rulesHash"]},)


def _profile_rows(_: bytes, found: Profile) -> Sequence[Row]:
    return (asdict(found),)


ITEM = frozenset(
    {
        "ItemAdded",
        "Objected",
        "Upheld",
        "CorrectionOrdered",
        "Corrected",
        "Withdrawn",
        "Repaired",
        "Archived",
        "StatementAttached",
        "Filed",
        "EventEnded",
        "DeadlineMoved",
    }
)
CREDITS = (
    Projection("CreditRecords", credit_items, ITEM, item_from, _item_rows),
    Projection(
        "CreditRecords",
        credit_contributors,
        frozenset({"ContributorAuthorised", "ContributorEnded"}),
        contributors_from,
        _contributor_rows,
        part=("contributor", "itemClass"),
    ),
    Projection(
        "CreditRecords", credit_classes, frozenset({"ItemClassSet", "ItemClassSealed"}), class_from, _class_rows
    ),
    Projection("CreditRecords", credit_rules, frozenset({"RulesSet"}), last, _rules_rows),
    Projection("CreditRecords", credit_profiles, frozenset({"ProfileSet"}), profile_from, _profile_rows),
)
