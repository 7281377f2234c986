"""Credit items: what the chain keeps of them, in which state one is, and how long it counts.

Pure twin of the contract `CreditRecords` (credit.md), with `ledger.credit_acts`, which holds the moves. Nothing here
joins two items of one person. Times are block times in seconds; days are given as their first second in Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import NewType, Protocol

from ledger.calendar import DAY, OFFSET
from ledger.types import BlockTime, DepartmentCode, Digest

ItemId = NewType("ItemId", bytes)
"""32 random bytes."""
SEALED_FROM = 9_000
"""Classes from here on are sealed by law: no act of anyone opens them."""


class ItemState(IntEnum):
    """credit.md, States; any state ends in ARCHIVED, by time alone."""

    ACTIVE = 1
    OBJECTED = 2
    CORRECTED = 3
    WITHDRAWN = 4
    REPAIRED = 5
    ARCHIVED = 6


IN_USE = frozenset({ItemState.ACTIVE, ItemState.OBJECTED})
"""States that may be shown, counted and queried; OBJECTED with its mark."""


class Severity(IntEnum):
    """How serious a negative item is; other items have none."""

    NONE = 0
    MINOR = 1
    GENERAL = 2
    SERIOUS = 3


class Polarity(IntEnum):
    """What a class of items says of a person."""

    MERIT = 1
    NEGATIVE = 2
    FACT = 3


class Measure(IntEnum):
    """What is done to a person's benefits (Veterans Protection Law art. 78, 79); says who may add such items."""

    NONE = 0
    FRAUD = 1
    CRIME = 2


class Field(IntEnum):
    """Fields of use (credit.md)."""

    PLACEMENT = 1
    BENEFITS = 2
    HARDSHIP = 3


class Stage(IntEnum):
    """Who answers an objection."""

    OWNER = 1
    AUTHORITY = 2


class Answer(IntEnum):
    """How an objection stands. ORDERED: the owner must correct or withdraw; SILENT: an appeal followed."""

    OPEN = 0
    UPHELD = 1
    CORRECTED = 2
    WITHDRAWN = 3
    REPAIRED = 4
    ORDERED = 5
    ARCHIVED = 6
    SILENT = 7


@dataclass(frozen=True, slots=True)
class FileClass:
    """A keeper's files in one field. There is no finer one: a class for one person would join that person's items."""

    keeper: DepartmentCode
    use: Field


@dataclass(frozen=True, slots=True)
class Profile:
    """Figures of the clocks that start now: working days and months (`ledger/codes/data/credit_rules.csv`)."""

    mark_days: int = 1
    answer_days: int = 5
    answer_other_days: int = 7
    minor_max_months: int = 3
    general_min_months: int = 3
    general_max_months: int = 12
    serious_min_months: int = 12
    serious_max_months: int = 36
    stop_months: int = 60

    def publication(self, severity: Severity) -> tuple[int, int]:
        """(least, most) months in public, from the deciding document; the least is also the time before a repair."""
        match severity:
            case Severity.MINOR:
                return 0, self.minor_max_months
            case Severity.GENERAL:
                return self.general_min_months, self.general_max_months
            case Severity.SERIOUS:
                return self.serious_min_months, self.serious_max_months
            case _:
                return 0, self.stop_months


