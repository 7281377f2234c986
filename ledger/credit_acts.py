"""Credit items: who may do what, and what the book is afterwards.

Pure twin of the contract `CreditRecords`: same questions, same order, same refusals (the errors' codes are the
contract's own), so that an act is refused before it costs a transaction. Each function returns the book after the act,
and the very same book where the act was done before.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from ledger.authorities import Domain, above, upwards
from ledger.credits import (
    IN_USE,
    Answer,
    Around,
    Book,
    Contribution,
    CreditItem,
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
    is_day,
    is_sealed,
    state_at,
)
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, Digest

RULINGS = frozenset({Answer.UPHELD, Answer.WITHDRAWN, Answer.ORDERED})
RULED = 3
"""Reason of a withdrawal that the authority ruled."""
REASONS = frozenset({1, 2, 4})
"""Reasons of an owner's withdrawal: its mistake, annulled by review or a court, other."""
NOBODY = DepartmentCode("")


@dataclass(frozen=True, slots=True)
class Now:
    """Who acts, in a block of which time, and what the other contracts say in it."""

    by: DepartmentCode
    """The acting department, whose operator has CREDIT; NOBODY for the Council, and for anyone."""
    time: BlockTime
    around: Around


# Catalogue, contributors, figures, rules


def set_item_class(book: Book, number: int, now: Now, *, polarity: int, measure: int, basis: Digest | None) -> Book:
    """Puts a class into the catalogue; once there, only its basis changes."""
    _require_council_or_province(now)
    if is_sealed(book, number):
        raise DeniedError("credit_records.item_class_sealed", item_class=number)
    known = book.classes.get(number)
    same = known is not None and (known.polarity, known.measure) == (polarity, measure)
    if known is not None and same and known.basis == basis:
        return book
    _require_open(now)
    right = 1 <= polarity <= 3 and 0 <= measure <= 2 and (measure == 0 or polarity == Polarity.NEGATIVE)
    if number == 0 or not right or basis is None:
        raise InputError("credit_records.item_class_invalid", item_class=number, polarity=polarity, measure=measure)
    if known is not None and not same:
        raise ConflictError(
            "credit_records.item_class_fixed", item_class=number, polarity=known.polarity, measure=known.measure
        )
    made = ItemClass(Polarity(polarity), Measure(measure), basis=basis)
    return replace(book, classes={**book.classes, number: made})


def seal_item_class(book: Book, number: int, now: Now, *, basis: Digest | None) -> Book:
    """From now on no item of the class is added or shown, for ever: by the Council alone. A pause doesn't stop it."""
    if now.by != NOBODY:
        raise DeniedError("credit_records.not_council", account=now.by)
    if is_sealed(book, number):
        return book
    known = book.classes.get(number, ItemClass(None))
    if basis is None:
        polarity, measure = int(known.polarity or 0), int(known.measure)
        raise InputError("credit_records.item_class_invalid", item_class=number, polarity=polarity, measure=measure)
    return replace(book, classes={**book.classes, number: replace(known, sealed=True)})


def authorise_contributor(
    book: Book,
    contribution: Contribution,
    period: Period,
    now: Now,
) -> Book:
    """Lets `contributor` add items of a class for a time; a new period replaces the one before."""
    _require_keeper(contribution.file_class, now)
    _require_unsuspended(now)
    if not _is_veterans(now.by, now):
        raise DeniedError("credit_records.not_veterans", department=now.by)
    contributor, item_class = contribution.contributor, contribution.item_class
    if period.since != 0 and book.contributors.get(contribution) == period:
        return book
    _require_open(now)
    if not now.around.is_department(contributor):
        raise InputError("credit_records.contributor_invalid", contributor=contributor)
    if is_sealed(book, item_class):
        raise DeniedError("credit_records.item_class_sealed", item_class=item_class)
    if item_class not in book.classes:
        raise NotFoundError("credit_records.item_class_unknown", item_class=item_class)
    if period.since == 0 or (period.until is not None and period.until <= max(period.since, now.time)):
        raise InputError("credit_records.period_invalid", since=period.since, until=period.until or 0)
    return replace(book, contributors={**book.contributors, contribution: period})


