"""CreditRecords beside its Python twin, ledger.credit_acts: the same steps, the same answers, at every instant.

Hypothesis draws departments, items (wrong ones too), objections, rulings, repairs, holidays, pauses, suspensions and
waiting of days and years; after each step the items, and what counts of them at instants around every term, are
compared. A refusal of one must be the other's refusal.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import astuple, replace
from itertools import count
from typing import ClassVar

from credit_world import (
    COMPANY,
    CONTRIBUTIONS,
    COUNTY,
    CRIME,
    FACT,
    FILES,
    FILES32,
    FRAUD,
    MERIT,
    NEGATIVE,
    POLICE,
    PROVINCE,
    SCHOOL,
    SEALED,
    UNKNOWN,
    VETERANS,
    CreditWorld,
    Told,
    camel,
    today,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from mining import ask, transact
from world import NONE, digest, left, now, plain

from ledger import credit_acts as acts
from ledger.calendar import DAY, OFFSET
from ledger.credits import (
    Answer,
    Book,
    Contribution,
    CreditItem,
    ItemState,
    NewItem,
    Period,
    Profile,
    Severity,
    Stage,
    file_class_bytes,
    is_published,
    state_at,
)
from ledger.errors import ChuzhengError

EXAMPLES = int(os.environ.get("CHUZHENG_EXAMPLES", "60"))
ITEMS = [digest(f"item {n}") for n in range(3)]
SHORTER = Profile(2, 3, 4, 1, 4, 6, 12, 24, 36)
WHO = st.sampled_from(["owner"] * 8 + ["keeper", "authority", SCHOOL, PROVINCE])
WHICH = st.sampled_from([0, 0, 0, 1, 1, 2])
COMMITMENTS = st.sampled_from(range(120))
"""0: none. Few enough that some are used twice."""

NEXT = st.tuples(WHO, COMMITMENTS, st.integers(0, 9), st.sampled_from([0, 0, 0, 1, 10, -1]))


IN_USE = (ItemState.ACTIVE, ItemState.OBJECTED)
ENDED = (ItemState.CORRECTED, ItemState.WITHDRAWN, ItemState.REPAIRED)
MOVES = {
    ("add", None, ItemState.ACTIVE),
    ("objectTo", ItemState.ACTIVE, ItemState.OBJECTED),
    ("uphold", ItemState.OBJECTED, ItemState.ACTIVE),
    *(("appeal", state, ItemState.OBJECTED) for state in IN_USE),
    *(("rule", ItemState.OBJECTED, state) for state in (*IN_USE, ItemState.WITHDRAWN)),
    *((name, state, to) for name, to in zip(("correct", "withdraw", "repair"), ENDED, strict=True) for state in IN_USE),
    *(("archive", state, ItemState.ARCHIVED) for state in (*IN_USE, *ENDED, ItemState.ARCHIVED)),
    *(("attachStatement", state, state) for state in (*IN_USE, *ENDED)),
    ("moveDeadline", ItemState.OBJECTED, ItemState.OBJECTED),
    ("recordFiling", ItemState.ACTIVE, ItemState.ACTIVE),
    ("endEvent", ItemState.ACTIVE, ItemState.ACTIVE),
    *((name, None, None) for name in ("setItemClass", "sealItemClass", "setRules", "setProfile")),
    *((name, None, None) for name in ("authoriseContributor", "endContributor")),
}
"""Every move of credit.md, and every other act, at least once in a walk of the usual length."""


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


class CreditMachine(RuleBasedStateMachine):
    world: CreditWorld
    start: Book
    met: ClassVar[Counter[tuple[str, ItemState | None, ItemState | None]]] = Counter()
    """How often each function moved an item from which state to which; None: no item's state."""

    def __init__(self) -> None:
        super().__init__()
        self.book = self.start
        self.told = Told()
        self.last = None
        self.touched: set[bytes] = set()
        self.snapshot = ask("evm_snapshot")

    def teardown(self) -> None:
        ask("evm_revert", self.snapshot)

    # What both sides are asked

    def step(self, name: str, by: str, args: tuple, twin) -> None:
        """`twin(book, now)` beside the contract's function `name`; `by` "" is the council."""
        sender = self.world.operators[by] if by else self.world.council
        error, done, at = transact(getattr(self.world.credits, name), sender, *args)
        self.touched = {args[0]} & set(ITEMS)
        before = state_at(self.book, args[0], at) if self.touched else None
        try:
            after = twin(self.book, acts.Now(by, at, self.told))
        except ChuzhengError as refused:
            assert error == camel(refused.code), (name, refused, error)
            return
        assert (error, done) == (None, after is not self.book), name
        self.book = after
        if done:
            self.last = (name, by, args, twin)
            self.met[name, before, after.items[args[0]].state if self.touched else None] += 1

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

    # Steps

    @initialize(
        item_class=st.sampled_from([NEGATIVE, NEGATIVE, FRAUD, CRIME, MERIT]), ago=st.sampled_from([0, 200, 1700])
    )
    def first(self, item_class: int, ago: int) -> None:
        severity = Severity.GENERAL if item_class != MERIT else Severity.NONE
        owner = {NEGATIVE: POLICE, FRAUD: COUNTY, CRIME: PROVINCE, MERIT: POLICE}[item_class]
        decided = 0 if ago == 1700 else ago
        self.adds(0, owner, item_class, int(severity), None if item_class == MERIT else ago, (1, 2, 3), decided, 6)
        self.adds(1, SCHOOL, NEGATIVE, 1, 30, (4, 5, 6), 1, 0)

    @rule(
        which=st.sampled_from([0, 1, 2, 2, 2]),
        owner=st.sampled_from([POLICE, POLICE, SCHOOL, COUNTY, PROVINCE]),
        item_class=st.sampled_from([MERIT, FACT, NEGATIVE, NEGATIVE, NEGATIVE, FRAUD, CRIME, UNKNOWN, SEALED]),
        severity=st.sampled_from([0, 1, 2, 2, 3]),
        ago=st.sampled_from([None, -1, 0, 30, 200, 1825, 1827]),
        given=st.tuples(COMMITMENTS, COMMITMENTS, COMMITMENTS),
        decided=st.sampled_from([None, 0, 1, 100]),
        months=st.sampled_from([0, 0, 0, 1, 3, 6, 12, 13, 36, 61]),
    )
    def adds(self, which, owner, item_class, severity, ago, given, decided, months) -> None:
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

    @rule(steps=st.lists(NEXT, min_size=1, max_size=4), which=WHICH)
    def takes_the_next_steps(self, steps, which) -> None:
        for step in steps:
            self.takes_the_next_step(which, *step)
            self.same_items()

    def takes_the_next_step(self, which, who, given, choice, off) -> None:
        """Mostly one that the item's state allows, so that long histories come about."""
        item = self.book.items.get(ITEMS[which])
        last = item and item.last_objection
        waits = last is not None and last.answer == Answer.OPEN
        if choice == 9:
            self.ends(which, who, given, 1 + off % 6)
        elif waits and last.stage == Stage.AUTHORITY:
            self.decides(which, "authority" if choice else who, (1, 1, 3, 5, 5, 5, 2, 0, 1)[choice], given)
        elif waits and choice < 4:
            self.upholds(which, who, given)
        elif last is not None and last.answer == Answer.UPHELD and choice == 8:
            self.objects(which, who, given, 0, False)
        elif last is not None and last.answer == Answer.ORDERED and choice < 6:
            self.decides(which, "authority", 3 if choice else 1, given)
        elif last is not None and last.stage == Stage.OWNER:
            if waits and choice < 6:
                self.time_passes(9)
            self.appeals(which, who, given)
        else:
            self.objects(which, who, given, off, choice == 0)

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

    @rule(data=st.data())
    def something_else_is_done(self, data) -> None:
        draw = data.draw
        which, who, given = draw(WHICH), draw(WHO), draw(COMMITMENTS)
        match draw(st.integers(0, 4)):
            case 0:
                self.answers_out_of_turn(which, who, given, draw(st.integers(0, 3)))
            case 1 | 2:
                self.ends(which, who, given, draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7])))
            case _:
                self.adds_to_an_item(
                    which, who, given, draw(st.integers(0, 5)), draw(st.sampled_from([0, 100, 1800, -2]))
                )

    @rule(which=WHICH)
    def moves_a_deadline(self, which) -> None:
        self.on_item("moveDeadline", which, SCHOOL, (), acts.move_deadline)

    @rule()
    def sends_again(self) -> None:
        if self.last:
            self.step(*self.last)

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

    @rule(data=st.data())
    def what_is_around_changes(self, data) -> None:
        draw = data.draw
        match draw(st.integers(0, 5)):
            case 0 | 1:
                self.rules_are_set(
                    draw(st.integers(0, 5)),
                    draw(st.sampled_from([PROVINCE, PROVINCE, "", COUNTY])),
                    draw(st.sampled_from([MERIT, NEGATIVE, UNKNOWN, SEALED, 0])),
                    draw(st.integers(0, 4)),
                    draw(st.integers(0, 3)),
                    draw(st.sampled_from([Profile(), SHORTER, replace(SHORTER, answer_days=1)])),
                )
            case 2:
                self.contributors_change(
                    draw(st.sampled_from([COUNTY, COUNTY, POLICE])),
                    draw(st.sampled_from([POLICE, SCHOOL, COMPANY])),
                    draw(st.sampled_from([MERIT, NEGATIVE, UNKNOWN, SEALED])),
                    draw(st.sampled_from([0, 1, 100])),
                    draw(st.sampled_from([None, -10, 50, 10**7])),
                    draw(st.sampled_from([False, False, True])),
                )
            case 3:
                self.holidays_are_declared(draw(st.integers(1, 4)))
            case 4:
                self.a_suspension_turns(draw(st.sampled_from([POLICE, COUNTY, PROVINCE])), draw(st.integers(0, 2)))
            case _:
                self.a_pause_turns(draw(st.integers(0, 2)))

    @rule(days=st.sampled_from([0, 1, 3, 9, 9, 100, 400]))
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

    def a_pause_turns(self, rarely: int) -> None:
        if rarely and not self.told.paused:
            return
        self.told.paused = not self.told.paused
        self.world.pause(self.told.paused)

    def a_suspension_turns(self, department: str, rarely: int) -> None:
        if department not in self.told.suspended and rarely:
            return
        departments, council = self.world.departments, self.world.council
        if department in self.told.suspended:
            transact(departments.reinstate, council, left(department), NONE)
        else:
            transact(departments.suspend, council, left(department), 1, NONE)
        self.told.suspended ^= {department}

    # What must be the same

    @invariant()
    def same_items(self) -> None:
        """The one item that a step could touch."""
        credits = self.world.credits
        for item_id in self.touched:
            item = self.book.items.get(item_id)
            if item is None:
                assert plain(credits.itemOf(item_id))[0] == NONE
                continue
            assert plain(credits.itemOf(item_id)) == told_item(item)
            assert plain(credits.objectionsOf(item_id)) == told_objections(item)
            if item.statements:
                assert plain(credits.statementsOf(item_id)) == item.statements

    @invariant()
    def same_answers(self) -> None:
        for item_id in self.touched & self.book.items.keys():
            item = self.book.items[item_id]
            ends = {item.publish_until, item.stop_at} - {None}
            for at in {now(), *ends, *(end - 1 for end in ends)}:
                assert self.world.credits.stateAt(item_id, at) == int(state_at(self.book, item_id, at))
                assert self.world.credits.isPublished(item_id, at) == is_published(self.book, item_id, at)


