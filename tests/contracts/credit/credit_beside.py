"""CreditRecords beside its Python twin, ledger.credit_acts: each act of both, and how the contract tells an item."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from typing import ClassVar

from credit_world import (
    COUNTY,
    FILES,
    FILES32,
    today,
)
from mining import ask, transact
from turning_credit import TurningCredit
from world import NONE, digest, left, now

from ledger import credit_acts as acts
from ledger.calendar import DAY, OFFSET
from ledger.credits import (
    Book,
    Contribution,
    CreditItem,
    ItemState,
    NewItem,
    Period,
    Severity,
    file_class_bytes,
    state_at,
)

ITEMS = [digest(f"item {n}") for n in range(3)]


def commitment(number: int) -> bytes:
    return digest(f"commitment {number}") if number else NONE


def told_item(item: CreditItem) -> tuple:
    """The contract's struct `Item`."""
    return (
        left(item.owner),
        file_class_bytes(item.file_class),
        item.item_class,
        int(item.severity),
        int(item.state),
        item.commitment,
        item.notice or NONE,
        item.decision or NONE,
        item.decided_at or 0,
        item.event_end or 0,
        item.publish_until or 0,
        item.repair_from or 0,
        item.stop_at or 0,
        item.added_at,
        item.changed_at,
        len(item.objections),
        item.outcome or NONE,
        item.replacement or NONE,
        item.filing or NONE,
    )


def told_objections(item: CreditItem) -> tuple:
    """The contract's structs `Objection`."""
    return tuple(
        (
            o.number,
            int(o.stage),
            int(o.answer),
            o.answer_days,
            o.least_days,
            o.received_at,
            o.recorded_at,
            o.mark_by or 0,
            o.answer_by or 0,
            o.answered_at or 0,
            left(o.department),
            o.request,
            o.decision or NONE,
        )
        for o in item.objections
    )