def end_contributor(book: Book, contribution: Contribution, now: Now) -> Book:
    """The contributor adds no more; what it added stays its own."""
    _require_keeper(contribution.file_class, now)
    known = book.contributors.get(contribution)
    if known is None or (known.until is not None and known.until <= now.time):
        return book
    return replace(book, contributors={**book.contributors, contribution: replace(known, until=now.time)})


def set_profile(book: Book, profile: Profile, basis: Digest | None) -> Book:
    """Figures for clocks that start from now on; by the Council. The law's own limits hold for every profile."""
    p = profile
    if (
        basis is None
        or not 1 <= p.mark_days <= p.answer_days <= p.answer_other_days <= 30
        or not 0 <= p.minor_max_months <= 3
        or not 3 <= p.general_min_months <= p.general_max_months <= 12
        or not 12 <= p.serious_min_months <= p.serious_max_months <= 36
        or not 1 <= p.stop_months <= 60
    ):
        raise InputError("credit_records.profile_invalid")
    return book if profile == book.profile else replace(book, profile=profile)


def set_rules(book: Book, version: int, rules_hash: Digest, now: Now) -> Book:
    """Fixes a rule set's hash; versions go up one by one."""
    _require_council_or_province(now)
    known = book.rules.get(version)
    if known is not None:
        if known != rules_hash:
            raise ConflictError("credit_records.rules_fixed", version=version, rules_hash=known.hex())
        return book
    latest = max(book.rules, default=0)
    if version != latest + 1 or not any(rules_hash):
        raise InputError("credit_records.rules_invalid", version=version, latest=latest)
    return replace(book, rules={**book.rules, version: rules_hash})


# Items


def add(book: Book, item_id: ItemId, new: NewItem, now: Now) -> Book:
    """Adds an item; who acts owns it."""
    _require_unsuspended(now)
    known_class = book.classes.get(new.item_class)
    _require_contributor(book, new, now)
    _require_level(new.item_class, known_class.measure if known_class else Measure.NONE, now)
    act: Hashable = ("add", item_id, now.by, new)
    if book.acts.get(new.commitment) == act:
        return book
    _require_open(now)
    if not any(item_id):
        raise InputError("credit_records.id_zero")
    if item_id in book.items:
        raise ConflictError("credit_records.item_exists", item_id=item_id.hex())
    if known_class is None or is_sealed(book, new.item_class):
        raise DeniedError("credit_records.item_class_sealed", item_class=new.item_class)
    _require_members(book, item_id, new, known_class.polarity == Polarity.NEGATIVE, now)
    for commitment in (new.commitment, new.notice, new.decision):
        if commitment is not None:
            book = _claim(book, item_id, commitment, act)
    made = _made(book, new, now)
    if made.stop_at is not None and now.time >= made.stop_at:
        raise InputError("credit_records.too_old", item_id=item_id.hex(), stop_at=made.stop_at)
    return _kept(book, item_id, made)


def object_to(book: Book, item_id: ItemId, request: Digest | None, received_at: BlockTime, now: Now) -> Book:
    """Marks an item that its person objects to. Where another unit than the owner took it in, the owner has longer."""
    item = _item(book, item_id)
    owns = _require_party(item, item_id, now)
    act = ("object", item_id, now.by, received_at)
    if _repeats(book, request, act):
        return book
    book = _claim(book, item_id, request, act)
    _allow(book, item_id, now, _state(book, item_id, now) == ItemState.ACTIVE)
    return _raised(book, item_id, now, stage=Stage.OWNER, own=owns, request=request, received_at=received_at)


def appeal(book: Book, item_id: ItemId, request: Digest | None, received_at: BlockTime, now: Now) -> Book:
    """Takes an upheld item, also one objected to again since, or one whose owner is overdue, to the authority."""
    item = _item(book, item_id)
    _require_party(item, item_id, now)
    act = ("appeal", item_id, now.by, received_at)
    if _repeats(book, request, act):
        return book
    book = _claim(book, item_id, request, act)
    state, last = _state(book, item_id, now), item.last_objection
    upheld = state == ItemState.ACTIVE and last is not None and last.answer == Answer.UPHELD
    waiting = state == ItemState.OBJECTED and last is not None and last.answer == Answer.OPEN
    _allow(book, item_id, now, last is not None and last.stage == Stage.OWNER and (upheld or waiting))
    if waiting and last is not None:
        due = last.answer_by is not None and now.time >= last.answer_by
        # Else an owner that upholds and at once objects to its own item would keep it from the authority for ever.
        before = item.objections[-2] if len(item.objections) > 1 else None
        was_upheld = before is not None and (before.stage, before.answer) == (Stage.OWNER, Answer.UPHELD)
        if not due and not was_upheld:
            raise ConflictError("credit_records.answer_not_due", item_id=item_id.hex(), answer_by=last.answer_by or 0)
        book = _answered(book, item_id, Answer.SILENT, None, now)
    return _raised(book, item_id, now, stage=Stage.AUTHORITY, own=False, request=request, received_at=received_at)


