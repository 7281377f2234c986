"""Objections and appeals: raised, answered, ruled, and what an owner does about its item meanwhile. Pure."""

from __future__ import annotations

from dataclasses import replace

from ledger.credit_acts.acting import Now
from ledger.credit_acts.rules import (
    authority_of,
    claim,
    item_of,
    moved,
    put,
    repeats,
    require_day,
    require_in_use,
    require_move,
    require_owner,
    require_party,
    require_unsuspended,
    state_of,
)
from ledger.credits import Answer, Book, ItemId, ItemState, Objection, Stage
from ledger.errors import ConflictError, DeniedError, InputError
from ledger.types import BlockTime, Digest

RULINGS = frozenset({Answer.UPHELD, Answer.WITHDRAWN, Answer.ORDERED})
RULED = 3
"""Reason of a withdrawal that the authority ruled."""
REASONS = frozenset({1, 2, 4})
"""Reasons of an owner's withdrawal: its mistake, annulled by review or a court, other."""


def object_to(book: Book, item_id: ItemId, request: Digest | None, received_at: BlockTime, now: Now) -> Book:
    """Marks an item that its person objects to. Where another unit than the owner took it in, the owner has longer."""
    item = item_of(book, item_id)
    owns = require_party(item, item_id, now)
    act = ("object", item_id, now.by, received_at)
    if repeats(book, request, act):
        return book
    book = claim(book, item_id, request, act)
    require_move(book, item_id, now, state_of(book, item_id, now) == ItemState.ACTIVE)
    return _raised(book, item_id, now, stage=Stage.OWNER, own=owns, request=request, received_at=received_at)


def appeal(book: Book, item_id: ItemId, request: Digest | None, received_at: BlockTime, now: Now) -> Book:
    """Takes an upheld item, also one objected to again since, or one whose owner is overdue, to the authority."""
    item = item_of(book, item_id)
    require_party(item, item_id, now)
    act = ("appeal", item_id, now.by, received_at)
    if repeats(book, request, act):
        return book
    book = claim(book, item_id, request, act)
    state, last = state_of(book, item_id, now), item.last_objection
    upheld = state == ItemState.ACTIVE and last is not None and last.answer == Answer.UPHELD
    waiting = state == ItemState.OBJECTED and last is not None and last.answer == Answer.OPEN
    require_move(book, item_id, now, last is not None and last.stage == Stage.OWNER and (upheld or waiting))
    if waiting and last is not None:
        due = last.answer_by is not None and now.time >= last.answer_by
        # Else an owner that upholds and at once objects to its own item would keep it from the authority for ever.
        before = item.objections[-2] if len(item.objections) > 1 else None
        was_upheld = before is not None and (before.stage, before.answer) == (Stage.OWNER, Answer.UPHELD)
        if not due and not was_upheld:
            raise ConflictError("credit_records.answer_not_due", item_id=item_id.hex(), answer_by=last.answer_by or 0)
        book = answered(book, item_id, Answer.SILENT, None, now)
    return _raised(book, item_id, now, stage=Stage.AUTHORITY, own=False, request=request, received_at=received_at)


def uphold(book: Book, item_id: ItemId, decision: Digest | None, now: Now) -> Book:
    """The owner stays with its item, with reasons."""
    require_owner(item_of(book, item_id), item_id, now)
    require_unsuspended(now)
    act = ("uphold", item_id, now.by)
    if repeats(book, decision, act):
        return book
    book = claim(book, item_id, decision, act)
    require_move(book, item_id, now, _waits(book, item_id, Stage.OWNER, now))
    book = answered(book, item_id, Answer.UPHELD, decision, now)
    return moved(book, item_id, ItemState.ACTIVE, decision, now)


def rule(book: Book, item_id: ItemId, ruling: int, decision: Digest | None, now: Now) -> Book:
    """The authority ends the disagreement: upheld, withdrawn, or to be corrected by the owner."""
    item = item_of(book, item_id)
    authority = authority_of(item, item_id, now)
    if now.by != authority:
        raise DeniedError("credit_records.not_authority", item_id=item_id.hex(), authority=authority, department=now.by)
    require_unsuspended(now)
    act = ("rule", item_id, now.by, ruling)
    if repeats(book, decision, act):
        return book
    book = claim(book, item_id, decision, act)
    last = item.last_objection
    # What it ordered and the owner doesn't do, it may end itself.
    unheeded = (
        state_of(book, item_id, now) == ItemState.OBJECTED
        and last is not None
        and last.answer == Answer.ORDERED
        and ruling == Answer.WITHDRAWN
    )
    require_move(book, item_id, now, unheeded or _waits(book, item_id, Stage.AUTHORITY, now))
    if ruling not in RULINGS:
        raise InputError("credit_records.ruling_invalid", ruling=ruling)
    book = answered(book, item_id, Answer(ruling), decision, now)
    to = {Answer.UPHELD: ItemState.ACTIVE, Answer.WITHDRAWN: ItemState.WITHDRAWN, Answer.ORDERED: ItemState.OBJECTED}
    return moved(book, item_id, to[Answer(ruling)], decision, now)


