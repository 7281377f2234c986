"""The breaker: one caller waits for a node that hangs, the others are told at once."""

from __future__ import annotations

import pytest

from api.breaker import OPEN_FOR, SLOW, Breaker
from ledger.errors import IntegrityError, UnavailableError
from ledger.types import Block
from tests.fakes.chain import FakeChain


class Hanging(FakeChain):
    """Takes `takes` seconds of the test's clock for every answer that doesn't come."""

    takes = 5.0
    now = 0.0

    def head(self) -> Block:
        if self.takes:
            type(self).now += self.takes
            self._asked("head")
            raise UnavailableError("chain.unreachable", url="here")
        return super().head()


def test_breaker__timeout__is_waited_for_once() -> None:
    chain = Hanging()
    breaker = Breaker(chain, clock=lambda: Hanging.now)
    with pytest.raises(UnavailableError) as caught:
        breaker.head()
    asked = len(chain.calls)
    for question in (breaker.head, breaker.chain_id, breaker.genesis_hash, lambda: breaker.block(1)):
        with pytest.raises(UnavailableError) as again:
            question()
        assert again.value.code == caught.value.code
        assert 0 < (again.value.retry_after or 0) <= OPEN_FOR
    assert len(chain.calls) == asked
    Hanging.now += OPEN_FOR
    chain.takes = 0
    assert breaker.head() == chain.head()
    assert breaker.chain_id() == chain.chain_id()


def test_breaker__after_the_pause__one_goes_to_see_while_the_others_are_told() -> None:
    chain = Hanging()
    breaker = Breaker(chain, clock=lambda: Hanging.now)
    with pytest.raises(UnavailableError):
        breaker.head()
    Hanging.now += OPEN_FOR
    asked: list[int] = []

    def meanwhile() -> None:
        with pytest.raises(UnavailableError):
            breaker.chain_id()
        asked.append(len(chain.calls))

    real, chain.takes = chain.head, 0

    def watched() -> Block:
        meanwhile()
        return real()

    chain.head = watched  # type: ignore[method-assign]
    assert breaker.head()
    assert asked == [1], "nobody else asked the chain"
    assert breaker.chain_id() == chain.chain_id()


def test_breaker__quick_refusal__is_asked_again_at_once() -> None:
    chain = Hanging()
    chain.takes = SLOW / 2
    breaker = Breaker(chain, clock=lambda: Hanging.now)
    with pytest.raises(UnavailableError):
        breaker.head()
    chain.takes = 0
    assert breaker.head()


def test_breaker__own_index_damaged__is_an_outage() -> None:
    chain = FakeChain()
    chain.fail(error=IntegrityError("store.damaged"))
    with pytest.raises(UnavailableError) as caught:
        Breaker(chain).head()
    assert caught.value.code == "store.damaged"


def test_breaker__every_question_of_the_port__is_passed_on() -> None:
    from ledger.ports import ChainReader

    asked = {name for name in vars(ChainReader) if not name.startswith("_")}
    assert asked <= set(vars(Breaker))