def started() -> Book:
    """The twin of `CreditWorld.catalogue`."""
    book, told = Book(), Told()
    for number, polarity, measure in ((MERIT, 1, 0), (FACT, 3, 0), (NEGATIVE, 2, 0), (FRAUD, 2, 1), (CRIME, 2, 2)):
        basis = digest(f"law {number}")
        at = acts.Now(PROVINCE, now(), told)
        book = acts.set_item_class(book, number, at, polarity=polarity, measure=measure, basis=basis)
    for code, number in CONTRIBUTIONS:
        at = acts.Now(COUNTY, now(), told)
        book = acts.authorise_contributor(book, Contribution(FILES, code, number), Period(1), at)
    return book


def test_credit_machine__any_steps__contract_and_twin_agree(made) -> None:
    CreditMachine.world, CreditMachine.start = made, started()
    run_state_machine_as_test(
        CreditMachine,
        settings=settings(
            max_examples=EXAMPLES // 2,  # each of them is long
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=HealthCheck.all(),
        ),
    )


def test_credit_walk__every_move__met(made) -> None:
    """What random walks seldom come to: each end from each state, and the archive after each end."""
    CreditMachine.world, CreditMachine.start = made, started()
    numbers = count(1_000, 2)
    for end in ((), (1,), (4,), (6,)):  # none, withdrawn, repaired, corrected
        for objected in (False, True):
            machine = CreditMachine()
            machine.first(NEGATIVE, 200)
            which = 1  # minor: repaired at once
            if objected:
                machine.objects(which, "keeper", next(numbers), 0, False)
            for reason in end:
                machine.ends(which, "owner", next(numbers), reason)
            machine.adds_to_an_item(which, "keeper", next(numbers), 0, 0)
            machine.same_items()
            machine.adds_to_an_item(which, "owner", next(numbers), 4, 100)  # archived by its owner
            machine.same_items()
            machine.teardown()
    for ruling in (1, 3, 5):
        machine = CreditMachine()
        machine.first(CRIME, 0)
        machine.adds_to_an_item(0, "owner", next(numbers), 2, 0)  # filed
        machine.upholds_and_appeals(0, ruling == 3, numbers)
        machine.decides(0, "authority", ruling, next(numbers))
        machine.same_items()
        machine.time_passes(2_000)
        machine.adds_to_an_item(0, SCHOOL, 0, 5, 0)  # the time is up: anyone
        machine.same_items()
        machine.teardown()
    machine = CreditMachine()
    machine.first(MERIT, 0)
    machine.adds_to_an_item(0, "owner", 0, 3, 10)  # the event ends
    machine.objects(0, "keeper", next(numbers), 0, False)
    machine.holidays_are_declared(4)
    machine.moves_a_deadline(0)
    machine.same_items()
    for act in (0, 2, 3, 4):
        machine.rules_are_set(act, "", UNKNOWN, 0 if act == 3 else 2, 1, SHORTER)
    machine.contributors_change(COUNTY, SCHOOL, MERIT, 1, None, False)
    machine.contributors_change(COUNTY, SCHOOL, MERIT, 1, None, True)
    machine.teardown()
    told = {f"{name} {before or ''}→{after or ''}" for name, before, after in MOVES - CreditMachine.met.keys()}
    assert not told, sorted(told)


def test_twin__authority__is_the_contract_s(made) -> None:
    assert made.authorities.authorityFor(VETERANS, 420984) == "0x" + left(COUNTY).hex()