def uphold(book: Book, item_id: ItemId, decision: Digest | None, now: Now) -> Book:
    """The owner stays with its item, with reasons."""
    _require_owner(_item(book, item_id), item_id, now)
    _require_unsuspended(now)
    act = ("uphold", item_id, now.by)
    if _repeats(book, decision, act):
        return book
    book = _claim(book, item_id, decision, act)
    _allow(book, item_id, now, _waits(book, item_id, Stage.OWNER, now))
    book = _answered(book, item_id, Answer.UPHELD, decision, now)
    return _moved(book, item_id, ItemState.ACTIVE, decision, now)


def rule(book: Book, item_id: ItemId, ruling: int, decision: Digest | None, now: Now) -> Book:
    """The authority ends the disagreement: upheld, withdrawn, or to be corrected by the owner."""
    item = _item(book, item_id)
    authority = authority_of(item, item_id, now)
    if now.by != authority:
        raise DeniedError("credit_records.not_authority", item_id=item_id.hex(), authority=authority, department=now.by)
    _require_unsuspended(now)
    act = ("rule", item_id, now.by, ruling)
    if _repeats(book, decision, act):
        return book
    book = _claim(book, item_id, decision, act)
    last = item.last_objection
    # What it ordered and the owner doesn't do, it may end itself.
    unheeded = (
        _state(book, item_id, now) == ItemState.OBJECTED
        and last is not None
        and last.answer == Answer.ORDERED
        and ruling == Answer.WITHDRAWN
    )
    _allow(book, item_id, now, unheeded or _waits(book, item_id, Stage.AUTHORITY, now))
    if ruling not in RULINGS:
        raise InputError("credit_records.ruling_invalid", ruling=ruling)
    book = _answered(book, item_id, Answer(ruling), decision, now)
    to = {Answer.UPHELD: ItemState.ACTIVE, Answer.WITHDRAWN: ItemState.WITHDRAWN, Answer.ORDERED: ItemState.OBJECTED}
    return _moved(book, item_id, to[Answer(ruling)], decision, now)


def correct(book: Book, item_id: ItemId, replacement: Digest | None, decision: Digest | None, now: Now) -> Book:
    """Another item takes its place, named by a salted commitment alone (`ledger.credits.replacement_of`)."""
    _require_owner(_item(book, item_id), item_id, now)
    act = ("correct", item_id, now.by, replacement)
    if _repeats(book, decision, act):
        return book
    book = _claim(book, item_id, decision, act)
    _require_in_use(book, item_id, now)
    book = _claim(book, item_id, replacement, ("replacement", item_id))
    book = _answered(book, item_id, Answer.CORRECTED, decision, now)
    book = _moved(book, item_id, ItemState.CORRECTED, decision, now)
    return _kept(book, item_id, replace(book.items[item_id], replacement=replacement))


def withdraw(book: Book, item_id: ItemId, reason: int, decision: Digest | None, now: Now) -> Book:
    """The item was wrong, or its act annulled: it counts as never made."""
    _require_owner(_item(book, item_id), item_id, now)
    act = ("withdraw", item_id, now.by, reason)
    if _repeats(book, decision, act):
        return book
    book = _claim(book, item_id, decision, act)
    _require_in_use(book, item_id, now)
    if reason not in REASONS:
        raise InputError("credit_records.reason_invalid", reason=reason)
    book = _answered(book, item_id, Answer.WITHDRAWN, decision, now)
    return _moved(book, item_id, ItemState.WITHDRAWN, decision, now)


