"""What items rest on: item classes, who contributes which, profiles with their figures, rules of the grade. Pure."""

from __future__ import annotations

from dataclasses import replace

from ledger.credit_acts.acting import NOBODY, Now
from ledger.credit_acts.rules import (
    is_veterans,
    require_council_or_province,
    require_keeper,
    require_open,
    require_unsuspended,
)
from ledger.credits import Book, Contribution, ItemClass, Measure, Period, Polarity, Profile, is_sealed
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import Digest


def set_item_class(book: Book, number: int, now: Now, *, polarity: int, measure: int, basis: Digest | None) -> Book:
    """Puts a class into the catalogue; once there, only its basis changes."""
    require_council_or_province(now)
    if is_sealed(book, number):
        raise DeniedError("credit_records.item_class_sealed", item_class=number)
    known = book.classes.get(number)
    same = known is not None and (known.polarity, known.measure) == (polarity, measure)
    if known is not None and same and known.basis == basis:
        return book
    require_open(now)
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
    require_keeper(contribution.file_class, now)
    require_unsuspended(now)
    if not is_veterans(now.by, now):
        raise DeniedError("credit_records.not_veterans", department=now.by)
    contributor, item_class = contribution.contributor, contribution.item_class
    if period.since != 0 and book.contributors.get(contribution) == period:
        return book
    require_open(now)
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
    require_keeper(contribution.file_class, now)
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
    require_council_or_province(now)
    known = book.rules.get(version)
    if known is not None:
        if known != rules_hash:
            raise ConflictError("credit_records.rules_fixed", version=version, rules_hash=known.hex())
        return book
    latest = max(book.rules, default=0)
    if version != latest + 1 or not any(rules_hash):
        raise InputError("credit_records.rules_invalid", version=version, latest=latest)
    return replace(book, rules={**book.rules, version: rules_hash})
