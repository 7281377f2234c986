"""Equivocation: two pieces that a log signed and that can't both be true, as a file that anybody can judge offline.

Pure. `chuzheng-equivocation/1` (docs/formats.md) holds both pieces whole, and where one tree is larger than the other
the proof of what the larger one has at the smaller one's size. Whoever has the trust file needs nobody to judge it.
Over 300 lines, because what is a contradiction, who signed it and how it is read must be seen side by side.

    two_promises    two promises for one index
    other_leaf      another entry stands at an index than was promised, or than another checkpoint proves
    two_roots       two checkpoints of one size
    not_extended    a checkpoint whose tree doesn't begin with the tree of a smaller one
    anchor_differs  a checkpoint against the head that the chain holds
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from ledger.crypto.suites import verify_ed25519
from ledger.errors import ChuzhengError, InputError, UnreadableError
from ledger.types import Digest, Millis, Origin
from notary import members
from notary.b64 import from_b64_hashes, to_b64
from notary.canonical import parse_strict
from notary.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, promise_bytes, verify_signature
from notary.checks.sealed import anchored_claim, examine
from notary.entry import ENTRY_BYTES, leaf_of, log_id, parse_origin
from notary.merkle import verify_consistency, verify_inclusion
from notary.receipt import Receipt
from notary.receipt_parts import (
    MAX_PATH,
    Evidence,
    NoEvidence,
    ReceiptAnchor,
    anchor_to_value,
    evidence_to_value,
    read_anchor,
    read_evidence,
    read_note,
)
from notary.report import Outcome
from notary.trust_file import TrustFile

FORMAT = "chuzheng-equivocation/1"
SUFFIX = ".equivocation.json"
MAX_BYTES = 1 << 20
_TOP = frozenset({"format", "origin", "what", "first", "second"})
_CHECKPOINT = frozenset({"kind", "note"})
_PROMISE = frozenset({"kind", "index", "entry", "promise"})
_ANCHOR = frozenset({"kind", "size", "root", "anchor", "evidence"})
_PREFIX = frozenset({"root", "proof"})


class What(StrEnum):
    """Which two things can't both be true."""

    TWO_PROMISES = "two_promises"
    OTHER_LEAF = "other_leaf"
    TWO_ROOTS = "two_roots"
    NOT_EXTENDED = "not_extended"
    ANCHOR_DIFFERS = "anchor_differs"


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry at an index, with its path under the checkpoint that it is shown with."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint as the log signed it, whole; `shown`: one entry under it."""

    note: str
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class SignedPromise:
    """A promise for the entry (its bytes) at an index."""

    index: int
    entry: bytes
    promise: bytes


@dataclass(frozen=True, slots=True)
class ChainHead:
    """What the chain holds: signed by the log's operator in a transaction, proved by the block's evidence."""

    size: int
    root: Digest
    anchor: ReceiptAnchor
    evidence: Evidence