def repair(book: Book, item_id: ItemId, decision: Digest | None, now: Now) -> Book:
    """Minimum period over, corrected, commitment given: publication, sharing, use and measures end."""
    item = _item(book, item_id)
    _require_owner(item, item_id, now)
    act = ("repair", item_id, now.by)
    if _repeats(book, decision, act):
        return book
    book = _claim(book, item_id, decision, act)
    _require_in_use(book, item_id, now)
    if item.repair_from is None or now.time < item.repair_from:
        raise ConflictError("credit_records.repair_too_early", item_id=item_id.hex(), repair_from=item.repair_from or 0)
    book = _answered(book, item_id, Answer.REPAIRED, decision, now)
    return _moved(book, item_id, ItemState.REPAIRED, decision, now)


def archive(book: Book, item_id: ItemId, decision: Digest | None, now: Now) -> Book:
    """Ends an item. Once its time is up or its class sealed, anyone may say so (NOBODY too); before, the owner."""
    item = book.items.get(item_id)
    time_is_up = (
        item is not None
        and item.state != ItemState.ARCHIVED
        and state_at(book, item_id, now.time) == ItemState.ARCHIVED
    )
    why = None
    if not time_is_up:
        item = _item(book, item_id)
        _require_owner(item, item_id, now)
        if item.state == ItemState.ARCHIVED:
            return book
        act = ("archive", item_id, now.by)
        if _repeats(book, decision, act):
            return book
        book = _claim(book, item_id, decision, act)
        why = decision
    book = _answered(book, item_id, Answer.ARCHIVED, why, now)
    return _moved(book, item_id, ItemState.ARCHIVED, why, now)


def attach_statement(book: Book, item_id: ItemId, statement: Digest | None, now: Now) -> Book:
    """The person's own words go with the item."""
    item = _item(book, item_id)
    _require_party(item, item_id, now)
    act = ("statement", item_id)
    if statement is None or _repeats(book, statement, act):
        return _claim(book, item_id, None, act) if statement is None else book
    book = _claim(book, item_id, statement, act)
    _allow(book, item_id, now, _state(book, item_id, now) != ItemState.ARCHIVED)
    return _kept(book, item_id, replace(item, statements=(*item.statements, statement)))


def record_filing(book: Book, item_id: ItemId, filing: Digest | None, now: Now) -> Book:
    """The provincial authority's decision was filed with the ministry (art. 79)."""
    item = _item(book, item_id)
    _require_owner(item, item_id, now)
    act = ("filing", item_id)
    if _repeats(book, filing, act):
        return book
    book = _claim(book, item_id, filing, act)
    if book.classes[item.item_class].measure != Measure.CRIME or item.filing is not None:
        raise ConflictError("credit_records.filing_unexpected", item_id=item_id.hex())
    return _kept(book, item_id, replace(item, filing=filing))


def end_event(book: Book, item_id: ItemId, event_end: BlockTime, now: Now) -> Book:
    """What lasted has ended: from that day on the item's years count."""
    item = _item(book, item_id)
    _require_owner(item, item_id, now)
    if item.event_end is not None:
        if item.event_end == event_end:
            return book
        raise ConflictError("credit_records.event_ended", item_id=item_id.hex(), event_end=item.event_end)
    _require_day(event_end, now)
    stop_at = _months(event_end, book.profile.stop_months, now)
    return _kept(book, item_id, replace(item, event_end=event_end, stop_at=stop_at))


def move_deadline(book: Book, item_id: ItemId, now: Now) -> Book:
    """The calendar changed, or knows the year by now: the open objection's deadline, later only. By anyone."""
    item = _item(book, item_id)
    last = item.last_objection
    if last is None or _state(book, item_id, now) != ItemState.OBJECTED or last.answer != Answer.OPEN:
        return book
    found = _answer_by(last, now)
    if found is None or (last.answer_by is not None and found <= last.answer_by):
        return book
    return _kept(book, item_id, replace(item, objections=(*item.objections[:-1], replace(last, answer_by=found))))


def authority_of(item: CreditItem, item_id: ItemId, now: Now) -> DepartmentCode | None:
    """Who rules on the item. Nobody rules on its own: the next authority above does, and above the province the
    government."""
    around = now.around
    owner = around.carrier_of(item.owner, item_id)
    divisions = list(upwards(around.division_of(_keeper_of(item.file_class, now))))
    for division in divisions:
        authority = around.authority_for(Domain.VETERANS, division)
        if authority != owner:
            return authority
    government = around.authority_for(Domain.GOVERNMENT, divisions[-1])
    return None if government == owner else government


