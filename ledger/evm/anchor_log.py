"""AnchorLog: heads and anchored roots at a named block, and the calls that change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.evm.codes import ZERO, department_code, optional
from ledger.evm.views import ContractView
from ledger.types import Address, DepartmentCode, Digest, LogId, Origin

NAME = "AnchorLog"


def open_log(origin: Origin) -> tuple[str, str, list[Any]]:
    """(contract, function, arguments) for the outbox; by an operator of the origin's department with ANCHOR."""
    return NAME, "openLog", [origin]


def anchor(log_id: LogId, size: int, root: Digest, proof: Sequence[bytes]) -> tuple[str, str, list[Any]]:
    """`proof`: RFC 9162 consistency proof from the chain's head, empty for the first anchor."""
    return NAME, "anchor", [log_id, size, root, list(proof)]


def close_log(log_id: LogId, last_good_size: int, basis: Digest | None = None) -> tuple[str, str, list[Any]]:
    """By the Council: anchors of sizes above `last_good_size` (anchored, or 0) count as not recorded."""
    return NAME, "closeLog", [log_id, last_good_size, basis or ZERO]


def retire(successor: Address, basis: Digest | None = None) -> tuple[str, str, list[Any]]:
    """By the Council: only `successor`, an AnchorLog made with this one's address, takes anchors from now on."""
    return NAME, "retire", [successor, basis or ZERO]


def carry(log_ids: Sequence[LogId]) -> tuple[str, str, list[Any]]:
    """By anyone, on the successor: takes the logs over from the retired contract."""
    return NAME, "carry", [list(log_ids)]


@dataclass(frozen=True, slots=True)
class AnchoredLog:
    """A log as it stands: `size` and `root` of the newest anchor that counts (0 and zeros before the first)."""

    owner: DepartmentCode
    size: int
    root: Digest
    closed: bool


class AnchorLogView(ContractView):
    contract = NAME

    def network(self, block: int) -> str:
        return str(self.read("network", [], block)[0])

    def owner(self, log_id: LogId, block: int) -> DepartmentCode | None:
        """The department whose log it is; None while the log isn't opened."""
        owner = self.read("ownerOf", [log_id], block)[0]
        return None if owner == ZERO else department_code(owner)

    def log(self, log_id: LogId, block: int) -> AnchoredLog | None:
        """None while it isn't opened. A log that is still to be carried is told as the retired contract tells it."""
        owner, size, root, closed = self.read("logOf", [log_id], block)
        return None if owner == ZERO else AnchoredLog(department_code(owner), size, Digest(root), closed)

    def written_root(self, log_id: LogId, size: int, block: int) -> Digest | None:
        """What was once anchored for `size`, also where a closing struck it out: for showing, never for a proof."""
        return optional(self.read("writtenRoot", [log_id, size], block)[0])

    def successor(self, block: int) -> Address | None:
        """The contract that takes this one's place; None while it is in force."""
        named = Address(str(self.read("successor", [], block)[0]).lower())
        return None if int(named, 16) == 0 else named

    def head(self, log_id: LogId, block: int) -> tuple[int, Digest]:
        """(size, root) of the newest anchor that counts; size 0 before the first, also for a log that isn't opened."""
        size, root = self.read("head", [log_id], block)
        return size, Digest(root)

    def sizes(self, log_id: LogId, blocks: Sequence[int]) -> list[int | None]:
        """The head's size at each of `blocks`, in one round trip; None where the node has forgotten the state."""
        answers = self.read_many("head", [([log_id], block) for block in blocks])
        return [None if answer is None else int(answer[0]) if answer else 0 for answer in answers]

    def anchored_root(self, log_id: LogId, size: int, block: int) -> Digest | None:
        root = self.read("anchoredRoot", [log_id, size], block)[0]
        return None if root == ZERO else Digest(root)

    def anchored_roots(self, log_id: LogId, sizes: Sequence[int], block: int) -> list[Digest | None]:
        """The roots of several sizes in one round trip; None for a size that isn't anchored, or that can't be told."""
        answers = self.read_many("anchoredRoot", [([log_id, size], block) for size in sizes])
        return [Digest(answer[0]) if answer and answer[0] != ZERO else None for answer in answers]
