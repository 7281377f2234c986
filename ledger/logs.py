"""Logs on the chain: what is anchored, what a closing strikes out, how a log moves to the next contract.

Pure twin of the contract `AnchorLog` (contracts.md): same questions, same order, same answers, in the contract's own
error codes. Whether a proof shows that one tree extends another is the caller's to find out (notary.merkle). A `Line`
is the network's AnchorLogs in their order, each made to follow the one before it; the first that isn't retired is in
force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger.errors import ConflictError, DeniedError, InputError, IntegrityError, NotFoundError
from ledger.types import DepartmentCode, Digest, LogId

MOST_VERSIONS = 16
"""What the contract takes for a line at most."""


@dataclass(frozen=True, slots=True)
class Log:
    """One log. `size`: of the newest anchor that counts, 0 before the first. `roots`: by size, all that was ever
    written; above `size` they count no more."""

    owner: DepartmentCode
    size: int = 0
    closed: bool = False
    roots: Mapping[int, Digest] = field(default_factory=dict)

    def root(self, size: int) -> Digest | None:
        """The root anchored for `size`; None where there is none that counts."""
        return self.roots.get(size) if size <= self.size else None


@dataclass(frozen=True, slots=True)
class Book:
    """One AnchorLog: the logs that were opened in it or carried to it."""

    logs: Mapping[LogId, Log] = field(default_factory=dict)
    retired: bool = False


Line = tuple[Book, ...]


def log_of(line: Line, at: int, log_id: LogId) -> Log | None:
    """The log as the contract `at` (0 the first) tells it: what isn't carried yet is told by the one before."""
    for book in reversed(line[: at + 1]):
        if (found := book.logs.get(log_id)) is not None:
            return found
    return None


def written_root(line: Line, at: int, log_id: LogId, size: int) -> Digest | None:
    """What was once anchored for `size`, whether it counts or not."""
    for book in reversed(line[: at + 1]):
        found = book.logs.get(log_id)
        if found is not None and (root := found.roots.get(size)) is not None:
            return root
    return None


def open_log(
    line: Line, at: int, log_id: LogId, owner: DepartmentCode, *, suspended: bool = False, paused: bool = False
) -> Line:
    """With the log opened by its `owner`, or taken over from the contract before; unchanged if it is there.

    ConflictError or DeniedError `anchor_log.…`.
    """
    book = line[at]
    if log_id in book.logs:
        return line
    if book.retired:
        raise ConflictError("anchor_log.retired", successor=at + 1)
    _require_named(line, at)
    if (old := log_of(line, at, log_id)) is not None:
        return _with(line, at, log_id, old)
    if paused:
        raise ConflictError("anchor_log.paused")
    if suspended:
        raise DeniedError("anchor_log.department_suspended", department=owner)
    return _with(line, at, log_id, Log(owner))


def anchor(
    line: Line, at: int, log_id: LogId, *, size: int, root: Digest, by: DepartmentCode, extends: bool
) -> tuple[Line, bool]:
    """With (size, root) anchored, and whether that is new; `extends`: the proof shows it from the head (from size 0: it
    is empty, and the root isn't zero). ConflictError, DeniedError, IntegrityError or NotFoundError `anchor_log.…`.
    """
    log = line[at].logs.get(log_id)
    if log is None:
        raise _absent(line, at, log_id)
    if log.owner != by:
        raise DeniedError("anchor_log.not_owner", log_id=log_id, owner=log.owner, department=by)
    if size <= log.size:
        known = log.root(size)
        if known is None:
            raise ConflictError("anchor_log.size_behind", log_id=log_id, head_size=log.size, size=size)
        if known != root:
            raise IntegrityError("anchor_log.root_differs", log_id=log_id, size=size, known=known, given=root)
        return line, False
    if log.closed:
        raise ConflictError("anchor_log.log_closed", log_id=log_id, last_good_size=log.size)
    if line[at].retired:
        raise ConflictError("anchor_log.retired", successor=at + 1)
    if not extends:
        raise IntegrityError("anchor_log.proof_invalid", log_id=log_id, head_size=log.size, size=size)
    grown = replace(log, size=size, roots={**log.roots, size: root})
    return _with(line, at, log_id, grown), True


def close_log(line: Line, at: int, log_id: LogId, last_good_size: int) -> tuple[Line, bool]:
    """With the log closed by the Council, and whether that is new. ConflictError, InputError or NotFoundError."""
    if line[at].retired:
        raise ConflictError("anchor_log.retired", successor=at + 1)
    log = line[at].logs.get(log_id)
    if log is None:
        raise _absent(line, at, log_id)
    if log.closed and log.size == last_good_size:
        return line, False
    if log.closed and log.size < last_good_size:
        raise ConflictError("anchor_log.log_closed", log_id=log_id, last_good_size=log.size)
    if last_good_size != 0 and log.root(last_good_size) is None:
        raise InputError("anchor_log.size_not_anchored", log_id=log_id, size=last_good_size)
    return _with(line, at, log_id, replace(log, size=last_good_size, closed=True)), True


def retire(line: Line, at: int) -> tuple[Line, bool]:
    """With the contract `at` retired by the Council in favour of the next of the line, and whether that is new."""
    if line[at].retired:
        return line, False
    if at + 1 >= len(line):
        raise InputError("anchor_log.successor_invalid", successor=None)
    return (*line[:at], replace(line[at], retired=True), *line[at + 1 :]), True


def carry(line: Line, at: int, log_ids: Sequence[LogId]) -> tuple[Line, int]:
    """With the logs taken over from the contract before `at`, and how many were new."""
    if at == 0:
        raise ConflictError("anchor_log.not_in_force", previous=None, successor=None)
    _require_named(line, at)
    carried = 0
    for log_id in log_ids:
        if log_id in line[at].logs:
            continue
        old = log_of(line, at - 1, log_id)
        if old is None:
            raise NotFoundError("anchor_log.log_unknown", log_id=log_id)
        line = _with(line, at, log_id, old)
        carried += 1
    return line, carried


def _with(line: Line, at: int, log_id: LogId, log: Log) -> Line:
    book = replace(line[at], logs={**line[at].logs, log_id: log})
    return (*line[:at], book, *line[at + 1 :])


def _absent(line: Line, at: int, log_id: LogId) -> ConflictError | NotFoundError:
    if log_of(line, at, log_id) is None:
        return NotFoundError("anchor_log.log_unknown", log_id=log_id)
    return ConflictError("anchor_log.not_carried", log_id=log_id, previous=at - 1)


def _require_named(line: Line, at: int) -> None:
    """Only the first of a line is in force without having been named by the one before it."""
    if at and not line[at - 1].retired:
        raise ConflictError("anchor_log.not_in_force", previous=at - 1, successor=None)