# Who may


def _keeper_of(file_class: FileClass, now: Now) -> DepartmentCode:
    return now.around.carrier_of(file_class.keeper, file_class_bytes(file_class))


def _is_veterans(department: DepartmentCode, now: Now) -> bool:
    around = now.around
    return around.authority_for(Domain.VETERANS, around.division_of(department)) == department


def _is_provincial(now: Now) -> bool:
    return above(now.around.division_of(now.by)) is None


def _require_council_or_province(now: Now) -> None:
    if now.by == NOBODY:
        return
    if not _is_veterans(now.by, now) or not _is_provincial(now):
        raise DeniedError("credit_records.not_provincial", department=now.by)
    _require_unsuspended(now)


def _require_keeper(file_class: FileClass, now: Now) -> None:
    keeper = _keeper_of(file_class, now)
    if now.by != keeper:
        raise DeniedError(
            "credit_records.not_keeper", file_class=file_class_bytes(file_class).hex(), keeper=keeper, department=now.by
        )


def _require_owner(item: CreditItem, item_id: ItemId, now: Now) -> None:
    owner = now.around.carrier_of(item.owner, item_id)
    if now.by != owner:
        raise DeniedError("credit_records.not_owner", item_id=item_id.hex(), owner=owner, department=now.by)


def _require_party(item: CreditItem, item_id: ItemId, now: Now) -> bool:
    """True if who acts owns the item, False if it keeps the file or rules on the item."""
    owns = now.by == now.around.carrier_of(item.owner, item_id)
    if not owns and now.by not in (_keeper_of(item.file_class, now), authority_of(item, item_id, now)):
        raise DeniedError("credit_records.not_party", item_id=item_id.hex(), department=now.by)
    return owns


def _require_unsuspended(now: Now) -> None:
    if now.around.is_suspended(now.by):
        raise DeniedError("credit_records.suspended", department=now.by)


def _require_open(now: Now) -> None:
    if now.around.is_paused():
        raise ConflictError("credit_records.paused")


def _require_contributor(book: Book, new: NewItem, now: Now) -> None:
    period = book.contributors.get(Contribution(new.file_class, now.by, new.item_class))
    if period is None or not period.holds(now.time):
        raise DeniedError(
            "credit_records.not_contributor",
            file_class=file_class_bytes(new.file_class).hex(),
            department=now.by,
            item_class=new.item_class,
        )


def _require_level(item_class: int, measure: Measure, now: Now) -> None:
    if measure == Measure.NONE:
        return
    if not _is_veterans(now.by, now):
        raise DeniedError("credit_records.not_veterans", department=now.by)
    if measure == Measure.CRIME and not _is_provincial(now):
        raise DeniedError("credit_records.level_too_low", department=now.by, item_class=item_class)


# Rules


def _item(book: Book, item_id: ItemId) -> CreditItem:
    item = book.items.get(item_id)
    if item is None:
        raise NotFoundError("credit_records.item_unknown", item_id=item_id.hex())
    return item


def _state(book: Book, item_id: ItemId, now: Now) -> ItemState | None:
    return state_at(book, item_id, now.time)


def _allow(book: Book, item_id: ItemId, now: Now, allowed: bool) -> None:
    if allowed:
        return
    last = book.items[item_id].last_objection
    raise ConflictError(
        "credit_records.move_not_allowed",
        item_id=item_id.hex(),
        state=int(_state(book, item_id, now) or 0),
        objection=last.number if last else 0,
        stage=int(last.stage) if last else 0,
        answer=int(last.answer) if last else 0,
    )


def _require_in_use(book: Book, item_id: ItemId, now: Now) -> None:
    _allow(book, item_id, now, _state(book, item_id, now) in IN_USE)


def _waits(book: Book, item_id: ItemId, stage: Stage, now: Now) -> bool:
    """Whether an objection is open before `stage`."""
    last = book.items[item_id].last_objection
    return (
        _state(book, item_id, now) == ItemState.OBJECTED
        and last is not None
        and (last.stage, last.answer) == (stage, Answer.OPEN)
    )


