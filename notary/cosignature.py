"""Cosignatures: a witness says that a log's head extends all it saw before (C2SP tlog-cosignature, Ed25519, v1).

Pure. A line of a note like any other: `u64 time || Ed25519 signature` over a header, the time and the note's text.
Times are Unix seconds. Which witnesses count, and how many are needed, the trust file says (formats.md §8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.crypto.suites import verify_ed25519
from ledger.errors import UnreadableError
from ledger.ports import Signer
from notary.b64 import from_b64, to_b64
from notary.checkpoint import (
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    format_note,
    key_id,
    parse_note,
)
from notary.trust_file import WitnessKey

ALGORITHM = b"\x04"
"""C2SP tlog-cosignature's byte in the key id and in a verifier key's text."""
LENGTH = 72
"""Bytes of a timestamped signature."""


def cosigned_bytes(text: str, time: int) -> bytes:
    """What a witness signs: header line, time line, and the note's text with its last newline."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, name: str, signer: Signer, time: int) -> NoteSignature:
    """The cosignature of a checkpoint's text at `time` (seconds, never 0)."""
    if not 0 < time < 1 << 63:
        raise UnreadableError("witness.time", found=time)
    own = key_id(name, signer.public_key, ALGORITHM)
    return NoteSignature(name, own, time.to_bytes(8) + signer.sign(cosigned_bytes(text, time)))


def cosigned_at(note: Note, line: NoteSignature, witness: WitnessKey) -> int | None:
    """The time of a cosignature of this witness; None if the line isn't one, or doesn't verify."""
    if line.name != witness.name or line.key_id != key_id(witness.name, witness.ed25519, ALGORITHM):
        return None
    time = int.from_bytes(line.signature[:8])
    if len(line.signature) != LENGTH or not 0 < time < 1 << 63:
        return None
    good = verify_ed25519(witness.ed25519, line.signature[8:], cosigned_bytes(note.text, time))
    return time if good else None


def cosigners(note: Note, trusted: Iterable[WitnessKey]) -> list[WitnessKey]:
    """Which trusted witnesses cosigned: each key once, however many names and lines it has."""
    found: dict[bytes, WitnessKey] = {}
    for witness in trusted:
        if any(cosigned_at(note, line, witness) is not None for line in note.signatures):
            found.setdefault(witness.ed25519, witness)
    return list(found.values())


def format_line(line: NoteSignature) -> str:
    """A signature line as it stands under a note, with its newline."""
    return format_note("", [line])[1:]


def parse_lines(text: str) -> tuple[NoteSignature, ...]:
    """Signature lines as a witness answers them; UnreadableError unless there is at least one and all are whole."""
    return parse_note(f"-\n\n{text}").signatures


def with_cosignatures(note: str, lines: Iterable[NoteSignature]) -> str:
    """The note with these lines under its own: no key twice, and no more lines than a reader takes."""
    parsed = parse_note(note)
    lines_of = list(parsed.signatures)
    for line in lines:
        if len(lines_of) < MAX_SIGNATURES and all((s.name, s.key_id) != (line.name, line.key_id) for s in lines_of):
            lines_of.append(line)
    return format_note(parsed.text, lines_of)


def witness_vkey(witness: WitnessKey) -> str:
    """`name+hex key id+base64(0x04 || key)`: how others are told of a witness (C2SP signed-note, verifier keys)."""
    own = key_id(witness.name, witness.ed25519, ALGORITHM)
    return f"{witness.name}+{own.hex()}+{to_b64(ALGORITHM + witness.ed25519)}"


def parse_witness_vkey(text: str) -> WitnessKey:
    """Read such a text; UnreadableError if it is another algorithm's or its id is wrong."""
    parts: Sequence[str] = text.strip().split("+", 2)
    raw = from_b64(parts[2]) if len(parts) == 3 else None
    if raw is None or len(raw) != 33 or raw[:1] != ALGORITHM or any(c.isspace() for c in parts[0]) or not parts[0]:
        raise UnreadableError("note.vkey")
    if key_id(parts[0], raw[1:], ALGORITHM).hex() != parts[1]:
        raise UnreadableError("note.vkey")
    return WitnessKey(parts[0], raw[1:])
