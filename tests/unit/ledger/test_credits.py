"""Credit items: every act in every state, the terms of the rules, and the figures against their data file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ledger import credit_acts as acts
from ledger import credits
from ledger.authorities import Domain, upwards
from ledger.calendar import DAY, OFFSET, months_after
from ledger.codes.credit_rules import credit_classes, credit_rules
from ledger.credits import (
    Answer,
    Book,
    Contribution,
    Field,
    FileClass,
    ItemId,
    ItemState,
    Measure,
    NewItem,
    Period,
    Polarity,
    Profile,
    Severity,
)
from ledger.errors import ChuzhengError
from ledger.types import BlockTime, DepartmentCode, Digest

PROVINCE, CITY, COUNTY, POLICE, SCHOOL = (DepartmentCode(f"11420000MB000000{n}X") for n in range(5))
DIVISIONS = {PROVINCE: 420000, CITY: 420900, COUNTY: 420984, POLICE: 420984, SCHOOL: 420900}
FILES = FileClass(COUNTY, Field.BENEFITS)
TODAY = BlockTime(int(dt.datetime(2026, 11, 21, tzinfo=dt.UTC).timestamp()) - OFFSET)
NOON = BlockTime(TODAY + DAY // 2)
ITEM = ItemId(b"\x01" * 32)
GENERAL, MERIT = 303, 101


def some(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


@dataclass
class World:
    """Counties under a city under a province; every day works, and the calendar ends with `known_until`."""

    paused: bool = False
    suspended: frozenset[DepartmentCode] = frozenset()
    known_until: int = 2**40

    def is_paused(self) -> bool:
        return self.paused

    def is_suspended(self, department: DepartmentCode) -> bool:
        return department in self.suspended

    def is_department(self, department: DepartmentCode) -> bool:
        return department in DIVISIONS

    def division_of(self, department: DepartmentCode) -> int:
        return DIVISIONS[department]

    def carrier_of(self, department: DepartmentCode, what: bytes) -> DepartmentCode:
        return department

    def authority_for(self, domain: int, division: int) -> DepartmentCode | None:
        if domain == Domain.GOVERNMENT:
            return SCHOOL
        named = {420000: PROVINCE, 420900: CITY, 420984: COUNTY}
        return next((named[here] for here in upwards(division) if here in named), None)

    def deadline(self, start: BlockTime, working_days: int) -> BlockTime | None:
        found = start + (working_days + 1) * DAY
        return BlockTime(found) if found <= self.known_until else None

    def months_after(self, start: BlockTime, months: int) -> BlockTime:
        return months_after(start, months)


def now(by: DepartmentCode = POLICE, time: int = NOON, world: World | None = None) -> acts.Now:
    return acts.Now(by, BlockTime(time), world or World())


def negative(**changes: Any) -> NewItem:
    given: dict[str, Any] = {
        "file_class": FILES,
        "item_class": GENERAL,
        "commitment": some(1),
        "severity": Severity.GENERAL,
        "notice": some(2),
        "decision": some(3),
        "decided_at": TODAY,
        "event_end": TODAY,
        "publish_months": 6,
    }
    return NewItem(**(given | changes))


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


def test_default_profile__each_figure__is_its_rule_s() -> None:
    rules, p = credit_rules(), Profile()
    assert p.mark_days == rules["DEFAULT-MARK"].days
    assert p.answer_days == rules["DEFAULT-DECIDE"].days
    assert f"{p.answer_other_days} with another unit" in rules["DEFAULT-DECIDE"].note
    minor, general, serious = (rules[f"PUB-{name}"] for name in ("MINOR", "GENERAL", "SERIOUS"))
    assert (minor.min_months, minor.max_months) == p.publication(Severity.MINOR)
    assert (general.min_months, general.max_months) == p.publication(Severity.GENERAL)
    assert (serious.min_months, serious.max_months) == p.publication(Severity.SERIOUS)
    assert rules["DEFAULT-STOP"].max_months == p.stop_months


def test_rules__the_file__as_vendored() -> None:
    rules = credit_rules()
    assert len(rules) == 34
    assert rules["OBJ-BUREAU"].unit == "day (日, not working day)"
    assert rules["OBJ-HA-MARK"].days is None
    assert not rules["REPAIR"].text_seen


def test_classes__each__fits_the_contract(book: Book) -> None:
    classes = credit_classes()
    assert len({c.name_zh for c in classes.values()}) == len(classes)
    for c in classes.values():
        assert c.sealed == (c.number >= credits.SEALED_FROM)
        if c.sealed:
            with pytest.raises(ChuzhengError) as caught:
                acts.set_item_class(book, c.number, now(acts.NOBODY), polarity=2, measure=0, basis=some(1))
            assert caught.value.code == "credit_records.item_class_sealed"
            continue
        made = acts.set_item_class(
            Book(), c.number, now(PROVINCE), polarity=c.polarity, measure=c.measure, basis=some(1)
        ).classes[c.number]
        assert (made.polarity, made.measure) == (Polarity(c.polarity), Measure(c.measure))
