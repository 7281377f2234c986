"""Which of a department's accounts sends what: the same log and the same status key always go by the same lane.

Transactions of one account are mined in their order, those of several in any order. What builds on itself (the anchors
of a log, the decisions on one entry) must therefore share an account; everything else is spread. By rendezvous hashing:
of n lanes an added one takes 1/(n+1) of the subjects over, and moves no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ledger.errors import ConfigurationError
from ledger.types import Address

MOST = 16
"""accounts of one department on one machine"""


def lane_of(lanes: Sequence[Address], subject: bytes) -> Address:
    """The lane of `subject` (a log id, a status key: what acts build on). ConfigurationError where there is none."""
    if not lanes:
        raise ConfigurationError("lanes.none")
    return max(lanes, key=lambda lane: (_weight(lane, subject), lane))


def _weight(lane: Address, subject: bytes) -> bytes:
    return hashlib.sha256(b"chuzheng/lane/v1\0" + bytes.fromhex(lane[2:]) + subject).digest()
