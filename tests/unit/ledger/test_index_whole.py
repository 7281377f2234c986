"""The index read as a whole: the same as it tells one by one, and only what is final."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy.engine import Engine

from ledger.departments import DepartmentHistory
from ledger.store.index import IndexReader
from ledger.store.index.whole import whole_index
from ledger.types import Digest, LogId
from tests.unit.ledger.event_logs import CODES, all_events, arguments, log
from tests.unit.ledger.object_world import ADDRESSES, NAMES, World

SUBJECTS = ("AnchorLog", "CertificateStatus", "Departments", "DepartmentKeys")
IN_CIRCLES = ("DepartmentSucceeded", "DepartmentSplit")
"""random ones would succeed each other, which the contract forbids"""
EVENTS = [each for each in all_events() if each[0] in SUBJECTS and each[1].name not in IN_CIRCLES]


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def tell(world: World, seed: int, blocks: int = 25) -> None:
    """Blocks of random events of the contracts that a snapshot is made of."""
    chance, told = Random(seed), set[object]()
    for _ in range(blocks):
        logs = []
        for _ in range(4):
            name, event = chance.choice(EVENTS)
            args = arguments(chance, event)
            if event.name == "Decided":
                args["code"] = chance.randint(1, 10)
            once = (event.name, *(args.get(n) for n in ("logId", "key", "number", "size")))
            if event.name in ("LogOpened", "Anchored", "LogClosed", "Decided", "Annulled", "TypeProven"):
                if once in told:
                    continue
                told.add(once)
            logs.append(log(ADDRESSES[NAMES.index(name)], event, args))
        world.say(*logs)
    world.indexer().step()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("depth", [0, 7])
def test_whole__random_events__as_told_one_by_one(world: World, seed: int, depth: int) -> None:
    tell(world, seed)
    reader = IndexReader(world.engine, depth)
    last = reader.cursor()
    assert last is not None
    with whole_index(world.engine, depth) as whole:
        assert whole is not None
        assert whole.block.number == last.number - depth
        opened = whole.logs()
        assert [(i, o) for i, _, o in reader.opened_logs()] == opened
        decisions = list(whole.decisions())
        keys = sorted({key for key, _ in decisions})
        for key in keys:
            assert [d for k, d in decisions if k == key] == reader.decisions(key)
        assert whole.decisions_of([*keys, Digest(b"\x77" * 32)]) == {key: reader.decisions(key) for key in keys}
        anchors = list(whole.anchors())
        for log_id in {a.log_id for a in anchors}:
            own = [a for a in anchors if a.log_id == log_id]
            assert own == reader.anchors_above(LogId(log_id), -1, 1000)[0]
        for member in whole.members():
            assert isinstance(member.history, DepartmentHistory)
            assert all(key.department == member.history.code for key in member.keys)
            assert all(a.issuer == member.history.code for a in member.accreditations)


def say(world: World, name: str, **args: object) -> None:
    [event] = [event for contract, event in all_events() if (contract, event.name) == ("Departments", name)]
    drawn = arguments(Random(1), event)
    assert args.keys() <= drawn.keys()
    world.say(log(ADDRESSES[NAMES.index("Departments")], event, {**drawn, **args}))


def test_whole__succession__accreditations_go_along_from_that_time(world: World) -> None:
    old, new, part = CODES
    types = [b"11100000009985328F011".ljust(32, b"\0"), b"11100000000013338W011".ljust(32, b"\0")]
    for each in CODES:
        say(world, "DepartmentAdmitted", department=each)
    for each in types:
        say(world, "Accredited", issuer=old, typeCode=each, since=100, until=0)
    say(world, "DepartmentSplit", **{"from": old, "what": types[1], "to": part, "at": 500})
    say(world, "DepartmentSucceeded", **{"from": old, "to": new, "at": 500})
    world.indexer().step()
    with whole_index(world.engine) as whole:
        assert whole is not None
        found = {m.history.code.encode(): [(a.type_code, a.since) for a in m.accreditations] for m in whole.members()}
    first, second = (each.rstrip(b"\0").decode() for each in types)
    assert found[old[:18]] == [(second, 100), (first, 100)]
    assert found[new[:18]] == [(first, 500)]
    assert found[part[:18]] == [(second, 500)]


def test_whole__before_the_first_block__none(world: World) -> None:
    with whole_index(world.engine) as whole:
        assert whole is None
