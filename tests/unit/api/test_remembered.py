"""The chain remembered for a moment: answers of one block, none older than the era, none that was taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from api.remembered import AGE, AHEAD, Remembered, Unknown
from ledger.errors import UnavailableError
from ledger.ports import ChainReader
from ledger.statuses import Decision, DecisionCode
from ledger.types import Block, ChainHash, DepartmentCode, Digest, LogId, TypeCode
from notary.collect import collect
from notary.entry import log_id, status_key
from notary.evidence import Presented
from notary.verify import verify
from tests.fakes.chain import FakeChain
from tests.fakes.registry import ISSUER, TYPE, World, certificate

KEY = Digest(b"\7" * 32)


@dataclass
class Index:
    """An index that is where it is put."""

    chain: FakeChain
    depth: int = 0
    at: Block | None = None
    local: bool = True
    asked: list[bytes] = field(default_factory=list)

    def cursor(self) -> Block | None:
        return self.at

    def decisions(self, status_key: Digest) -> Sequence[Decision]:
        self.asked.append(status_key)
        return self.chain.decisions(status_key)


@dataclass
class Scene:
    world: World
    index: Index
    now: float = 100.0

    def __post_init__(self) -> None:
        self.memory = Remembered(self.chain, self.index, lambda: self.now)

    @property
    def chain(self) -> FakeChain:
        return self.world.chain

    def later(self) -> None:
        self.now += AGE * 3


@pytest.fixture
def scene() -> Scene:
    world = World()
    world.anchored_record(certificate())
    return Scene(world, Index(world.chain))


def test_view__many_questions_of_one_block__the_chain_is_asked_once(scene: Scene) -> None:
    origin = log_id(scene.world.origin)
    first = scene.memory.view()
    at = first.final_head().number
    before = len(scene.chain.calls)
    answers = []
    for _ in range(5):
        view = scene.memory.view()
        answers.append(
            (
                view.head(),
                view.department(DepartmentCode(ISSUER), at),
                view.anchors(origin, 0),
                view.anchored_root(origin, 1, at),
            )
        )
    assert all(answer == answers[0] for answer in answers)
    once = len(scene.chain.calls) - before
    for _ in range(5):
        scene.memory.view().department(DepartmentCode(ISSUER), at)
    assert len(scene.chain.calls) - before == once


def test_view__a_new_block__seen_after_the_era_and_not_within_it(scene: Scene) -> None:
    view = scene.memory.view()
    head = view.head()
    scene.chain.mine()
    assert scene.memory.view().head() == head
    scene.later()
    assert view.head() == head  # one verification stays with one block
    assert scene.memory.view().head().number == head.number + 1


def test_status__decided_meanwhile__told_by_the_next_era(scene: Scene) -> None:
    world = scene.world
    receipt = world.anchored_record(record := certificate("A2"))
    scene.later()

    def judged() -> str:
        chain: ChainReader = scene.memory.view()
        request = Presented(receipt, record=record)
        evidence = collect(request, world.trust, chain, world.log, world.now)
        verdict = verify(request, evidence, world.trust, world.now, world.now).verdict
        assert verdict is not None
        return verdict.value

    assert judged() == "valid"
    entry = receipt.entry
    scene.chain.decide(status_key(ISSUER, entry.sha256), DecisionCode.REVOKED, ISSUER)
    scene.later()
    assert judged() == "not_in_force"


def test_decisions__index_at_that_block__asked_instead_of_the_chain(scene: Scene) -> None:
    scene.index.at = scene.chain.head()
    view = scene.memory.view()
    at = view.final_head().number
    before = scene.chain.calls.count("decisions")
    for n in range(5):
        view.decisions(Digest(bytes([n]) * 32), at)
    assert len(scene.index.asked) == 5
    assert scene.chain.calls.count("decisions") - before == 1 + 5  # the contract once; the fake index reads it too


def test_decisions__index_behind_another_chain_or_gone__the_chain_is_asked(scene: Scene) -> None:
    head = scene.chain.head()
    for at in (None, replace(head, hash=ChainHash("0x" + "99" * 32)), replace(head, number=head.number + 1)):
        scene.index.at = at
        scene.later()
        view = scene.memory.view()
        view.decisions(KEY, view.final_head().number)
        assert view.head() == head
    assert scene.index.asked == []


def test_decisions__index_a_little_behind__the_answer_is_of_its_block(scene: Scene) -> None:
    scene.index.at = scene.chain.head()
    scene.chain.mine()
    view = scene.memory.view()
    assert view.head() == scene.index.at
    assert view.final_head() == scene.index.at
    for _ in range(9):
        scene.chain.mine()
    scene.later()
    assert scene.memory.view().head() == scene.chain.head()


def test_outage__not_remembered_and_never_an_answer(scene: Scene) -> None:
    scene.memory.view().head()
    scene.chain.fail()
    scene.later()
    with pytest.raises(UnavailableError):
        scene.memory.view().head()
    scene.chain.mend()
    assert scene.memory.view().head() == scene.chain.head()


def test_anchors__known_first_one__serves_every_index_below_and_none_above(scene: Scene) -> None:
    world, origin = scene.world, log_id(scene.world.origin)
    for n in range(4):
        world.anchored_record(certificate(f"B{n}"))
    sizes = [a.size for a in scene.chain.anchors(origin, 0, 99)]
    scene.later()
    view = scene.memory.view()
    for above in (*range(sizes[-1] + 1), *reversed(range(sizes[-1] + 1)), *range(sizes[-1] + 1)):
        expected = list(scene.chain.anchors(origin, above, 1))
        assert list(view.anchors(origin, above, 1)) == expected
    assert list(view.anchors(origin, 0, 99)) == list(scene.chain.anchors(origin, 0, 99))


def test_anchors__log_closed_below__not_told_any_more(scene: Scene) -> None:
    world, origin = scene.world, LogId(log_id(scene.world.origin))
    world.anchored_record(certificate("C1"))
    view = scene.memory.view()
    at = view.final_head().number
    last = scene.chain.anchors(origin, 0, 99)[-1].size
    assert view.anchors(origin, last - 1)[0].size == last
    assert view.anchored_root(origin, last, at) is not None
    scene.chain.close_log(origin, last - 1)
    scene.later()
    view = scene.memory.view()
    assert view.anchors(origin, last - 1) == ()
    assert view.anchored_root(origin, last, view.final_head().number) is None


def test_quick_view__only_what_is_known__never_asks_the_chain(scene: Scene) -> None:
    world, origin = scene.world, log_id(scene.world.origin)
    with pytest.raises(Unknown):
        scene.memory.quick_view()
    receipt = world.anchored_record(record := certificate("Q1"))
    request = Presented(receipt, record=record)
    scene.index.at = scene.chain.head()
    with pytest.raises(Unknown):
        scene.memory.quick_view()
    slow = collect(request, world.trust, scene.memory.view(), world.log, world.now)
    calls = len(scene.chain.calls)
    quick = collect(request, world.trust, scene.memory.quick_view(), world.log, world.now)
    assert quick == slow
    assert set(scene.chain.calls[calls:]) <= {"decisions"}  # the fake index reads the fake chain
    with pytest.raises(Unknown):
        scene.memory.quick_view().anchors(origin, 99)
    with pytest.raises(Unknown):
        scene.memory.quick_view().block(0)
    scene.index.local = False
    with pytest.raises(Unknown):
        scene.memory.quick_view()
    scene.index.local = True
    scene.later()
    with pytest.raises(Unknown):
        scene.memory.quick_view()


@pytest.fixture
def ahead(scene: Scene) -> list[Callable[[], None]]:
    """What the memory wants done beside its callers, for the test to do when it likes."""
    waiting: list[Callable[[], None]] = []
    scene.memory = Remembered(scene.chain, scene.index, lambda: scene.now, waiting.append)
    return waiting


def test_next_era__asked_for_before_the_last_one_ends__nobody_waits(
    scene: Scene, ahead: list[Callable[[], None]]
) -> None:
    code = DepartmentCode(ISSUER)
    scene.index.at = scene.chain.head()
    before = scene.memory.view()
    at = before.final_head().number
    for _ in range(2):
        before.department(code, at)
        before.decisions(KEY, at)
        before.accreditations(code, TypeCode(TYPE), at)
    scene.memory.quick_view()
    assert ahead == []  # the era has just begun
    scene.chain.mine()
    scene.index.at = scene.chain.head()
    scene.now += AGE - AHEAD
    for _ in range(3):
        assert scene.memory.quick_view().head() == before.head()
    assert len(ahead) == 1
    ahead.pop()()
    view = scene.memory.quick_view()
    now = view.final_head().number
    assert now == at + 1
    assert view.department(code, now) == scene.chain.department(code, now)
    assert view.decisions(KEY, now) == []
    with pytest.raises(Unknown):  # asked once only: not asked again for nobody
        view.keys(code, now)
    with pytest.raises(Unknown):
        view.department(code, at)


def test_next_era__chain_out__this_one_stands_to_its_end_and_no_longer(
    scene: Scene, ahead: list[Callable[[], None]]
) -> None:
    head = scene.memory.view().head()
    scene.chain.fail()
    scene.now += AGE - AHEAD
    assert scene.memory.quick_view().head() == head
    ahead.pop()()
    assert scene.memory.quick_view().head() == head
    ahead.pop()()
    scene.now += AHEAD
    with pytest.raises(Unknown):
        scene.memory.quick_view()
    with pytest.raises(UnavailableError):
        scene.memory.view().head()
    scene.chain.mend()
    assert scene.memory.view().head() == head


def test_next_era__long_after_the_last_one__is_asked_for_nothing_beforehand(
    scene: Scene, ahead: list[Callable[[], None]]
) -> None:
    code = DepartmentCode(ISSUER)
    view = scene.memory.view()
    for _ in range(2):
        view.department(code, view.final_head().number)
    scene.chain.mine()
    scene.later()
    view = scene.memory.view()
    with pytest.raises(Unknown):  # long ago: whoever asked has gone
        scene.memory.quick_view().department(code, view.final_head().number)
