"""Gathering: few calls for many callers, each with its own answer, and nobody's departure spoils the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from anyio import CapacityLimiter

from api.certificates.gathered import ALONE, MOST, Gathered
from ledger.errors import InputError, UnavailableError
from ledger.types import DepartmentCode, Origin
from notary.singles import Single

DEPARTMENT, LOG, OTHER_LOG = DepartmentCode("11420000MB9543829Q"), Origin("a"), Origin("b")


class Slow:
    """Answers `accept_singles` with the records themselves when it is let go on; notes each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[bytes]]] = []
        self.go = threading.Event()

    def accept_singles(self, department: str, origin: str, singles: Sequence[Single]) -> list[Any]:
        self.calls.append((origin, [single.record for single in singles]))
        assert self.go.wait(60)
        if origin == "closed":
            raise UnavailableError("notary.stopping")
        return [InputError("record.kind") if s.record == b"wrong" else (s.record, s.key) for s in singles]

    def accept_records(self, department: str, origin: str, records: Sequence[bytes], *, key: str | None) -> list[Any]:
        return [("alone", key)]


@pytest.fixture
def notary() -> Slow:
    return Slow()


def gathered(notary: Slow) -> Gathered:
    return Gathered(notary, CapacityLimiter(8))  # type: ignore[arg-type]


async def calls(notary: Slow, count: int) -> None:
    """Until so many calls have begun."""
    async with asyncio.timeout(60):
        while len(notary.calls) < count:
            await asyncio.sleep(0.001)


def test_accept__many_at_once__one_call_and_what_comes_meanwhile_is_the_next(notary: Slow) -> None:
    async def act() -> list[Any]:
        room = gathered(notary)
        first = [asyncio.ensure_future(room.accept(DEPARTMENT, LOG, b"%d" % n, f"k{n}")) for n in range(10)]
        await calls(notary, 1)
        later = [asyncio.ensure_future(room.accept(DEPARTMENT, LOG, b"later %d" % n, None)) for n in range(5)]
        await asyncio.sleep(0.01)
        assert len(notary.calls) == 1
        notary.go.set()
        await asyncio.gather(*later)
        return list(await asyncio.gather(*first))

    assert asyncio.run(act()) == [(b"%d" % n, f"k{n}") for n in range(10)]
    assert notary.calls[0] == (LOG, [b"%d" % n for n in range(10)])
    assert notary.calls[1:] == [(LOG, [b"later %d" % n for n in range(5)])]


def test_accept__an_error__is_its_senders_alone(notary: Slow) -> None:
    async def act() -> list[Any]:
        notary.go.set()
        room = gathered(notary)
        waits = [room.accept(DEPARTMENT, LOG, body, None) for body in (b"fine", b"wrong", b"good")]
        return list(await asyncio.gather(*waits, return_exceptions=True))

    fine, wrong, good = asyncio.run(act())
    assert (fine[0], good[0]) == (b"fine", b"good")
    assert isinstance(wrong, InputError)
    assert len(notary.calls) == 1


def test_accept__everybodys_error__everybody_is_told_and_the_next_are_served(notary: Slow) -> None:
    async def act() -> tuple[list[Any], Any]:
        notary.go.set()
        room = gathered(notary)
        closed = [room.accept(DEPARTMENT, Origin("closed"), b"%d" % n, None) for n in range(3)]
        found = await asyncio.gather(*closed, return_exceptions=True)
        return list(found), await room.accept(DEPARTMENT, LOG, b"next", None)

    found, after = asyncio.run(act())
    assert [type(one) for one in found] == [UnavailableError] * 3
    assert after == (b"next", None)


def test_accept__a_caller_who_leaves__others_get_their_answers(notary: Slow) -> None:
    async def act() -> Any:
        room = gathered(notary)
        leaving = asyncio.ensure_future(room.accept(DEPARTMENT, LOG, b"leaves", None))
        staying = asyncio.ensure_future(room.accept(DEPARTMENT, LOG, b"stays", None))
        await calls(notary, 1)
        leaving.cancel()
        await asyncio.sleep(0)
        notary.go.set()
        return await staying

    assert asyncio.run(act()) == (b"stays", None)
    assert notary.calls == [(LOG, [b"leaves", b"stays"])]


def test_accept__a_log_that_hangs__another_is_served(notary: Slow) -> None:
    async def act() -> None:
        room = gathered(notary)
        hanging = [asyncio.ensure_future(room.accept(DEPARTMENT, LOG, b"%d" % n, None)) for n in range(3)]
        await calls(notary, 1)
        other = asyncio.ensure_future(room.accept(DEPARTMENT, OTHER_LOG, b"other", None))
        await calls(notary, 2)
        notary.go.set()
        await asyncio.gather(other, *hanging)

    asyncio.run(act())
    assert [origin for origin, _ in notary.calls] == [LOG, OTHER_LOG]


def test_accept__more_than_one_call_takes__several_calls_all_answered(notary: Slow) -> None:
    async def act() -> list[Any]:
        notary.go.set()
        room = gathered(notary)
        return list(await asyncio.gather(*[room.accept(DEPARTMENT, LOG, b"%d" % n, None) for n in range(MOST + 9)]))

    assert asyncio.run(act()) == [(b"%d" % n, None) for n in range(MOST + 9)]
    assert max(len(records) for _, records in notary.calls) == MOST


def test_accept__large_record__alone(notary: Slow) -> None:
    async def act() -> Any:
        return await gathered(notary).accept(DEPARTMENT, LOG, bytes(ALONE + 1), "key")

    assert asyncio.run(act()) == ("alone", "key")
    assert notary.calls == []
