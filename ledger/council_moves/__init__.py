"""The Council's moves: who may propose, approve, execute and pause, and what follows. Twin of contracts/Council.sol.

Pure: the caller brings the block's time and number, what a proposal holds and the hash that it is known by. Each move
returns the state after it, the very same object where it changes nothing, or raises `council.…` as the contract does.
"""

from ledger.council_moves.book import NO_RULES, Appointment, Case, Council, Kept, PauseRequest, is_paused
from ledger.council_moves.moves import (
    approve,
    counts,
    enact,
    execute,
    found,
    pause,
    propose,
    standing,
    withdraw_approval,
)

__all__ = [
    "NO_RULES",
    "Appointment",
    "Case",
    "Council",
    "Kept",
    "PauseRequest",
    "approve",
    "counts",
    "enact",
    "execute",
    "found",
    "is_paused",
    "pause",
    "propose",
    "standing",
    "withdraw_approval",
]
