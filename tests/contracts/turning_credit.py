"""The world around CreditRecords and Nodes as their state machines turn it: the Council's pause, suspensions. Every act
is sent to the contract and asked of the twin at that block."""

from __future__ import annotations

from typing import Any, ClassVar

from credit_world import CreditWorld, Told
from hypothesis.stateful import rule
from machines import TakenBack, turn_suspension
from mining import error_name, transact

from ledger.errors import ChuzhengError


class TurningCredit(TakenBack):
    """One contract and its twin's `book`; `at` is what the twin is told of the caller and the block."""

    world: CreditWorld
    contract: Any
    book: Any
    at: ClassVar[type]

    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.last: tuple | None = None

    def step(self, name: str, by: str, args: tuple, twin) -> None:
        """`twin(book, now)` beside the contract's function `name`; `by` "" is the council."""
        sender = self.world.operators[by] if by else self.world.council
        error, done, time = transact(getattr(self.contract, name), sender, *args)
        before = self.book
        try:
            self.book = twin(before, self.at(by, time, self.told))
        except ChuzhengError as refused:
            assert error == error_name(refused.code), (name, refused, error)
            return
        assert (error, done) == (None, self.book is not before), name
        if done:
            self.last = (name, by, args, twin)
            self.was_done(name, args[0], before, time)

    def was_done(self, name: str, what: Any, before: Any, time: int) -> None:
        """After an act that changed something: `before` is the book without it."""

    @rule()
    def sends_again(self) -> None:
        if self.last:
            self.step(*self.last)

    def a_pause_turns(self, rarely: int) -> None:
        if rarely and not self.told.paused:
            return
        self.told.paused = not self.told.paused
        self.world.pause(self.told.paused)

    def a_suspension_turns(self, department: str, rarely: int) -> None:
        if department not in self.told.suspended and rarely:
            return
        self.told.suspended = turn_suspension(self.world, department, self.told.suspended)