def correct(book: Book, item_id: ItemId, replacement: Digest | None, decision: Digest | None, now: Now) -> Book:
    """Another item takes its place, named by a salted commitment alone (`ledger.credits.replacement_of`)."""
    require_owner(item_of(book, item_id), item_id, now)
    act = ("correct", item_id, now.by, replacement)
    if repeats(book, decision, act):
        return book
    book = claim(book, item_id, decision, act)
    require_in_use(book, item_id, now)
    book = claim(book, item_id, replacement, ("replacement", item_id))
    book = answered(book, item_id, Answer.CORRECTED, decision, now)
    book = moved(book, item_id, ItemState.CORRECTED, decision, now)
    return put(book, item_id, replace(book.items[item_id], replacement=replacement))


def withdraw(book: Book, item_id: ItemId, reason: int, decision: Digest | None, now: Now) -> Book:
    """The item was wrong, or its act annulled: it counts as never made."""
    require_owner(item_of(book, item_id), item_id, now)
    act = ("withdraw", item_id, now.by, reason)
    if repeats(book, decision, act):
        return book
    book = claim(book, item_id, decision, act)
    require_in_use(book, item_id, now)
    if reason not in REASONS:
        raise InputError("credit_records.reason_invalid", reason=reason)
    book = answered(book, item_id, Answer.WITHDRAWN, decision, now)
    return moved(book, item_id, ItemState.WITHDRAWN, decision, now)


def move_deadline(book: Book, item_id: ItemId, now: Now) -> Book:
    """The calendar changed, or knows the year by now: the open objection's deadline, later only. By anyone."""
    item = item_of(book, item_id)
    last = item.last_objection
    if last is None or state_of(book, item_id, now) != ItemState.OBJECTED or last.answer != Answer.OPEN:
        return book
    found = _answer_by(last, now)
    if found is None or (last.answer_by is not None and found <= last.answer_by):
        return book
    return put(book, item_id, replace(item, objections=(*item.objections[:-1], replace(last, answer_by=found))))


def _waits(book: Book, item_id: ItemId, stage: Stage, now: Now) -> bool:
    """Whether an objection is open before `stage`."""
    last = book.items[item_id].last_objection
    return (
        state_of(book, item_id, now) == ItemState.OBJECTED
        and last is not None
        and (last.stage, last.answer) == (stage, Answer.OPEN)
    )


def _answer_by(objection: Objection, now: Now) -> BlockTime | None:
    """The later of its two terms; None while the calendar can't say."""
    from_receipt = now.around.deadline(objection.received_at, objection.answer_days)
    if from_receipt is None or objection.least_days == 0:
        return from_receipt
    from_record = now.around.deadline(objection.recorded_at, objection.least_days)
    return None if from_record is None else max(from_receipt, from_record)


def _raised(
    book: Book, item_id: ItemId, now: Now, *, stage: Stage, own: bool, request: Digest | None, received_at: BlockTime
) -> Book:
    require_day(received_at, now)
    book = moved(book, item_id, ItemState.OBJECTED, None, now)
    item = book.items[item_id]
    raised = Objection(
        number=len(item.objections) + 1,
        stage=stage,
        department=now.by,
        request=request or Digest(b""),
        received_at=received_at,
        recorded_at=now.time,
        answer_days=book.profile.answer_days if own else book.profile.answer_other_days,
        least_days=0 if own else book.profile.answer_days,
        mark_by=now.around.deadline(received_at, book.profile.mark_days),
        answer_by=None,
    )
    raised = replace(raised, answer_by=_answer_by(raised, now))
    return put(book, item_id, replace(item, objections=(*item.objections, raised)))


def answered(book: Book, item_id: ItemId, answer: Answer, decision: Digest | None, now: Now) -> Book:
    """The last objection's answer, if it is open; a ruling to correct stands beside what the owner then does."""
    item = book.items[item_id]
    last = item.last_objection
    if last is None or last.answer != Answer.OPEN:
        return book
    answered = replace(last, answer=answer, answered_at=now.time, decision=decision)
    return put(book, item_id, replace(item, objections=(*item.objections[:-1], answered)))