Piece = SignedHead | SignedPromise | ChainHead


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the larger tree has at the smaller one's size: its root there, and the consistency proof for that."""

    root: Digest
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Two contradicting pieces of one log."""

    origin: Origin
    what: What
    first: Piece
    second: Piece
    prefix: Prefix | None = None

    @property
    def first_text(self) -> str:
        """One piece as a report shows it: a checkpoint's note, or the piece's JSON."""
        return _text(self.first)

    @property
    def second_text(self) -> str:
        return _text(self.second)

    def to_json(self) -> bytes:
        """The file's bytes."""
        value: dict[str, Any] = {
            "format": FORMAT,
            "origin": self.origin,
            "what": self.what.value,
            "first": _to_value(self.first),
            "second": _to_value(self.second),
        }
        if self.prefix is not None:
            value["prefix"] = {"root": to_b64(self.prefix.root), "proof": [to_b64(node) for node in self.prefix.proof]}
        return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`pass`: proven, the log signed both; `fail`: it isn't one; `unknown`: couldn't be judged. `code`: why."""

    outcome: Outcome
    code: str


def find(origin: Origin, one: Piece, other: Piece, prefix: Prefix | None = None) -> Equivocation | None:
    """The equivocation that two pieces of `origin` make, signatures apart; None where they may both be true.

    Which is first doesn't depend on which was met first, so that the same two pieces give the same file.
    """
    what = _contradiction(origin, one, other, prefix)  # in either order; sorting is for what is kept
    if what is None:
        return None
    first, second = sorted((one, other), key=lambda piece: json.dumps(_to_value(piece)))
    used = prefix if what in (What.NOT_EXTENDED, What.ANCHOR_DIFFERS) and _uses_prefix(first, second) else None
    return Equivocation(origin, what, first, second, used)


def judge(found: Equivocation, trust: TrustFile | None, now: Millis) -> Judgement:
    """Whether the log signed both pieces and they contradict each other. Any key that the trust file ever listed for
    the log counts: who signs two heads with an old key has signed them."""
    if _contradiction(found.origin, found.first, found.second, found.prefix) is not found.what:
        return Judgement(Outcome.FAIL, "no_contradiction")
    if trust is None or trust.expired(now):
        return Judgement(Outcome.UNKNOWN, "no_trust" if trust is None else "trust_expired")
    if parse_origin(found.origin).network != trust.network:
        return Judgement(Outcome.UNKNOWN, "other_network")
    judged = [signed(found.origin, piece, trust) for piece in (found.first, found.second)]
    if False in judged:
        return Judgement(Outcome.FAIL, "not_signed")
    if None in judged:
        keyless = not trust.keys_of(found.origin)
        return Judgement(Outcome.UNKNOWN, "no_key" if keyless else "chain_not_asked")
    return Judgement(Outcome.PASS, "proven")


def signed(origin: str, piece: Piece, trust: TrustFile) -> bool | None:
    """Whether the piece is the log's (the chain's: by its evidence); None: nothing here can tell."""
    keys = trust.keys_of(origin)
    match piece:
        case ChainHead():
            return _on_chain(origin, piece, trust)
        case _ if not keys:
            return None
        case SignedHead():
            return any(_verifies(piece.note, VerifierKey(key.name, key.ed25519)) for key in keys)
        case SignedPromise():
            message = promise_bytes(log_id(origin), piece.index, leaf_of(piece.entry))
            return any(verify_ed25519(key.ed25519, piece.promise, message) for key in keys)


def pieces_of(receipt: Receipt) -> list[Piece]:
    """What of a receipt the log (or the chain) signed."""
    found: list[Piece] = []
    entry = receipt.entry.to_bytes()
    if receipt.promise is not None:
        found.append(SignedPromise(receipt.index, entry, receipt.promise))
    if receipt.checkpoint is not None and receipt.inclusion is not None:
        found.append(SignedHead(receipt.checkpoint, Shown(receipt.index, entry, receipt.inclusion.path)))
    return found


def signed_pieces(receipt: Receipt, trust: TrustFile) -> list[Piece]:
    """Of a receipt's pieces those that the log did sign: what anybody could have written accuses nobody."""
    return [piece for piece in pieces_of(receipt) if signed(receipt.origin, piece, trust)]


def prefix_of(size: int, head: Checkpoint, proof: Sequence[bytes]) -> Digest | None:
    """The root at `size` that a consistency proof to `head` speaks of, where it can be told from the proof alone (not
    where `size` is a power of two) and leads to the head's root; None otherwise."""
    if not 0 < size < head.size or not size & (size - 1) or not proof or any(len(node) != 32 for node in proof):
        return None
    first, last = size - 1, head.size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    root = proof[0]
    for node in proof[1:]:
        if first & 1 or first == last:
            root = sha256(b"\x01" + node + root).digest()
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        first, last = first >> 1, last >> 1
    return Digest(root) if verify_consistency(size, head.size, root, head.root, proof) else None


