"""Signed tree heads and the names of tiles: C2SP signed-note, tlog-checkpoint and tlog-tiles; promises' bytes.

Pure: keys come as Signer or raw public bytes. formats.md §4. Readers are strict: what this module wouldn't write
itself (other than foreign signature lines) it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from ledger.crypto.suites import verify_ed25519
from ledger.errors import InputError, UnreadableError
from ledger.ports import Signer
from ledger.types import Digest
from notary.b64 import from_b64, to_b64

MAX_SIGNATURES = 16
MAX_NOTE_BYTES = 64 << 10
MAX_SIZE = 1 << 53
TILE_WIDTH = 256
ED25519 = b"\x01"
"""C2SP signed-note's algorithm byte."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_DASH = "— "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head; `root` is 32 bytes."""

    origin: str
    size: int
    root: Digest

    def text(self) -> str:
        """The three signed lines, each ended by a newline."""
        return f"{self.origin}\n{self.size}\n{to_b64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line under a note: key name, 4 bytes of key id, signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note: the text that is signed (with its last newline) and the lines under it."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 key under its name; `public_key` is 32 bytes."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.public_key)

    def text(self) -> str:
        """`name+hex key id+base64(0x01 || key)`, as signed-note writes verifier keys."""
        return f"{self.name}+{self.key_id.hex()}+{to_b64(ED25519 + self.public_key)}"


def key_id(name: str, public_key: bytes, algorithm: bytes = ED25519) -> bytes:
    """SHA-256(name || 0x0A || algorithm || key)[:4]."""
    return sha256(name.encode() + b"\n" + algorithm + public_key).digest()[:4]


def parse_vkey(text: str) -> VerifierKey:
    """Read a verifier key's text; UnreadableError if it isn't Ed25519 or its id is wrong."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not _is_key_name(parts[0]):
        raise UnreadableError("note.vkey")
    raw = from_b64(parts[2])
    if raw is None or len(raw) != 33 or raw[:1] != ED25519:
        raise UnreadableError("note.vkey")
    key = VerifierKey(parts[0], raw[1:])
    if key.key_id.hex() != parts[1]:
        raise UnreadableError("note.vkey")
    return key


def format_note(text: str, signatures: Iterable[NoteSignature]) -> str:
    """The note as it is stored and sent."""
    lines = [f"{_DASH}{s.name} {to_b64(s.key_id + s.signature)}\n" for s in signatures]
    return text + "\n" + "".join(lines)


@lru_cache(maxsize=256)
def parse_note(note: str) -> Note:
    """Read a signed note strictly: 1 to 16 signature lines, no control characters, canonical base64."""
    if len(note) > MAX_NOTE_BYTES:
        raise UnreadableError("note.too_large", limit=MAX_NOTE_BYTES)
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not text or not lines.endswith("\n") or _CONTROL.search(note):
        raise UnreadableError("note.form")
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise UnreadableError("note.signatures", limit=MAX_SIGNATURES, found=len(signatures))
    return Note(text + "\n", signatures)


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    raw = from_b64(encoded)
    if not line.startswith(_DASH) or not space or not _is_key_name(name) or raw is None or len(raw) < 5:
        raise UnreadableError("note.signature_line")
    return NoteSignature(name, raw[:4], raw[4:])


def _is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(c.isspace() for c in name)


@lru_cache(maxsize=256)
def parse_checkpoint(note: str) -> Checkpoint:
    """The tree head in a signed note, signatures unchecked; exactly three lines."""
    lines = parse_note(note).text.split("\n")
    if len(lines) != 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise UnreadableError("checkpoint.form")
    root = from_b64(lines[2])
    if root is None or len(root) != 32 or int(lines[1]) >= MAX_SIZE:
        raise UnreadableError("checkpoint.form")
    return Checkpoint(lines[0], int(lines[1]), Digest(root))


def sign_checkpoint(checkpoint: Checkpoint, key_name: str, signer: Signer) -> str:
    """The signed note of a tree head, one Ed25519 line."""
    text = checkpoint.text()
    key = signature = b""
    while key != signer.public_key:  # a rotation may fall between the two (ledger/crypto/log_keys.py)
        key, signature = signer.public_key, signer.sign(text.encode())
    return format_note(text, [NoteSignature(key_name, key_id(key_name, key), signature)])


@lru_cache(maxsize=512)
def verify_signature(note: str, key: VerifierKey) -> bool:
    """Whether the note has a line of this key and every such line verifies. Remembered per note and key."""
    parsed = parse_note(note)
    own = [s.signature for s in parsed.signatures if s.name == key.name and s.key_id == key.key_id]
    return bool(own) and all(verify_ed25519(key.public_key, s, parsed.text.encode()) for s in own)


def promise_bytes(log_id: bytes, index: int, leaf: bytes) -> bytes:
    """What a promise signs: "chuzheng/promise/v1"0 || log_id || u64(index) || leaf."""
    if len(log_id) != 32 or len(leaf) != 32 or not 0 <= index < MAX_SIZE:
        raise InputError("promise.fields")
    return b"chuzheng/promise/v1\x00" + log_id + index.to_bytes(8, "big") + leaf


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]` of a hash tile; `width` hashes, 1 to 256."""
    if not 0 <= level <= 63:
        raise InputError("tile.level", found=level)
    return f"tile/{level}/{_tile_number(number, width)}"


def entries_path(number: int, width: int = TILE_WIDTH) -> str:
    """`tile/entries/<N>[.p/<W>]` of an entry bundle."""
    return f"tile/entries/{_tile_number(number, width)}"


def _tile_number(number: int, width: int) -> str:
    if number < 0 or not 1 <= width <= TILE_WIDTH:
        raise InputError("tile.number", number=number, width=width)
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups)) + ("" if width == TILE_WIDTH else f".p/{width}")


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: u16 length and bytes, for each entry."""
    if any(len(entry) > 0xFFFF for entry in entries):
        raise InputError("tile.entry_length", limit=0xFFFF)
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle; UnreadableError unless its bytes end with an entry."""
    entries = []
    at = 0
    while at < len(bundle):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        if start > len(bundle) or at > len(bundle):
            raise UnreadableError("tile.bundle_cut", found=len(bundle))
        entries.append(bundle[start:at])
    return entries
