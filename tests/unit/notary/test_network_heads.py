"""A network's heads in another log: written once a day whatever happens, read back, compared with chain and mirrors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ConfigurationError, NotFoundError, UnavailableError, UnreadableError
from ledger.types import Block, BlockTime, ChainHash, Digest, Kind, Millis, Origin
from notary.entry import Entry, log_id
from notary.evidence import Unavailable
from notary.head_keeping import HeadKeeper, keep_heads, kept_heads
from notary.network_heads import (
    MOST,
    LogHead,
    NetworkHeads,
    check_heads,
    day_of,
    heads_records,
    kept_by,
    parse_heads,
)
from notary.receipt import parse_receipt
from notary.report import Outcome
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, packed

GENESIS = ChainHash("0x" + "ab" * 32)
BLOCK = Block(900, ChainHash("0x" + "cd" * 32), BlockTime(1_770_000_000), ChainHash(""))


def heads_of(count: int, network: str = "test") -> NetworkHeads:
    made = tuple(
        LogHead(Origin(f"chuzheng/{network}/{ISSUER}/s{n}"), n + 1, Digest(bytes([n % 256]) * 32)) for n in range(count)
    )
    return NetworkHeads(network, 7, GENESIS, BLOCK, made)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, (ORIGIN, SECOND))


def test_day__midnight_in_shanghai__begins_it() -> None:
    midnight = Millis(1_770_048_000_000)  # 2026-02-03T00:00:00+08:00
    assert (day_of(Millis(midnight - 1)), day_of(midnight)) == ("2026-02-02", "2026-02-03")
    assert day_of(Millis(0)) == "1970-01-01"


@pytest.mark.parametrize("count", [0, 1, 3, MOST, MOST + 1])
def test_records__any_count__read_back_in_parts(count: int) -> None:
    records = heads_records(heads_of(count), ISSUER, "2026-02-03")
    read = [parse_heads(record) for record in records]
    assert [r.part for r in read] == list(range(1, len(read) + 1))
    assert {r.parts for r in read} == {len(read)}
    assert sorted(h.origin for r in read for h in r.heads) == sorted(h.origin for h in heads_of(count).heads)
    assert all(r.day == "2026-02-03" and r.block.number == 900 for r in read)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "heads/2"}, {"kind": "document"}, {"day": "2026-2-3"}, {"day": "2026-02-30"}, {"part": 0},
        {"part": 9},
        {"block": {}}, {"heads": [{}]}, {"more": 1}, {"network": "other"}, {"genesis_hash": "ab"},
        {"heads": [{"origin": str(ORIGIN), "size": 0, "root": "00" * 32}]},
        {"heads": [{"origin": str(ORIGIN), "size": 1, "root": "AB" * 32}]},
        {"heads": [{"origin": str(ORIGIN), "size": 1, "root": "ab" * 32}] * 2},
    ],
)  # fmt: skip
def test_parse__anything_else__unreadable(change: dict[str, Any]) -> None:
    [record] = heads_records(heads_of(2), ISSUER, "2026-02-03")
    with pytest.raises(UnreadableError):
        parse_heads({**record, **change})


def test_keeper__a_day__one_entry_whatever_restarts_and_second_workers(rig: Rig) -> None:
    notary, asked = rig.notary, list[int]()

    def source() -> NetworkHeads:
        asked.append(1)
        return heads_of(len(asked))  # the chain goes on; the first of a day stands

    keepers = [HeadKeeper(notary, SECOND, source, rig.clock) for _ in range(2)]
    assert [k.step() for k in keepers] == [True, True]
    assert [k.step() for k in keepers] == [False, False]
    assert len(rig.entries(SECOND)) == 1
    assert HeadKeeper(rig.again(), SECOND, source, rig.clock).step() is True
    entries = rig.entries(SECOND)
    assert [Entry.from_bytes(e).kind for e in entries] == [Kind.CHECKPOINT]
    rig.clock.at += 86_400_000
    assert HeadKeeper(rig.notary, SECOND, source, rig.clock).step() is True
    assert len(rig.entries(SECOND)) == 2


def test_keeper__source_down_or_empty__tried_again_after_a_pause(rig: Rig) -> None:
    answers: list[Callable[[], NetworkHeads | None]] = [lambda: None, lambda: heads_of(0), lambda: heads_of(1)]

    def source() -> NetworkHeads | None:
        return answers.pop(0)()

    keeper = HeadKeeper(rig.notary, SECOND, source, rig.clock)
    assert keeper.step() is False
    assert keeper.step() is False
    assert len(answers) == 2  # not asked again at once
    rig.clock.at += 61_000
    assert keeper.step() is False
    rig.clock.at += 61_000
    assert keeper.step() is True


def test_keeper__log_that_is_not_ours_or_closed__said(rig: Rig) -> None:
    with pytest.raises(ConfigurationError, match=r"heads\.no_log"):
        HeadKeeper(rig.notary, Origin("chuzheng/test/11429021009997812P"), lambda: None, rig.clock)
    rig.notary.accept_commitments(ISSUER, SECOND, packed(1), key="k")
    rig.chain.anchor(log_id(SECOND), 1, rig.notary.logs[SECOND].root(1))
    rig.chain.close_log(log_id(SECOND), 1)
    with pytest.raises(UnavailableError, match=r"heads\.closed"):
        HeadKeeper(rig.notary, SECOND, lambda: heads_of(1), rig.clock).step()


def test_kept__found_by_day__record_and_receipt_prove_each_other(rig: Rig) -> None:
    day = "2026-02-03"
    keep_heads(rig.notary, SECOND, heads_of(3), day)
    [kept] = kept_heads(rig.notary, SECOND, "test", day)
    assert kept_by(kept.record, kept.receipt) == "promised"
    rig.notary.seal(SECOND)
    [kept] = kept_heads(rig.notary, SECOND, "test", day)
    assert kept_by(kept.record, parse_receipt(kept.receipt.to_json())) is None
    changed = {**kept.record, "heads": kept.record["heads"][:2]}
    assert kept_by(changed, kept.receipt) == "commitment"
    assert kept_by(kept.record, kept.receipt.without_salt()) == "salt"
    for network, other in (("test", "2026-02-04"), ("other", day)):
        with pytest.raises(NotFoundError, match=r"heads\.none"):
            kept_heads(rig.notary, SECOND, network, other)


def test_check__chain_and_mirrors__one_that_differs_is_enough() -> None:
    heads = heads_of(4).heads
    roots = {head.origin: head.root for head in heads}

    def chain(head: LogHead) -> Digest | Unavailable | None:
        return None if head.size == 2 else roots[head.origin]

    def mirror(head: LogHead) -> Digest | Unavailable | None:
        return Digest(b"\xff" * 32) if head.size == 3 else Unavailable("x")

    found = [c.outcome for c in check_heads(heads, [chain, mirror])]
    assert found == [Outcome.PASS, Outcome.UNKNOWN, Outcome.FAIL, Outcome.PASS]
    assert [c.outcome for c in check_heads(heads, [])] == [Outcome.UNKNOWN] * 4
