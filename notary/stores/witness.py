"""What a witness knows: for each log the last checkpoint that it cosigned, with the log's signature and its own.

One file a log, replaced by rename; one kernel lock a log around reading, deciding and writing, so that two requests
never cosign two histories and a crash never forgets a cosignature: it is durable before it is answered.

    <hex SHA-256 of the origin>/checkpoint   the note; served for monitors
    <hex SHA-256 of the origin>/lock
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.errors import ChuzhengError, IntegrityError
from ledger.ports import Clock, Signer
from ledger.types import Origin
from notary.checkpoint import (
    NoteSignature,
    VerifierKey,
    format_note,
    parse_checkpoint,
    parse_note,
)
from notary.cosignature import cosign, format_line, with_cosignatures
from notary.entry import parse_origin
from notary.equivocation import Equivocation, Prefix, SignedHead, find, prefix_of
from notary.stores.disk import Disk, translated
from notary.witnessing import Decision, Status, Submission, decide

Keys = Callable[[str], Sequence[VerifierKey] | None]
"""The keys of a log by its origin; None: it isn't among ours."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A decision, with the lines of a cosignature, or the contradiction that came to light."""

    decision: Decision
    lines: str = ""
    split: Equivocation | None = None


class Witness:
    """A witness under a name. `keep` is told of contradictions before the answer goes out."""

    def __init__(
        self,
        folder: Path,
        name: str,
        signer: Signer,
        keys: Keys,
        clock: Clock,
        *,
        keep: Callable[[Equivocation], object] = lambda found: None,
        disk: Disk | None = None,
    ) -> None:
        self.name, self.signer = name, signer
        self._folder, self._keys, self._clock, self._keep = folder.absolute(), keys, clock, keep
        self._disk = disk or Disk()
        with translated():
            self._disk.make_folder(self._folder)
            self._disk.sync_folder(self._folder.parent)

    def add(self, asked: Submission) -> Answered:
        """Cosign or refuse. UnavailableError `disk.*`: nothing was answered, nothing changed."""
        origin = asked.checkpoint.origin
        keys = self._keys(origin)
        if keys is None:
            return Answered(Decision(Status.UNKNOWN_LOG))
        place = self._place(origin)
        with translated():
            self._disk.make_folder(place)
            self._disk.sync_folder(self._folder)
            with self._disk.locked(place / "lock"):
                note = self._read(place)
                state = None if note is None else parse_checkpoint(note)
                if state is not None and state.origin != origin:
                    raise IntegrityError("log.origin", expected=origin, found=state.origin)
                decision = decide(asked, state, keys)
                if decision.status is not Status.COSIGN:
                    return Answered(decision, split=self._split(asked, note, keys, decision))
                line = cosign(asked.checkpoint.text(), self.name, self.signer, max(1, self._clock.now() // 1000))
                cosigned = with_cosignatures(_only(asked.note, keys), [line])
                self._disk.replace(place / "checkpoint", cosigned.encode())
        return Answered(decision, format_line(line))

    def checkpoint(self, digest: str) -> str | None:
        """The note kept for the log whose origin has this SHA-256 (hex); None where nothing was cosigned."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            return None
        with translated():
            return self._read(self._folder / digest)

    def _split(
        self, asked: Submission, note: str | None, keys: Sequence[VerifierKey], decision: Decision
    ) -> Equivocation | None:
        """Both signed pieces, where they prove that the log signed two histories."""
        if note is None or decision.status not in (Status.OTHER_SIZE, Status.INCONSISTENT):
            return None
        state, found = parse_checkpoint(note), asked.checkpoint
        prefix = None
        if state.size < found.size and asked.old == state.size:
            root = prefix_of(state.size, found, asked.proof)
            prefix = None if root is None else Prefix(root, asked.proof)
        try:
            parse_origin(found.origin)  # another operator's log has no file format of ours
        except ChuzhengError:
            return None
        split = find(Origin(found.origin), SignedHead(_only(note, keys)), SignedHead(_only(asked.note, keys)), prefix)
        if split is not None:
            self._keep(split)
        return split

    def _place(self, origin: str) -> Path:
        return self._folder / sha256(origin.encode()).hexdigest()

    def _read(self, place: Path) -> str | None:
        try:
            return self._disk.read(place / "checkpoint").decode()
        except FileNotFoundError:
            return None


def _only(note: str, keys: Sequence[VerifierKey]) -> str:
    """The note with the log's own lines only: what strangers added isn't kept or shown."""
    parsed = parse_note(note)
    own = {(key.name, key.key_id) for key in keys}
    lines: list[NoteSignature] = [s for s in parsed.signatures if (s.name, s.key_id) in own]
    return format_note(parsed.text, lines)
