"""CreditRecords beside its Python twin, ledger.credit_acts: the same steps, the same answers, at every instant.

Hypothesis draws departments, items (wrong ones too), objections, rulings, repairs, holidays, pauses, suspensions and
waiting of days and years; after each step the items, and what counts of them at instants around every term, are
compared. A refusal of one must be the other's refusal.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from credit_beside import ITEMS, CreditBeside, told_item, told_objections
from credit_world import (
    COMPANY,
    CONTRIBUTIONS,
    COUNTY,
    CRIME,
    FACT,
    FILES,
    FRAUD,
    MERIT,
    NEGATIVE,
    POLICE,
    PROVINCE,
    SCHOOL,
    SEALED,
    UNKNOWN,
    VETERANS,
    Told,
)
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from machines import drive
from world import NONE, digest, left, now, plain

from ledger import credit_acts as acts
from ledger.credits import (
    Answer,
    Book,
    Contribution,
    ItemState,
    Period,
    Profile,
    Severity,
    Stage,
    is_published,
    state_at,
)

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


class CreditMachine(CreditBeside):
    @initialize(
        item_class=st.sampled_from([NEGATIVE, NEGATIVE, FRAUD, CRIME, MERIT]), ago=st.sampled_from([0, 200, 1700])
    )
    def first(self, item_class: int, ago: int) -> None:
        severity = Severity.GENERAL if item_class != MERIT else Severity.NONE
        owner = {NEGATIVE: POLICE, FRAUD: COUNTY, CRIME: PROVINCE, MERIT: POLICE}[item_class]
        decided = 0 if ago == 1700 else ago
        self.add(0, owner, item_class, int(severity), None if item_class == MERIT else ago, (1, 2, 3), decided, 6)
        self.add(1, SCHOOL, NEGATIVE, 1, 30, (4, 5, 6), 1, 0)

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
    def adds(self, **drawn) -> None:
        self.add(**drawn)

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
        super().time_passes(days)

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
    drive(CreditMachine, share=2)  # each example is long


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
