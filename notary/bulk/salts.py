"""Salts of a back-fill's receipts, in files of their own: each is as secret as its record (formats.md §6).

Never beside the bundles, which may be shown: the operator names another folder, or lets the notary keep them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ledger.errors import UnreadableError
from notary import members
from notary.b64 import to_b64
from notary.bulk.durable import write_durably
from notary.canonical import parse_strict
from notary.commitment import SALT_BYTES
from notary.receipts import Bundle
from notary.stores.disk import translated

FORMAT = "chuzheng-salts/1"
SUFFIX = ".salts.json"
MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Salts:
    """Salts of consecutive receipts from `first`, 32 bytes each, joined."""

    origin: str
    first: int
    salts: bytes = field(repr=False)


def read_salts(data: bytes) -> Salts:
    """A file that `write_salts` wrote; UnreadableError for any other."""
    names = frozenset({"format", "origin", "first", "salts"})
    value = members.check_names(FORMAT, parse_strict(data, limit=MAX_BYTES), names, names)
    if value["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    return Salts(
        members.read_text(FORMAT, "origin", value["origin"], 128),
        members.read_count(FORMAT, "first", value["first"]),
        members.read_b64(FORMAT, "salts", value["salts"]),
    )


def write_salts(folder: Path, bundle: Bundle, salts: bytes) -> str:
    """The salts of a bundle's receipts, apart from it and for their owner alone: each is as secret as its record. The
    file's SHA-256, hex: it tells nothing of them, each is 32 random bytes."""
    data = _file(bundle.origin, bundle.first, to_b64(salts))
    write_durably(_path(folder, bundle.origin, bundle.first), data)
    return hashlib.sha256(data).hexdigest()


def has_salts(folder: Path, origin: str, first: int, count: int) -> bool:
    """Whether the salts of this bundle are there, by the file's length."""
    path, around = _path(folder, origin, first), len(_file(origin, first, ""))
    return path.is_file() and path.stat().st_size == around + 4 * ((count * SALT_BYTES + 2) // 3)


def file_of(folder: Path, origin: str, first: int) -> bytes:
    """The file's bytes, as they are."""
    with translated():
        return _path(folder, origin, first).read_bytes()


def _path(folder: Path, origin: str, first: int) -> Path:
    return folder / quote(origin, safe="") / f"{first:012d}{SUFFIX}"


def _file(origin: str, first: int, salts: str) -> bytes:
    value = {"format": FORMAT, "origin": origin, "first": first, "salts": salts}
    return json.dumps(value, separators=(",", ":")).encode()