def _require_members(book: Book, item_id: ItemId, new: NewItem, negative: bool, now: Now) -> None:
    if (new.severity == Severity.NONE) == negative:
        raise InputError("credit_records.severity_invalid", item_id=item_id.hex(), severity=int(new.severity))
    if negative and new.notice is None:
        raise InputError("credit_records.notice_missing", item_id=item_id.hex())
    if negative and new.decision is None:
        raise InputError("credit_records.decision_missing", item_id=item_id.hex())
    if negative or new.decided_at is not None or new.publish_months != 0:
        _require_day(new.decided_at or BlockTime(0), now)
    if negative or new.event_end is not None:
        _require_day(new.event_end or BlockTime(0), now)
    least, most = book.profile.publication(new.severity)
    if new.publish_months != 0 and not least <= new.publish_months <= most:
        raise InputError("credit_records.publication_invalid", months=new.publish_months, least=least, most=most)


def _require_day(date: BlockTime, now: Now) -> None:
    if date > now.time or not is_day(date):
        raise InputError("credit_records.date_invalid", date=date)


def _months(date: BlockTime, months: int, now: Now) -> BlockTime:
    return date if months == 0 else now.around.months_after(date, months)


def _answer_by(objection: Objection, now: Now) -> BlockTime | None:
    """The later of its two terms; None while the calendar can't say."""
    from_receipt = now.around.deadline(objection.received_at, objection.answer_days)
    if from_receipt is None or objection.least_days == 0:
        return from_receipt
    from_record = now.around.deadline(objection.recorded_at, objection.least_days)
    return None if from_record is None else max(from_receipt, from_record)


# Acts and their commitments


def _repeats(book: Book, commitment: Digest | None, act: Hashable) -> bool:
    return commitment is not None and book.acts.get(commitment) == act


def _claim(book: Book, item_id: ItemId, commitment: Digest | None, act: Hashable) -> Book:
    """A commitment is one act's own: a shared one would join two items."""
    if commitment is None or not any(commitment):
        raise InputError("credit_records.commitment_missing", item_id=item_id.hex())
    if commitment in book.acts:
        raise ConflictError("credit_records.commitment_used", commitment=commitment.hex())
    return replace(book, acts={**book.acts, commitment: act})


def _made(book: Book, new: NewItem, now: Now) -> CreditItem:
    decided, ended = new.decided_at, new.event_end
    least, _ = book.profile.publication(new.severity)
    return CreditItem(
        owner=now.by,
        file_class=new.file_class,
        item_class=new.item_class,
        severity=new.severity,
        state=ItemState.ACTIVE,
        commitment=new.commitment,
        notice=new.notice,
        decision=new.decision,
        decided_at=decided,
        event_end=ended,
        publish_until=_months(decided, new.publish_months, now) if decided and new.publish_months else None,
        repair_from=_months(decided, least, now) if decided and new.severity != Severity.NONE else None,
        stop_at=_months(ended, book.profile.stop_months, now) if ended else None,
        added_at=now.time,
        changed_at=now.time,
    )


def _raised(
    book: Book, item_id: ItemId, now: Now, *, stage: Stage, own: bool, request: Digest | None, received_at: BlockTime
) -> Book:
    _require_day(received_at, now)
    book = _moved(book, item_id, ItemState.OBJECTED, None, now)
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
    return _kept(book, item_id, replace(item, objections=(*item.objections, raised)))


def _answered(book: Book, item_id: ItemId, answer: Answer, decision: Digest | None, now: Now) -> Book:
    """The last objection's answer, if it is open; a ruling to correct stands beside what the owner then does."""
    item = book.items[item_id]
    last = item.last_objection
    if last is None or last.answer != Answer.OPEN:
        return book
    answered = replace(last, answer=answer, answered_at=now.time, decision=decision)
    return _kept(book, item_id, replace(item, objections=(*item.objections[:-1], answered)))


def _moved(book: Book, item_id: ItemId, to: ItemState, outcome: Digest | None, now: Now) -> Book:
    item = book.items[item_id]
    moved = replace(item, state=to, changed_at=now.time, outcome=outcome or item.outcome)
    return _kept(book, item_id, moved)


def _kept(book: Book, item_id: ItemId, item: CreditItem) -> Book:
    return replace(book, items={**book.items, item_id: item})