@dataclass(frozen=True, slots=True)
class ItemClass:
    """A class of items in the catalogue; `polarity` None: only sealed, never defined."""

    polarity: Polarity | None
    measure: Measure = Measure.NONE
    sealed: bool = False
    basis: Digest | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """since <= t < until; None: no end."""

    since: BlockTime
    until: BlockTime | None = None

    def holds(self, at: BlockTime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Contribution:
    """Who may add items of which class to whose files."""

    file_class: FileClass
    contributor: DepartmentCode
    item_class: int


@dataclass(frozen=True, slots=True)
class NewItem:
    """What an owner adds. `publish_months` 0: not in public. `event_end` None: it lasts (never for negative items)."""

    file_class: FileClass
    item_class: int
    commitment: Digest
    severity: Severity = Severity.NONE
    notice: Digest | None = None
    decision: Digest | None = None
    decided_at: BlockTime | None = None
    event_end: BlockTime | None = None
    publish_months: int = 0


@dataclass(frozen=True, slots=True)
class Objection:
    """One objection or appeal. `mark_by`, `answer_by` None: the calendar has no such year yet (provisional)."""

    number: int
    stage: Stage
    department: DepartmentCode
    """Who recorded it."""
    request: Digest
    received_at: BlockTime
    recorded_at: BlockTime
    answer_days: int
    """From the day it came in."""
    least_days: int
    """From the day it was recorded: who records late takes nothing from the time of who must answer."""
    mark_by: BlockTime | None
    answer_by: BlockTime | None
    answer: Answer = Answer.OPEN
    answered_at: BlockTime | None = None
    decision: Digest | None = None


@dataclass(frozen=True, slots=True)
class CreditItem:
    """One item as the contract keeps it; `state` is the recorded one, `state_at` tells the one that counts."""

    owner: DepartmentCode
    file_class: FileClass
    item_class: int
    severity: Severity
    state: ItemState
    commitment: Digest
    notice: Digest | None
    decision: Digest | None
    decided_at: BlockTime | None
    event_end: BlockTime | None
    publish_until: BlockTime | None
    repair_from: BlockTime | None
    stop_at: BlockTime | None
    added_at: BlockTime
    changed_at: BlockTime
    objections: tuple[Objection, ...] = ()
    statements: tuple[Digest, ...] = ()
    outcome: Digest | None = None
    """Commitment of the last act's decision."""
    replacement: Digest | None = None
    """`replacement_of` the new item's id, for CORRECTED."""
    filing: Digest | None = None

    @property
    def last_objection(self) -> Objection | None:
        return self.objections[-1] if self.objections else None


@dataclass(frozen=True, slots=True)
class Book:
    """The contract's whole state. `acts`: the one act that each commitment belongs to."""

    profile: Profile = Profile()
    classes: Mapping[int, ItemClass] = field(default_factory=dict)
    contributors: Mapping[Contribution, Period] = field(default_factory=dict)
    items: Mapping[ItemId, CreditItem] = field(default_factory=dict)
    acts: Mapping[Digest, object] = field(default_factory=dict)
    rules: Mapping[int, Digest] = field(default_factory=dict)


class Around(Protocol):
    """What the other contracts say at the block of the act."""

    def is_paused(self) -> bool: ...
    def is_suspended(self, department: DepartmentCode) -> bool: ...
    def is_department(self, department: DepartmentCode) -> bool:
        """Admitted, and no service operator."""

    def division_of(self, department: DepartmentCode) -> int: ...
    def carrier_of(self, department: DepartmentCode, what: bytes) -> DepartmentCode: ...
    def authority_for(self, domain: int, division: int) -> DepartmentCode | None:
        """The first one set from the division upwards."""

    def deadline(self, start: BlockTime, working_days: int) -> BlockTime | None:
        """None: the calendar doesn't know a year that is needed."""

    def months_after(self, start: BlockTime, months: int) -> BlockTime: ...


def is_sealed(book: Book, item_class: int) -> bool:
    """Whether the law seals the class: by its number, or by an act that nobody takes back."""
    known = book.classes.get(item_class)
    return item_class >= SEALED_FROM or (known is not None and known.sealed)


def state_at(book: Book, item_id: ItemId, time: BlockTime) -> ItemState | None:
    """The state that counts at `time`, as recorded by now; None: no such item. Nobody has to act for an item to end."""
    item = book.items.get(item_id)
    if item is None:
        return None
    if item.stop_at is not None and time >= item.stop_at:
        return ItemState.ARCHIVED
    return ItemState.ARCHIVED if is_sealed(book, item.item_class) else item.state


def is_published(book: Book, item_id: ItemId, time: BlockTime) -> bool:
    """Whether the item may be shown in public at `time`; an OBJECTED one carries its mark."""
    item = book.items.get(item_id)
    if item is None or state_at(book, item_id, time) not in IN_USE:
        return False
    return item.publish_until is not None and time < item.publish_until


def replacement_of(item_id: ItemId, new_item_id: ItemId, salt: bytes) -> Digest:
    """Commitment that stands on the chain for "`new_item_id` replaces `item_id`"; `salt`: 32 random bytes."""
    return Digest(sha256(b"chuzheng/credit/replaces/v1\0" + salt + item_id + new_item_id).digest())


def is_day(time: int) -> bool:
    """Whether `time` is the first second of a day of Asia/Shanghai."""
    return (time + OFFSET) % DAY == 0


def day_of(time: int) -> BlockTime:
    """First second of the day of Asia/Shanghai in which `time` lies: how days are given to the contract."""
    return BlockTime(time - (time + OFFSET) % DAY)


def file_class_bytes(file_class: FileClass) -> bytes:
    """The file class as the contract has it: the keeper's 18 bytes, 13 zero bytes and the field."""
    return file_class.keeper.encode("ascii").ljust(31, b"\0") + bytes([file_class.use])
