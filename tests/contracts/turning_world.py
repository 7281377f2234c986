"""The world around the sharing contracts as their state machines turn it: time, suspensions, the Council's pause, a
succession, the catalogue. Every act is sent to the contract and asked of the twin at that block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from machines import EXAMPLES, TakenBack, turn_suspension
from mining import ask, error_name, transact
from shares_world import (
    AUTHORITY,
    BASIS,
    CONDITIONAL,
    CONSUMER,
    DAY,
    ELSEWHERE,
    GOVERNMENT,
    PROVIDER,
    RESOURCES,
    SharesWorld,
)
from world import NONE, digest, left

from ledger.errors import ChuzhengError
from ledger.shares import acts
from ledger.shares.setting import Actor, Resource, Setting

HOUR = 3_600
SUCCESSIONS = ((PROVIDER, ELSEWHERE), (PROVIDER, AUTHORITY), (CONSUMER, AUTHORITY), (CONSUMER, GOVERNMENT))


class TurningWorld(TakenBack):
    """One contract and its twin's `book`; rules of this class turn what is around them."""

    world: SharesWorld
    book: Any
    area: str
    ids: tuple[bytes, ...]

    def __init__(self) -> None:
        super().__init__()
        self.suspended: frozenset[str] = frozenset()
        self.succeeded: Mapping[str, str] = {}
        self.resources: Mapping[bytes, Resource] = RESOURCES
        self.paused = False
        self.slip = 0
        self.documents, self.careless = 0, True
        self.looked_at: object = None
        """the book as it was compared last: a refusal leaves nothing behind"""

    def now(self) -> int:
        return int(ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def carrier(self, department: str, what: bytes) -> str:
        return self.succeeded.get(department, department)

    def setting(self, now: int, block: int) -> Setting:
        return self.world.setting(
            now,
            block,
            suspended=self.suspended,
            slip=self.slip,
            paused=self.paused,
            carrier=self.carrier,
            resources=self.resources,
        )

    def both(self, who: str, function, twin, *args) -> None:
        """Sends the act, then asks the twin at that block: one's refusal is the other's, one's no change too."""
        by: Actor = self.world.people[who]
        basis = self.behind(args[0]) if BASIS in args else None
        args = tuple(basis if arg == BASIS else arg for arg in args)
        error, done, at = transact(function, by.operator, *args)
        if by.department in self.succeeded and error == "Succeeded":
            return  # Departments' own answer, before the contract's
        block = int(ask("eth_blockNumber"), 16)
        try:
            after = twin(self.book, by=by, setting=self.setting(at, block))
            after = acts.backed(self.book, after, args[0], basis, self.area)
        except ChuzhengError as refused:
            assert error == error_name(refused.code), (refused, error)
            return
        assert (error, done) == (None, after is not self.book), (function, error)
        self.book = after

    def behind(self, id_: bytes) -> bytes:
        """The act's document: one of this thing's, at times another one's."""
        self.documents += 1
        other = self.ids[id_ == self.ids[0]]
        whose = other if self.careless and self.documents % 5 == 0 else id_
        return digest(f"document {self.documents % 3} behind {whose.hex()}")

    @rule(seconds=st.sampled_from([60, HOUR, 5 * HOUR, DAY, 3 * DAY, 11 * DAY, 13 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.time_goes_by(seconds)

    def time_goes_by(self, seconds: int) -> None:
        ask("evm_increaseTime", hex(seconds))
        ask("evm_mine")
        self.looked_at = None

    @rule(department=st.sampled_from([CONSUMER, PROVIDER, AUTHORITY, GOVERNMENT]))
    def suspension_of_a_department_turns(self, department: str) -> None:
        self.suspended = turn_suspension(self.world, department, self.suspended)

    @rule()
    def pause_turns(self) -> None:
        self.paused = not self.paused
        self.world.pause(self.paused)

    @rule(sharing_class=st.sampled_from([1, 2, 2, 3]), state=st.sampled_from([3, 4, 5]))
    def catalogue_changes(self, sharing_class: int, state: int) -> None:
        changed = replace(self.resources[CONDITIONAL], sharing_class=sharing_class, state=state)
        self.resources = {**self.resources, CONDITIONAL: changed}
        setter = self.world.places.setResource
        transact(setter, self.world.council, CONDITIONAL, left(changed.provider), sharing_class, state)

    @precondition(lambda self: not self.succeeded)
    @rule(succession=st.sampled_from(SUCCESSIONS))
    def department_is_succeeded(self, succession: tuple[str, str]) -> None:
        """Once: who was succeeded is carried, with all that was its own."""
        old, new = succession
        error, _, _ = transact(self.world.departments.succeed, self.world.council, left(old), left(new), 0, [], NONE)
        assert error is None
        self.succeeded = {old: new}


def walk(machine: Any, ids: Sequence[bytes]) -> None:
    """Mostly apt acts: Hypothesis draws shallow histories; these go deep, and prove that no state was left out."""
    machine.met.clear()
    for seed in range(max(EXAMPLES // 2, 1)):
        walker, chance = machine(), Random(seed)
        walker.careless = False
        for _ in range(25):
            if chance.randrange(12) == 0:
                chance.choice([walker.pause_turns, partial(walker.catalogue_changes, chance.choice([2, 3]), 3)])()
            elif chance.randrange(60) == 0 and not walker.succeeded:
                walker.department_is_succeeded(chance.choice(SUCCESSIONS))
            else:
                walker.apt(chance.choice(ids), chance)
            walker.same_book()
        walker.teardown()
    # Less than all with fewer examples than usual.
    assert EXAMPLES < 60 or machine.met == set(machine.states), set(machine.states) - machine.met
