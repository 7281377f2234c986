"""The witness: what it is asked (C2SP tlog-witness, `add-checkpoint`), and what it answers.

Pure: bytes, the state and the keys come in, a decision goes out; notary.stores.witness keeps the state and holds its
lock around the decision. A witness knows one thing of a log, the last checkpoint that it cosigned, and never signs a
head that doesn't extend it. What it refuses although the log signed it may be proof of a split view: it says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from ledger.crypto.suites import verify_ed25519
from ledger.errors import UnreadableError
from notary.b64 import from_b64, to_b64
from notary.checkpoint import MAX_NOTE_BYTES, MAX_SIZE, Checkpoint, VerifierKey, parse_checkpoint, parse_note
from notary.merkle import EMPTY_ROOT, verify_consistency

MAX_PROOF = 63
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 64 + MAX_PROOF * 45
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Submission:
    """A request as read: the size that the asker thinks we know, a proof from there, and the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: str
    checkpoint: Checkpoint


class Status(IntEnum):
    """Answers by their HTTP status."""

    COSIGN = 200
    WRONG_OLD = 400
    UNKNOWN_KEY = 403
    UNKNOWN_LOG = 404
    OTHER_SIZE = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True)
class Decision:
    """What to answer. `size`: what we cosigned last, for a 409. `split`: the log signed two heads that we have seen and
    that can't both be true; the state's note is the other one."""

    status: Status
    size: int = 0
    split: bool = False


def format_submission(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of `add-checkpoint`."""
    return "".join([f"old {old}\n", *(f"{to_b64(node)}\n" for node in proof), "\n", note]).encode()


def parse_submission(body: bytes) -> Submission:
    """Read a body strictly; UnreadableError `witness.request` on anything that the protocol doesn't say."""
    if len(body) > MAX_REQUEST_BYTES:
        raise UnreadableError("witness.request")
    try:
        head, gap, note = body.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise UnreadableError("witness.request") from None
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    proof = [from_b64(line) for line in lines]
    if not gap or old is None or len(proof) > MAX_PROOF or any(node is None or len(node) != 32 for node in proof):
        raise UnreadableError("witness.request")
    if int(old[1]) >= MAX_SIZE:
        raise UnreadableError("witness.request")
    return Submission(int(old[1]), tuple(node for node in proof if node is not None), note, parse_checkpoint(note))


def decide(asked: Submission, state: Checkpoint | None, keys: Sequence[VerifierKey] | None) -> Decision:
    """The protocol's checks in its order. `state`: what we cosigned last for this origin, None for nothing yet; `keys`:
    the log's, None where we don't know the log."""
    found = asked.checkpoint
    if keys is None:
        return Decision(Status.UNKNOWN_LOG)
    if not signed_by_any(asked.note, keys):
        return Decision(Status.UNKNOWN_KEY)
    if asked.old > found.size:
        return Decision(Status.WRONG_OLD)
    known = 0 if state is None else state.size
    if asked.old != known:
        # The log signed it, and it isn't what the log had when we last saw it at this size.
        split = state is not None and found.size == state.size and found.root != state.root
        return Decision(Status.OTHER_SIZE, known, split)
    if not _extends(asked, state):
        split = state is not None and 0 < state.size == found.size and found.root != state.root
        return Decision(Status.INCONSISTENT, known, split)
    return Decision(Status.COSIGN, known)


def signed_by_any(note: str, keys: Sequence[VerifierKey]) -> bool:
    """Whether a known key signed. A line of a known key that doesn't verify makes the whole note malformed."""
    parsed = parse_note(note)
    good = False
    for line in parsed.signatures:
        for key in keys:
            if (line.name, line.key_id) == (key.name, key.key_id):
                if not verify_ed25519(key.public_key, line.signature, parsed.text.encode()):
                    return False
                good = True
    return good


def _extends(asked: Submission, state: Checkpoint | None) -> bool:
    found = asked.checkpoint
    if found.size == 0 and found.root != EMPTY_ROOT:
        return False
    if asked.old == 0:
        return not asked.proof and (state is None or found.size > 0 or found.root == state.root)
    return state is not None and verify_consistency(asked.old, found.size, state.root, found.root, asked.proof)
