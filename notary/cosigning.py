"""Asking witnesses: each in a loop of its own, so that one that doesn't answer holds up neither others nor sealing.

A round looks at each log's newest checkpoint of the chain and its newest at all, the smaller one first, because a
witness never goes back. What comes is verified before it is kept. Nothing of this has to survive a crash: a witness
tells what it knows (409), and the cosignatures are in the database. How each witness stands, and what it refused, is
noted for health and `doctor`; a refusal that no outage explains is an alarm, with both signed pieces kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ledger.errors import ChuzhengError, UnavailableError, UnreadableError
from ledger.ports import Clock
from ledger.types import Origin
from notary.checkpoint import VerifierKey, parse_checkpoint, parse_note
from notary.cosignature import cosigned_at, parse_lines
from notary.equivocation import Equivocation, Prefix, SignedHead, find
from notary.rotation import LogKeys, former_keys
from notary.service import Notary
from notary.stores.cosignatures import put_line
from notary.stores.outside import Outside, Standing
from notary.stores.records import LogRow
from notary.trust_file import WitnessKey
from notary.witnessing import Status, format_submission

Ask = Callable[[bytes], tuple[int, bytes]]
"""Posts an `add-checkpoint` body to a witness: (HTTP status, body). UnavailableError where it doesn't answer."""
Kept = Callable[[Origin], bytes | None]
"""The checkpoint that the witness shows of a log, as it cosigned it last; None where it shows none."""
ROLE = "witness"
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
"""Seconds until a witness that failed is asked again, and what they grow to."""
TURNS = 8
"""Questions about one checkpoint at most."""
LOOK = 0.5
"""Seconds between looks at the logs: about what an anchor waits for the chain."""
_log = structlog.get_logger("notary.cosigning")


