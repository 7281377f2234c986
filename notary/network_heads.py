"""A network's heads as an entry of kind 7 in another log: what the chain held on a day, kept where another keeps it.

Pure. Whoever rewrote the whole network, chain and logs together, would have to rewrite that other log as well, and
everybody's receipts from it. The record is `heads/1` (docs/formats.md); nothing in it is secret, its salt goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from ledger.errors import UnreadableError
from ledger.types import Block, BlockTime, ChainHash, DepartmentCode, Digest, Kind, Millis, Origin
from notary import members
from notary.checkpoint import MAX_SIZE
from notary.commitment import commit
from notary.entry import parse_origin
from notary.evidence import Unavailable
from notary.receipt import Receipt, inclusion_error
from notary.report import Outcome

SCHEMA = "heads/1"
MOST = 4_000
"""Logs of one record: under a mebibyte whatever their names; more go into further parts of the same day."""
_TOP = frozenset(
    {"schema", "kind", "issuer", "network", "chain_id", "genesis_hash", "day", "part", "parts", "block", "heads"}
)
_BLOCK = frozenset({"number", "hash", "time"})
_HEAD = frozenset({"origin", "size", "root"})
SHANGHAI = 8 * 3_600_000
"""Milliseconds: days are those of the records (formats.md §1)."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """The newest anchored head of a log."""

    origin: Origin
    size: int
    root: Digest


@dataclass(frozen=True, slots=True)
class NetworkHeads:
    """What a network's chain held at a final block; `block.parent` isn't part of it."""

    network: str
    chain_id: int
    genesis_hash: ChainHash
    block: Block
    heads: tuple[LogHead, ...]
    day: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class HeadCheck:
    """One head of the record against what is told now. `unknown`: it couldn't be asked, or isn't there (yet)."""

    head: LogHead
    outcome: Outcome
    found: Digest | None = None


def day_of(now: Millis) -> str:
    """The day of an instant, Asia/Shanghai."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + (now + SHANGHAI) // 86_400_000).isoformat()


def heads_records(found: NetworkHeads, issuer: DepartmentCode, day: str) -> list[dict[str, Any]]:
    """The records of a day, ready to be committed to; logs without an anchor aren't in them."""
    heads = sorted((head for head in found.heads if head.size), key=lambda head: head.origin)
    parts = [heads[at : at + MOST] for at in range(0, len(heads), MOST)] or [[]]
    return [
        {
            "schema": SCHEMA, "kind": Kind.CHECKPOINT.word, "issuer": issuer, "network": found.network,
            "chain_id": found.chain_id, "genesis_hash": found.genesis_hash, "day": day,
            "part": number, "parts": len(parts),
            "block": {"number": found.block.number, "hash": found.block.hash, "time": found.block.time},
            "heads": [{"origin": h.origin, "size": h.size, "root": h.root.hex()} for h in part],
        }
        for number, part in enumerate(parts, 1)
    ]  # fmt: skip


def parse_heads(record: Mapping[str, Any]) -> NetworkHeads:
    """Read such a record strictly; UnreadableError otherwise."""
    value = members.check_names(SCHEMA, dict(record), _TOP, _TOP)
    if value["schema"] != SCHEMA or value["kind"] != Kind.CHECKPOINT.word:
        raise UnreadableError("format.unknown", expected=SCHEMA)
    network = members.read_text(SCHEMA, "network", value["network"], 32)
    block = members.check_names(SCHEMA, value["block"], _BLOCK, _BLOCK)
    at = Block(
        members.read_count(SCHEMA, "block.number", block["number"]),
        ChainHash(members.read_chain_hash(SCHEMA, "block.hash", block["hash"])),
        BlockTime(members.read_count(SCHEMA, "block.time", block["time"])),
        ChainHash(""),
    )
    heads = tuple(_head(network, item) for item in members.read_list(SCHEMA, "heads", value["heads"], MOST))
    if any(a.origin >= b.origin for a, b in pairwise(heads)):
        raise UnreadableError("format.list", where=SCHEMA, member="heads", limit=MOST)
    day = members.read_text(SCHEMA, "day", value["day"], 10)
    try:
        if date.fromisoformat(day).isoformat() != day:
            raise ValueError
    except ValueError:
        raise UnreadableError("format.text", where=SCHEMA, member="day", limit=10) from None
    part, parts = (members.read_count(SCHEMA, name, value[name]) for name in ("part", "parts"))
    if not 1 <= part <= parts:
        raise UnreadableError("format.count", where=SCHEMA, member="part", limit=parts)
    genesis = ChainHash(members.read_chain_hash(SCHEMA, "genesis_hash", value["genesis_hash"]))
    chain_id = members.read_count(SCHEMA, "chain_id", value["chain_id"])
    return NetworkHeads(network, chain_id, genesis, at, heads, day, part, parts)


def kept_by(record: Mapping[str, Any], receipt: Receipt) -> str | None:
    """Why the receipt isn't this record's, or doesn't prove it under its checkpoint; None where it does both. Whether
    that checkpoint is the other log's, its trust file says."""
    if receipt.entry.kind != Kind.CHECKPOINT or record.get("issuer") != receipt.entry.issuer:
        return "kind"
    if receipt.salt is None:
        return "salt"
    commitment = commit(record, receipt.salt)
    if (commitment.sha256, commitment.sm3) != (receipt.entry.sha256, receipt.entry.sm3):
        return "commitment"
    return "promised" if receipt.inclusion is None else inclusion_error(receipt)


def check_heads(
    heads: Iterable[LogHead], told: Sequence[Callable[[LogHead], Digest | Unavailable | None]]
) -> Iterator[HeadCheck]:
    """Each head against everybody who is asked for the root of its log and size (the chain, mirrors): one that differs
    fails it; where nobody could say, it is unknown. None: not there."""
    for head in heads:
        answers = [ask(head) for ask in told]
        roots = [answer for answer in answers if answer is not None and not isinstance(answer, Unavailable)]
        wrong = next((root for root in roots if root != head.root), None)
        if wrong is not None:
            yield HeadCheck(head, Outcome.FAIL, wrong)
        else:
            yield HeadCheck(head, Outcome.PASS if roots else Outcome.UNKNOWN)


def _head(network: str, value: Any) -> LogHead:
    item = members.check_names(SCHEMA, value, _HEAD, _HEAD)
    origin = members.read_text(SCHEMA, "heads.origin", item["origin"], 128)
    if parse_origin(origin).network != network:
        raise UnreadableError("format.text", where=SCHEMA, member="heads.origin", limit=128)
    size = members.read_count(SCHEMA, "heads.size", item["size"], MAX_SIZE - 1)
    root = item["root"]
    if type(root) is not str or len(root) != 64 or not set(root) <= set("0123456789abcdef") or size == 0:
        raise UnreadableError("format.text", where=SCHEMA, member="heads.root", limit=64)
    return LogHead(Origin(origin), size, Digest(bytes.fromhex(root)))
