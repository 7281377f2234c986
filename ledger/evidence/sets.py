"""Validator sets of a QBFT chain, for its trust file: each from the first header that lists it (formats.md §8).

Pure. Headers are read without a gap, each the parent's child and sealed by a quorum of those that it lists: a node that
skips or swaps one is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ledger.errors import IntegrityError
from ledger.evidence.header import QbftHeader, parse_header, quorum
from ledger.types import Address

PARENT_HASH = 0


@dataclass(frozen=True, slots=True)
class ListedSet:
    """Who is listed by the headers from_block ≤ block < until_block; `until_block` None: up to the last one read."""

    from_block: int
    validators: tuple[Address, ...]
    until_block: int | None = None


def listed_sets(headers: Iterable[bytes]) -> tuple[ListedSet, ...]:
    """The sets that consecutive headers (RLP) list, in order. IntegrityError `evidence.chain_broken` at a gap, a header
    of another parent, or one without its own validators' quorum of seals; the genesis block has no seals."""
    found: list[ListedSet] = []
    for header in _linked(headers):
        if found and set(found[-1].validators) == set(header.validators):
            continue
        if found:
            found[-1] = ListedSet(found[-1].from_block, found[-1].validators, header.number)
        found.append(ListedSet(header.number, header.validators))
    return tuple(found)


def _linked(headers: Iterable[bytes]) -> Iterator[QbftHeader]:
    before: QbftHeader | None = None
    for data in headers:
        header = parse_header(data)
        follows = before is None or (
            header.number == before.number + 1 and header.items[PARENT_HASH].hex() == before.hash[2:]
        )
        sealed = len(header.sealers() & set(header.validators)) >= quorum(len(header.validators))
        if not follows or (header.number > 0 and not sealed):
            raise IntegrityError("evidence.chain_broken", number=header.number)
        yield header
        before = header