def parse_equivocation(data: bytes) -> Equivocation:
    """Read a file strictly; UnreadableError on anything that docs/formats.md doesn't say."""
    value = members.check_names(FORMAT, parse_strict(data, limit=MAX_BYTES), _TOP, _TOP | {"prefix"})
    if value["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    origin = members.read_text(FORMAT, "origin", value["origin"], 128)
    parse_origin(origin)
    if value["what"] not in set(What):
        raise UnreadableError("format.text", where=FORMAT, member="what", limit=16)
    prefix = None
    if "prefix" in value:
        inner = members.check_names(FORMAT, value["prefix"], _PREFIX, _PREFIX)
        root = Digest(members.read_b64(FORMAT, "prefix.root", inner["root"], 32))
        prefix = Prefix(root, _read_path("prefix.proof", inner["proof"]))
    first, second = (_read_piece(name, value[name]) for name in ("first", "second"))
    return Equivocation(Origin(origin), What(value["what"]), first, second, prefix)


# -- inside -----------------------------------------------------------------------------------------------------------


def _contradiction(origin: str, first: Piece, second: Piece, prefix: Prefix | None) -> What | None:
    if isinstance(first, ChainHead) and isinstance(second, ChainHead):
        return None  # the chain against itself is no act of the log
    one, two = _head(first), _head(second)
    if any(head is not None and head.origin not in (origin, "") for head in (one, two)):
        return None
    told, also = (_leaf(first), _leaf(second)) if _shows(first) and _shows(second) else (None, None)
    if told is not None and also is not None and told[0] == also[0] and told[1] != also[1]:
        both = isinstance(first, SignedPromise) and isinstance(second, SignedPromise)
        return What.TWO_PROMISES if both else What.OTHER_LEAF
    if one is None or two is None:
        return None
    chain = isinstance(first, ChainHead) or isinstance(second, ChainHead)
    if one.size == two.size:
        if one.root == two.root:
            return None
        return What.ANCHOR_DIFFERS if chain else What.TWO_ROOTS
    small, large = (one, two) if one.size < two.size else (two, one)
    if prefix is None or prefix.root == small.root:
        return None
    if not verify_consistency(small.size, large.size, prefix.root, large.root, prefix.proof):
        return None
    return What.ANCHOR_DIFFERS if chain else What.NOT_EXTENDED


def _uses_prefix(first: Piece, second: Piece) -> bool:
    one, two = _head(first), _head(second)
    return one is not None and two is not None and one.size != two.size


def _head(piece: Piece) -> Checkpoint | None:
    match piece:
        case SignedHead():
            return parse_checkpoint(piece.note)
        case ChainHead():
            return Checkpoint("", piece.size, piece.root)
        case SignedPromise():
            return None


def _shows(piece: Piece) -> bool:
    """Whether the piece speaks of one entry."""
    return isinstance(piece, SignedPromise) or (isinstance(piece, SignedHead) and piece.shown is not None)


def _leaf(piece: Piece) -> tuple[int, Digest] | None:
    """(index, leaf) that the piece vouches for, where its path holds."""
    if isinstance(piece, SignedPromise):
        return piece.index, leaf_of(piece.entry)
    if not isinstance(piece, SignedHead) or piece.shown is None:
        return None
    head, shown = parse_checkpoint(piece.note), piece.shown
    leaf = leaf_of(shown.entry)
    good = verify_inclusion(shown.index, head.size, leaf, shown.path, head.root)
    return (shown.index, leaf) if good else None


def _on_chain(origin: str, piece: ChainHead, trust: TrustFile) -> bool | None:
    if isinstance(piece.evidence, NoEvidence) or trust.finality != "qbft":
        return None
    head = Checkpoint(origin, piece.size, piece.root)
    claim = anchored_claim("AnchorLog", log_id(origin), parse_origin(origin).issuer, head)
    found = examine(piece.evidence, piece.anchor, claim, trust)
    if found.wrong is not None:
        return False
    return True if found.final else None


def _verifies(note: str, key: VerifierKey) -> bool:
    try:
        return verify_signature(note, key)
    except ChuzhengError:
        return False


def _text(piece: Piece) -> str:
    return piece.note if isinstance(piece, SignedHead) else json.dumps(_to_value(piece))


def _to_value(piece: Piece) -> dict[str, Any]:
    match piece:
        case SignedHead(note, None):
            return {"kind": "checkpoint", "note": note}
        case SignedHead(note, Shown(index, entry, path)):
            path_b64 = [to_b64(node) for node in path]
            return {"kind": "checkpoint", "note": note, "index": index, "entry": to_b64(entry), "path": path_b64}
        case SignedPromise(index, entry, promise):
            return {"kind": "promise", "index": index, "entry": to_b64(entry), "promise": to_b64(promise)}
        case ChainHead(size, root, anchor, evidence):
            return {
                "kind": "anchor", "size": size, "root": to_b64(root), "anchor": anchor_to_value(anchor),
                "evidence": evidence_to_value(evidence),
            }  # fmt: skip
    raise InputError("format.unknown", expected=FORMAT)


def _read_piece(at: str, value: Any) -> Piece:
    kind = value.get("kind") if type(value) is dict else None
    if kind == "promise":
        value = members.check_names(FORMAT, value, _PROMISE, _PROMISE)
        entry = members.read_b64(FORMAT, f"{at}.entry", value["entry"], ENTRY_BYTES)
        index = members.read_count(FORMAT, f"{at}.index", value["index"])
        return SignedPromise(index, entry, members.read_b64(FORMAT, f"{at}.promise", value["promise"], 64))
    if kind == "anchor":
        value = members.check_names(FORMAT, value, _ANCHOR, _ANCHOR)
        root = Digest(members.read_b64(FORMAT, f"{at}.root", value["root"], 32))
        size = members.read_count(FORMAT, f"{at}.size", value["size"])
        return ChainHead(size, root, read_anchor(FORMAT, value["anchor"]), read_evidence(FORMAT, value["evidence"]))
    if kind != "checkpoint":
        raise UnreadableError("format.text", where=FORMAT, member=f"{at}.kind", limit=16)
    shown = {"index", "entry", "path"} & value.keys()
    value = members.check_names(FORMAT, value, _CHECKPOINT | ({"index", "entry", "path"} if shown else set()),
                                _CHECKPOINT | {"index", "entry", "path"})  # fmt: skip
    note = read_note(FORMAT, value["note"])
    if not shown:
        return SignedHead(note)
    index = members.read_count(FORMAT, f"{at}.index", value["index"])
    entry = members.read_b64(FORMAT, f"{at}.entry", value["entry"], ENTRY_BYTES)
    return SignedHead(note, Shown(index, entry, _read_path(f"{at}.path", value["path"])))


def _read_path(member: str, value: Any) -> tuple[bytes, ...]:
    path = from_b64_hashes(members.read_list(FORMAT, member, value, MAX_PATH + 10))
    if path is None:
        raise UnreadableError("format.base64", where=FORMAT, member=member)
    return path
