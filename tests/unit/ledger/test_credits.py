"""Credit items: every act in every state, and the terms of the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger import credit_acts as acts
from ledger import credits
from ledger.calendar import DAY, months_after
from ledger.credits import Answer, Book, Contribution, Field, FileClass, ItemId, ItemState, Period
from ledger.errors import ChuzhengError
from ledger.types import BlockTime, DepartmentCode
from tests.unit.ledger.credit_book import (
    CITY,
    COUNTY,
    FILES,
    GENERAL,
    ITEM,
    MERIT,
    NOON,
    POLICE,
    PROVINCE,
    SCHOOL,
    TODAY,
    World,
    negative,
    now,
    some,
)


@pytest.fixture
def book() -> Book:
    made = Book()
    for number, polarity, measure in ((GENERAL, 2, 0), (MERIT, 1, 0), (401, 2, 1), (402, 2, 2)):
        made = acts.set_item_class(
            made, number, now(PROVINCE), polarity=polarity, measure=measure, basis=some(900 + number)
        )
        for contributor in (POLICE, COUNTY, CITY, PROVINCE):
            made = acts.authorise_contributor(
                made, Contribution(FILES, contributor, number), Period(BlockTime(1)), now(COUNTY)
            )
    return made


@pytest.fixture
def active(book: Book) -> Book:
    return acts.add(book, ITEM, negative(), now())


def objected(book: Book) -> Book:
    return acts.object_to(book, ITEM, some(10), TODAY, now(COUNTY))


def appealed(book: Book) -> Book:
    upheld = acts.uphold(objected(book), ITEM, some(11), now())
    return acts.appeal(upheld, ITEM, some(12), TODAY, now(COUNTY))


def ordered(book: Book) -> Book:
    return acts.rule(appealed(book), ITEM, Answer.ORDERED, some(13), now(COUNTY))


AFTER = TODAY + 200 * DAY
IN_STATE: dict[str, Callable[[Book], Book]] = {
    "active": lambda b: b,
    "objected": objected,
    "appealed": appealed,
    "ordered": ordered,
    "corrected": lambda b: acts.correct(b, ITEM, some(20), some(21), now()),
    "withdrawn": lambda b: acts.withdraw(b, ITEM, 1, some(22), now()),
    "repaired": lambda b: acts.repair(b, ITEM, some(23), now(time=AFTER)),
    "archived": lambda b: acts.archive(b, ITEM, some(24), now()),
}
ACTS: dict[str, Callable[[Book], Book]] = {
    "object": lambda b: acts.object_to(b, ITEM, some(50), TODAY, now(COUNTY, AFTER)),
    "appeal": lambda b: acts.appeal(b, ITEM, some(51), TODAY, now(COUNTY, AFTER)),
    "uphold": lambda b: acts.uphold(b, ITEM, some(52), now(time=AFTER)),
    "rule": lambda b: acts.rule(b, ITEM, Answer.UPHELD, some(53), now(COUNTY, AFTER)),
    "correct": lambda b: acts.correct(b, ITEM, some(54), some(55), now(time=AFTER)),
    "withdraw": lambda b: acts.withdraw(b, ITEM, 2, some(56), now(time=AFTER)),
    "repair": lambda b: acts.repair(b, ITEM, some(57), now(time=AFTER)),
    "archive": lambda b: acts.archive(b, ITEM, some(58), now(time=AFTER)),
    "statement": lambda b: acts.attach_statement(b, ITEM, some(59), now(COUNTY, AFTER)),
}
# credit.md, "States", written down again by hand. The appeal against an overdue owner included.
LEGAL = {
    "active": {"object", "correct", "withdraw", "repair", "archive", "statement"},
    "objected": {"appeal", "uphold", "correct", "withdraw", "repair", "archive", "statement"},
    "appealed": {"rule", "correct", "withdraw", "repair", "archive", "statement"},
    "ordered": {"correct", "withdraw", "repair", "archive", "statement"},
    "corrected": {"archive", "statement"},
    "withdrawn": {"archive", "statement"},
    "repaired": {"archive", "statement"},
    "archived": set[str](),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", IN_STATE)
def test_acts__each_in_each_state__as_the_table_says(active: Book, state: str, act: str) -> None:
    before = IN_STATE[state](active)
    if act in LEGAL[state]:
        assert ACTS[act](before) is not before
    elif (state, act) == ("archived", "archive"):
        assert ACTS[act](before) is before
    else:
        with pytest.raises(ChuzhengError) as caught:
            ACTS[act](before)
        assert caught.value.code == "credit_records.move_not_allowed"


@pytest.mark.parametrize("act", ACTS)
def test_acts__sent_again__change_nothing(active: Book, act: str) -> None:
    first = next(s for s, legal in LEGAL.items() if act in legal)
    after = ACTS[act](IN_STATE[first](active))
    assert ACTS[act](after) is after


def test_add__terms__from_the_days_given(active: Book) -> None:
    item = active.items[ITEM]
    assert item.publish_until == months_after(TODAY, 6)
    assert item.repair_from == months_after(TODAY, 3)
    assert item.stop_at == months_after(TODAY, 60)


def test_state_at__five_years_after_the_event__archived_without_anyone(active: Book) -> None:
    stop = active.items[ITEM].stop_at
    assert stop is not None
    assert credits.state_at(active, ITEM, BlockTime(stop - 1)) == ItemState.ACTIVE
    assert credits.state_at(active, ITEM, stop) == ItemState.ARCHIVED
    assert credits.state_at(active, ItemId(bytes(32)), stop) is None


def test_is_published__until_its_end_and_while_in_use(active: Book) -> None:
    end = active.items[ITEM].publish_until
    assert end is not None
    assert credits.is_published(active, ITEM, BlockTime(end - 1))
    assert not credits.is_published(active, ITEM, end)
    assert credits.is_published(objected(active), ITEM, NOON)
    assert not credits.is_published(IN_STATE["withdrawn"](active), ITEM, NOON)


def test_objection__its_clock__runs_on_the_receiver(active: Book) -> None:
    own = acts.object_to(active, ITEM, some(10), TODAY, now(POLICE)).items[ITEM].last_objection
    other = objected(active).items[ITEM].last_objection
    assert own is not None
    assert other is not None
    assert (own.answer_days, other.answer_days) == (5, 7)


def test_objection__year_unknown__provisional_and_dated_later(active: Book) -> None:
    world = World(known_until=0)
    book = acts.object_to(active, ITEM, some(10), TODAY, now(COUNTY, world=world))
    found = book.items[ITEM].last_objection
    assert found is not None
    assert (found.mark_by, found.answer_by) == (None, None)
    assert acts.move_deadline(book, ITEM, now(world=world)) is book
    moved = acts.move_deadline(book, ITEM, now()).items[ITEM].last_objection
    assert moved is not None
    assert moved.answer_by == TODAY + 8 * DAY


@pytest.mark.parametrize(("owner", "authority"), [(POLICE, COUNTY), (COUNTY, CITY), (CITY, COUNTY), (PROVINCE, COUNTY)])
def test_authority__of_the_file_s_division__never_the_owner(
    active: Book, owner: DepartmentCode, authority: DepartmentCode
) -> None:
    item = replace(active.items[ITEM], owner=owner)
    assert acts.authority_of(item, ITEM, now()) == authority


def test_authority__above_the_province__the_government(active: Book) -> None:
    item = replace(active.items[ITEM], owner=PROVINCE, file_class=FileClass(PROVINCE, Field.BENEFITS))
    assert acts.authority_of(item, ITEM, now()) == SCHOOL


def test_commitment__of_another_item__would_join_the_two(active: Book) -> None:
    other = ItemId(b"\x02" * 32)
    for number in (1, 2, 3):
        with pytest.raises(ChuzhengError) as caught:
            acts.add(active, other, negative(commitment=some(4), notice=some(5), decision=some(number)), now())
        assert caught.value.code == "credit_records.commitment_used"


def test_replacement__without_the_salt__tells_nothing() -> None:
    first, second = (credits.replacement_of(ITEM, ItemId(b"\x02" * 32), bytes([n]) * 32) for n in (1, 2))
    assert first != second


def test_day_of__any_time__its_day_s_first_second() -> None:
    assert credits.day_of(NOON) == TODAY
    assert credits.day_of(TODAY) == TODAY
    assert credits.is_day(TODAY)
    assert not credits.is_day(NOON)
