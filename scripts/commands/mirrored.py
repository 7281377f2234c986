"""`chuzheng verify --mirror DIR`: what a mirror on this machine says about a receipt, without asking anybody.

A mirror was verified hash by hash when it was copied, and its checkpoint is held against the trust file here. It proves
that the entry stands in the log, and for a receipt that was only promised it is the log itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError, IntegrityError
from ledger.types import Millis
from scripts import output
from scripts.commands.auditing import read_side
from scripts.commands.files import check_readable
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.comparing import Side
    from notary.evidence import LogSeen
    from notary.receipt import Receipt
    from notary.trust_file import TrustFile

SAYS_SO = frozenset({"one", "entry_only"})


@dataclass(frozen=True, slots=True)
class Said:
    """`case`: one, entry_only (the receipt's checkpoint is newer than the mirror), old, unsigned (the mirror),
    receipt_unsigned, damaged, split."""

    path: Path
    case: str
    params: dict[str, Any]
    seen: LogSeen | None = None

    def as_json(self) -> dict[str, Any]:
        words = output.message("chuzheng-mirror-said/1", f"cli.verify.mirror.{self.case}", **self.params)
        found = {name: value for name, value in words.items() if name.startswith("message_")}
        return {"path": str(self.path), "case": self.case, **self.params, **found}

    def line(self) -> str:
        mark = "OK" if self.case in SAYS_SO else "!!" if self.case == "split" else "? "
        return f"{mark}  {self.path}: {output.words(f'cli.verify.mirror.{self.case}', **self.params)}"


def ask_mirrors(
    receipt: Receipt, mirrors: Iterable[Path], trust: TrustFile | None, now: Millis, proofs: Path
) -> list[Said]:
    """What each mirror says. A contradiction is kept in `proofs` first; UsageError for another log's mirror."""
    return [_ask(receipt, path, trust, now, proofs) for path in mirrors]


def newest(said: Sequence[Said]) -> LogSeen | None:
    """The largest checkpoint of those mirrors that can be believed, with the entry under it."""
    from notary.checkpoint import parse_checkpoint

    seen = [each.seen for each in said if each.seen is not None]
    return max(seen, key=lambda found: parse_checkpoint(found.checkpoint).size, default=None)


def _ask(receipt: Receipt, path: Path, trust: TrustFile | None, now: Millis, proofs: Path) -> Said:
    from notary.checkpoint import parse_checkpoint
    from notary.checks.log import signed_by_log
    from notary.comparing import Side, compare
    from notary.equivocation import SignedHead, signed_pieces
    from notary.evidence import LogSeen
    from notary.report import Outcome
    from notary.stores.equivocations import Equivocations

    check_readable(path / "checkpoint")
    read = read_side(path)
    if read.origin != receipt.origin:
        raise UsageError("cli.verify.mirror.other_log", path=str(path), one=receipt.origin, other=read.origin)
    note = next(piece.note for piece in read.side.pieces if isinstance(piece, SignedHead))
    size = parse_checkpoint(note).size
    if trust is None or trust.expired(now) or not signed_by_log(note, receipt.origin, trust):
        return Said(path, "unsigned", {})
    if size <= receipt.index:
        return Said(path, "old", {"size": size, "index": receipt.index})
    try:
        tree = _tree(read.side)
        seen = LogSeen(note, tree.entry(receipt.index), tuple(tree.inclusion_path(receipt.index, size)))
        own = signed_pieces(receipt, trust)
        if not own:
            return Said(path, "receipt_unsigned", {}, seen)
        compared = compare(receipt.origin, Side(tuple(own)), read.side)
    except ChuzhengError as error:
        return Said(path, "damaged", {"reason": error.code})
    if compared.found is not None:
        return Said(path, "split", {"proof": str(Equivocations(proofs).keep(compared.found))}, seen)
    if compared.outcome is not Outcome.PASS or seen.entry != receipt.entry.to_bytes():
        return Said(path, "damaged", {"reason": "entry"})
    head = receipt.head
    if head is not None and head.size > size:
        return Said(path, "entry_only", {"size": size, "index": receipt.index, "newer": head.size}, seen)
    return Said(path, "one", {"size": size, "index": receipt.index}, seen)


def _tree(side: Side) -> Any:
    if side.tree is None:
        raise IntegrityError("note.form")
    return side.tree