@dataclass(frozen=True, slots=True)
class Refused:
    """What a witness refused, for health and for people: its answer isn't an outage."""

    origin: Origin
    size: int
    status: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Where it is told how a witness stands, and where proofs of two histories are kept."""

    outside: Outside
    clock: Clock
    keep: Callable[[Equivocation], object] = lambda found: None
    kept: Kept = lambda origin: None


class Cosigner:
    """Keeps one witness up to date with all logs of a notary. `witness` gives its key as the trust file has it now."""

    def __init__(
        self, notary: Notary, name: str, witness: Callable[[], WitnessKey | None], ask: Ask, watch: Watch | None = None
    ) -> None:
        self._notary, self.name, self._witness, self._ask = notary, name, witness, ask
        self._watch = watch
        self._known: dict[Origin, int] = {}
        """Sizes that the witness has; one that isn't here is found out by its 409."""
        self._done: dict[Origin, tuple[int, int]] = {}
        self.refused: dict[Origin, Refused] = {}
        self._clean: set[Origin] = set()
        """Logs of which no refusal is noted any more."""
        self.failures = 0
        """Rounds in a row that failed."""

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            stop.wait(self.round())

    def round(self) -> float:
        """One look at all logs; seconds until the next."""
        try:
            witness = self._witness()
            if witness is not None:
                for origin in self._notary.logs:
                    self._tend(origin, witness)
            self.failures = 0
            self._note("" if witness is not None else "witness.not_listed", {"name": self.name})
            return LOOK
        except UnavailableError as error:
            self.failures += 1
            _log.warning("cosigning.unavailable", witness=self.name, code=error.code, failures=self.failures)
            self._note(error.code, error.params)
        except ChuzhengError as error:
            self.failures += 1
            _log.error("cosigning.failed", witness=self.name, code=error.code)
            self._note(error.code, error.params)
        return min(LAST_PAUSE, FIRST_PAUSE * float(1 << min(self.failures, 10)))

    def _tend(self, origin: Origin, witness: WitnessKey) -> None:
        log, row = self._notary.logs[origin], self._notary.log(origin)
        with self._notary.store.reading() as connection:
            kept = self._notary.store.newest_checkpoint(connection, row.id)
        head = log.head()
        wanted = {} if kept is None else {kept.size: kept.note}
        if head is not None:
            wanted.setdefault(head[0].size, head[1])
        mark = (kept.size if kept else 0, head[0].size if head else 0)
        if self._done.get(origin) == mark:
            return
        for size in sorted(wanted):
            if size > self._known.get(origin, -1):
                self._cosign(row, size, wanted[size], witness)
        self._done[origin] = mark

    def _cosign(self, row: LogRow, size: int, note: str, witness: WitnessKey) -> None:
        origin = row.origin
        for _ in range(TURNS):  # a second one where it has told its size; more where somebody else asks it meanwhile
            old = self._known.get(origin, 0)
            if old > size:
                return  # it has seen a larger one: this one's chance is over
            proof: Sequence[bytes] = self._notary.logs[origin].consistency_proof(old, size) if old else []
            status, body = self._ask(format_submission(old, proof, note))
            if status != Status.OTHER_SIZE:
                break
            told = _size(body)
            if told == self._known.get(origin):
                break
            self._known[origin] = told
            if told > self._notary.logs[origin].sealed_size():
                # It has cosigned what we haven't: our log is an old copy, or somebody else has its key.
                _log.critical("cosigning.witness_ahead", witness=self.name, origin=origin, own=size, witness_has=told)
                self._refuse(Refused(origin, size, status), note, {"told": told}, alarm=True)
                return
        if status == Status.COSIGN:
            self._keep(row, size, note, body, witness)
            self._known[origin] = size
            self._accepted(origin)
            return
        if status not in set(Status) or status == Status.OTHER_SIZE:
            raise UnavailableError("witness.answer", name=self.name, status=status)
        level = _log.critical if status == Status.INCONSISTENT else _log.error
        level("cosigning.refused", witness=self.name, origin=origin, size=size, status=status)
        self._refuse(Refused(origin, size, status), note, {}, alarm=status == Status.INCONSISTENT)

    def _refuse(self, refused: Refused, note: str, more: Mapping[str, Any], *, alarm: bool) -> None:
        """Keep what was refused, and where it may mean two histories both signed pieces."""
        origin = refused.origin
        self.refused[origin] = refused
        if self._watch is None:
            return
        params = {"name": self.name, "origin": origin, "size": refused.size, "status": refused.status, **more}
        facts: dict[str, Any] = {}
        if alarm:
            theirs = self._shown(origin)
            facts = {"ours": note, "theirs": theirs}
            found = None if theirs is None else self._split(origin, note, theirs)
            if found is not None:
                params["proof"] = Path(str(self._watch.keep(found))).name
        ahead = "witness.ahead" if "told" in more else "witness.inconsistent" if alarm else "witness.refused"
        self._note(ahead, params, subject=origin, alarm=alarm, facts=facts)

    def _accepted(self, origin: Origin) -> None:
        self.refused.pop(origin, None)
        if self._watch is not None and origin not in self._clean:
            self._watch.outside.clear(ROLE, self.name, origin)
            self._clean.add(origin)

    def _shown(self, origin: Origin) -> str | None:
        """The witness's own piece, where it shows one that our log signed."""
        assert self._watch is not None
        try:
            body = self._watch.kept(origin)
            note = None if body is None else body.decode("utf-8")
            if note is None or (head := parse_checkpoint(note)).origin != origin:
                return None
            signer = self._notary.signers[origin]
            keys = LogKeys(VerifierKey(str(origin), signer.public_key), former_keys(signer, origin))
            return note if keys.signed(note, head.size) else None
        except (ChuzhengError, UnicodeDecodeError):
            return None

    def _split(self, origin: Origin, ours: str, theirs: str) -> Equivocation | None:
        """The proof that our log signed both, where the sizes allow one: our tree is here, theirs isn't."""
        head, other = parse_checkpoint(ours), parse_checkpoint(theirs)
        prefix = None
        if 0 < other.size < head.size:
            log = self._notary.logs[origin]
            prefix = Prefix(log.root(other.size), tuple(log.consistency_proof(other.size, head.size)))
        return find(origin, SignedHead(ours), SignedHead(theirs), prefix)

    def _note(
        self, code: str, params: Mapping[str, Any], *, subject: str = "", alarm: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        if self._watch is None:
            return
        if subject:
            self._clean.discard(Origin(subject))
        now = self._watch.clock.now()
        try:
            self._watch.outside.note(ROLE, Standing(self.name, now, code, params, alarm, facts or {}, subject))
        except ChuzhengError as error:  # a disk that is full mustn't end the loop
            _log.error("cosigning.not_noted", witness=self.name, code=error.code)

    def _keep(self, row: LogRow, size: int, note: str, body: bytes, witness: WitnessKey) -> None:
        parsed = parse_note(note)
        try:
            lines = parse_lines(body.decode("utf-8"))
        except (UnreadableError, UnicodeDecodeError):
            raise UnavailableError("witness.answer", name=self.name, status=200) from None
        good = [line for line in lines if cosigned_at(parsed, line, witness) is not None]
        if not good or parse_checkpoint(note).size != size:
            raise UnavailableError("witness.answer", name=self.name, status=200)
        with self._notary.store.transaction() as connection:
            put_line(connection, row.id, size, good[0])


def _size(body: bytes) -> int:
    text = body.decode("ascii", "replace").removesuffix("\n")
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise UnavailableError("witness.answer", name="", status=409)
    return int(text)