class CreditBeside(TurningCredit):
    at = acts.Now
    start: Book
    met: ClassVar[Counter[tuple[str, ItemState | None, ItemState | None]]] = Counter()
    """How often each function moved an item from which state to which; None: no item's state."""

    def __init__(self) -> None:
        super().__init__()
        self.contract, self.book = self.world.credits, self.start
        self.touched: set[bytes] = set()

    def step(self, name: str, by: str, args: tuple, twin) -> None:
        self.touched = {args[0]} & set(ITEMS)
        super().step(name, by, args, twin)

    def was_done(self, name: str, what: bytes, before: Book, time: int) -> None:
        was, became = (state_at(before, what, time), self.book.items[what].state) if self.touched else (None, None)
        self.met[name, was, became] += 1

    def who(self, who: str, item_id: bytes) -> str:
        item = self.book.items.get(item_id)
        if who == "keeper" or (item is None and who in ("owner", "authority")):
            return COUNTY
        if who == "owner":
            return item.owner
        if who == "authority":
            return acts.authority_of(item, item_id, acts.Now("", 0, self.told))
        return who

    def on_item(self, name: str, which: int, who: str, args: tuple, twin) -> None:
        item_id = ITEMS[which]
        self.step(name, self.who(who, item_id), (item_id, *args), lambda book, now_: twin(book, item_id, now_))

    # Items

    def add(self, which, owner, item_class, severity, ago, given, decided, months) -> None:
        ended = None if ago is None else today() - ago * DAY
        new = NewItem(
            file_class=FILES,
            item_class=item_class,
            commitment=commitment(given[0]),
            severity=Severity(severity),
            notice=commitment(given[1]) if given[1] else None,
            decision=commitment(given[2]) if given[2] else None,
            decided_at=None if decided is None else today() - decided * DAY,
            event_end=ended,
            publish_months=months,
        )
        told = (
            FILES32,
            item_class,
            severity,
            new.commitment,
            new.notice or NONE,
            new.decision or NONE,
            new.decided_at or 0,
            new.event_end or 0,
            months,
        )
        item_id = ITEMS[which]
        self.step("add", owner, (item_id, told), lambda book, now_: acts.add(book, item_id, new, now_))

    def objects(self, which, who, request, off, shift) -> None:
        received = today() - off * DAY + (3_600 if shift and off == 10 else 0)
        why = commitment(request)
        self.on_item("objectTo", which, who, (why, received), lambda b, i, n: acts.object_to(b, i, why, received, n))

    def appeals(self, which, who, request) -> None:
        received, why = today(), commitment(request)
        self.on_item("appeal", which, who, (why, received), lambda b, i, n: acts.appeal(b, i, why, received, n))

    def upholds(self, which, who, decision) -> None:
        why = commitment(decision)
        self.on_item("uphold", which, who, (why,), lambda b, i, n: acts.uphold(b, i, why, n))

    def upholds_and_appeals(self, which, overdue, numbers) -> None:
        """To the authority, after the owner upheld it or said nothing."""
        self.objects(which, "keeper", next(numbers), 0, False)
        if overdue:
            self.time_passes(20)
        else:
            self.upholds(which, "owner", next(numbers))
        self.appeals(which, "keeper", next(numbers))

    def decides(self, which, who, ruling, decision) -> None:
        why = commitment(decision)
        self.on_item("rule", which, who, (ruling, why), lambda b, i, n: acts.rule(b, i, ruling, why, n))

    def answers_out_of_turn(self, which, who, given, act) -> None:
        if act == 0:
            self.upholds(which, who, given)
        elif act == 1:
            self.appeals(which, who, given)
        elif act == 2:
            self.decides(which, who, 1, given)
        else:
            self.objects(which, who, given, 0, False)

    def ends(self, which, who, given, reason) -> None:
        """Corrected, repaired or withdrawn."""
        why = commitment(given)
        if reason < 4:
            self.on_item("withdraw", which, who, (reason, why), lambda b, i, n: acts.withdraw(b, i, reason, why, n))
        elif reason < 6:
            self.on_item("repair", which, who, (why,), lambda b, i, n: acts.repair(b, i, why, n))
        else:
            new = commitment(given + 1 if reason == 6 else given)
            self.on_item("correct", which, who, (new, why), lambda b, i, n: acts.correct(b, i, new, why, n))

    def adds_to_an_item(self, which, who, given, act, ago) -> None:
        said = commitment(given)
        if act < 2:
            self.on_item("attachStatement", which, who, (said,), lambda b, i, n: acts.attach_statement(b, i, said, n))
        elif act == 2:
            self.on_item("recordFiling", which, who, (said,), lambda b, i, n: acts.record_filing(b, i, said, n))
        elif act == 3:
            end = today() - ago * DAY
            self.on_item("endEvent", which, who, (end,), lambda b, i, n: acts.end_event(b, i, end, n))
        else:
            # Of its own accord only when the time is up; else the owner's, with a decision, and rarely.
            why = said if act == 4 and ago == 100 else NONE
            self.on_item("archive", which, who, (why,), lambda b, i, n: acts.archive(b, i, why, n))

    # What is around them

    def rules_are_set(self, act, by, number, polarity, small, profile) -> None:
        why = digest(f"law {small}") if small else NONE
        if act < 2:
            self.step(
                "setItemClass",
                by,
                (number, polarity, small, why),
                lambda b, n: acts.set_item_class(
                    b, number, n, polarity=polarity, measure=small, basis=why if small else None
                ),
            )
        elif act == 2:
            self.step("setRules", by, (small, why, NONE), lambda b, n: acts.set_rules(b, small, why, n))
        elif act == 3 and polarity == 0:
            basis = why if small else None
            self.step("sealItemClass", by, (number, why), lambda b, n: acts.seal_item_class(b, number, n, basis=basis))
        elif act > 3:
            self.step(
                "setProfile",
                "",
                (astuple(profile), why),
                lambda b, n: acts.set_profile(b, profile, why if small else None),
            )

    def contributors_change(self, by, contributor, item_class, since, until, ends) -> None:
        given = Contribution(FILES, contributor, item_class)
        if ends:
            args = (FILES32, left(contributor), item_class, 1, NONE)
            self.step("endContributor", by, args, lambda b, n: acts.end_contributor(b, given, n))
            return
        period = Period(since and now() + since - 50, None if until is None else now() + until)
        self.step(
            "authoriseContributor",
            by,
            (FILES32, left(contributor), item_class, period.since, period.until or 0, NONE),
            lambda b, n: acts.authorise_contributor(b, given, period, n),
        )

    def time_passes(self, days: int) -> None:
        ask("evm_increaseTime", hex(days * DAY + 10))
        ask("evm_mine")

    def holidays_are_declared(self, days: int) -> None:
        """The council knows of them from tomorrow on; terms that run are moved only by `moveDeadline`."""
        first = (now() + OFFSET) // DAY + 1
        numbers = [n for n in range(first, first + days) if self.told.is_known(n)]
        if numbers:
            transact(self.world.calendar.setDays, self.world.council, numbers, False, NONE)
            self.told.holidays |= set(numbers)
