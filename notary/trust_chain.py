"""From one trust file to the newest of those offered, and what speaks against them: forks, rollbacks (formats.md §8).

Pure. A verifier remembers the highest version that it accepted (`Seen`): an older one offered later is a rollback, and
a different one of the same sequence, signed by the same council, is a fork. Neither replaces anything. A chain that is
kept from us (frozen) ends by itself: after `expires` every check that rests on the file is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import InputError, IntegrityError
from notary import members
from notary.canonical import parse_strict
from notary.trust import signed_by_council_of, trust_hash, verify_next
from notary.trust_file import TrustFile

SEEN_FORMAT = "chuzheng-trust-seen/1"
_NAMES = frozenset({"format", "sequence", "hash"})


@dataclass(frozen=True, slots=True)
class Seen:
    """The highest version that was ever accepted here."""

    sequence: int
    hash: bytes

    @staticmethod
    def of(trust: TrustFile) -> Seen:
        return Seen(trust.sequence, trust_hash(trust))

    def to_json(self) -> bytes:
        """The file beside the trust file."""
        value = {"format": SEEN_FORMAT, "sequence": self.sequence, "hash": self.hash.hex()}
        return json.dumps(value).encode() + b"\n"


class ForkedError(IntegrityError):
    """Two different trust files of one sequence, both signed by the council: `pair` is to be kept and shown."""

    def __init__(self, first: TrustFile | None, second: TrustFile) -> None:
        super().__init__("trust.forked", sequence=second.sequence)
        self.pair = (first, second)


def parse_seen(data: bytes) -> Seen:
    """What was remembered; UnreadableError if it isn't that."""
    value: dict[str, Any] = members.check_names(SEEN_FORMAT, parse_strict(data, limit=1024), _NAMES, _NAMES)
    digest = members.read_chain_hash(SEEN_FORMAT, "hash", f"0x{value['hash']}")
    return Seen(members.read_count(SEEN_FORMAT, "sequence", value["sequence"]), bytes.fromhex(digest[2:]))


def check_seen(trust: TrustFile, seen: Seen | None) -> None:
    """`trust` isn't older than what was accepted before, nor another of the same sequence. InputError
    `trust.rolled_back`, ForkedError."""
    if seen is None or trust.sequence > seen.sequence:
        return
    if trust.sequence < seen.sequence:
        raise InputError("trust.rolled_back", expected=seen.sequence, found=trust.sequence)
    if trust_hash(trust) != seen.hash:
        raise ForkedError(None, trust)


def follow(known: TrustFile, offered: Sequence[TrustFile], seen: Seen | None = None) -> TrustFile:
    """The newest of `offered` that provably follows `known`, or `known`; in any order, earlier ones among them.

    InputError `trust.rolled_back` where nothing offered is as new as what was seen; ForkedError where two of them, or
    one and `known`, are different, of one sequence, and both signed by the council; other InputErrors as verify_next.
    """
    newest = max((each.sequence for each in offered), default=known.sequence)
    least = max(known.sequence, 0 if seen is None else seen.sequence)
    if newest < least:
        raise InputError("trust.rolled_back", expected=least, found=newest)
    chain = {known.sequence: known}
    for each in sorted(offered, key=lambda trust: trust.sequence):
        held = chain.get(each.sequence)
        if each.sequence < known.sequence or (held is not None and trust_hash(held) == trust_hash(each)):
            continue
        if held is not None:
            _check_fork(chain.get(each.sequence - 1, held), held, each)
        verify_next(chain[max(chain)], each)
        chain[each.sequence] = each
    found = chain[max(chain)]
    check_seen(found, seen)
    return found


def _check_fork(before: TrustFile, held: TrustFile, other: TrustFile) -> None:
    """ForkedError where `other` is as well signed as `held`; a file that anybody could write is no fork, and refused
    by its own fault. `before`: whose council both need, `held` itself where the earlier one isn't at hand."""
    same = (other.network, other.genesis_hash, other.previous) == (held.network, held.genesis_hash, held.previous)
    if not same:
        raise InputError("trust.sequence", expected=held.sequence + 1, found=other.sequence)
    signed_by_council_of(before, other)
    signed_by_council_of(other, other)
    raise ForkedError(held, other)
