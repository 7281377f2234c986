"""Files: hashed, encrypted into a content store, wrapped for their readers, and opened again (formats.md §7).

Only ciphertext is stored or sent. The record about a file has its `document` member: size and both digests of the
plain bytes, and the CID of the envelope. Plain bytes are released only when all three match that member.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ledger.errors import InputError, IntegrityError
from ledger.ports import ContentStore
from ledger.types import DepartmentCode
from notary.envelope import KEY_BYTES, RANDOM_BYTES, EnvelopeSuite, decrypt_stream, encrypt_pieces, unwrap_key, wrap_key
from notary.stores.disk import translated

_PIECE = 1 << 20
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
MEDIA_TYPES = {
    ".csv": "text/csv", ".gif": "image/gif", ".html": "text/html", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
    ".json": "application/json", ".ofd": "application/ofd", ".pdf": "application/pdf", ".png": "image/png",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".txt": "text/plain", ".xml": "application/xml",
    ".zip": "application/zip",
}  # fmt: skip
"""By file name's end; our own list, because the machine's differs from machine to machine and this is committed to."""


def file_of(record: Mapping[str, Any] | None) -> str | None:
    """The file's name in the content store, where the record has a file."""
    document = None if record is None else record.get("document")
    found = document.get("cid") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a record says about a file: size in bytes, digests of the plain bytes in hex."""

    media_type: str
    sha256: str
    sm3: str
    size: int

    def member(self, cid: str | None = None) -> dict[str, Any]:
        """The record's `document` member (formats.md §1)."""
        facts: dict[str, Any] = {
            "media_type": self.media_type,
            "sha256": self.sha256,
            "size": self.size,
            "sm3": self.sm3,
        }
        return facts if cid is None else {"cid": cid, **facts}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the content store: the record's `document` member, and the key's wrap for each reader."""

    document: dict[str, Any]
    wraps: dict[DepartmentCode, bytes]
    envelope_sha256: bytes


def media_type_of(name: str) -> str:
    """Media type by a file name's end, `application/octet-stream` where the list has none."""
    return MEDIA_TYPES.get(Path(name).suffix.lower(), UNKNOWN_MEDIA_TYPE)


def describe(source: BinaryIO, media_type: str) -> FileFacts:
    """Facts about what `source` has left, in flat memory."""
    hashes = _Hashes()
    while piece := source.read(_PIECE):
        hashes.update(piece)
    return hashes.facts(media_type)


def same_file(found: FileFacts, document: Mapping[str, Any]) -> bool:
    """Whether size and both digests are those of a `document` member."""
    return (found.size, found.sha256, found.sm3) == (document["size"], document["sha256"], document["sm3"])


def store_file(
    source: BinaryIO, media_type: str, readers: Mapping[DepartmentCode, X25519PublicKey], *, content: ContentStore
) -> StoredFile:
    """Encrypt what `source` has left under a fresh key, put the envelope into `content`, wrap the key for `readers`.

    The envelope is made as the store takes it: neither it nor plain bytes touch a disk of ours besides the store's, and
    memory stays flat. InputError `document.no_reader` without readers: nobody could ever open it.
    """
    if not readers:
        raise InputError("document.no_reader")
    key = os.urandom(KEY_BYTES[EnvelopeSuite.AES_256_GCM])
    plain = _Reading(source)
    digest = hashlib.sha256()
    pieces = encrypt_pieces(plain, key=key, random7=os.urandom(RANDOM_BYTES))  # type: ignore[arg-type]
    cid = content.put_stream(_Pulled(pieces, digest.update))  # type: ignore[arg-type]
    envelope_sha256 = digest.digest()
    wraps = {code: wrap_key(key, code, public, envelope_sha256) for code, public in readers.items()}
    return StoredFile(plain.hashes.facts(media_type).member(cid), wraps, envelope_sha256)


def open_file(
    document: Mapping[str, Any],
    *,
    wrap: bytes,
    reader: DepartmentCode,
    key: X25519PrivateKey,
    content: ContentStore,
    target: Path,
) -> FileFacts:
    """Fetch, unwrap, decrypt; `target` (a new file, mode 0600) appears only if size and both digests match `document`.

    The envelope is read twice, because its digest opens the wrap: once more from the store costs less than a copy on
    the disk, and the CID makes both readings the same bytes.
    NotFoundError if the store hasn't the envelope; UnreadableError for a wrong key or changed ciphertext;
    IntegrityError `document.differs` if it holds another file; InputError `document.no_cid`, `document.target_exists`.
    """
    if "cid" not in document:
        raise InputError("document.no_cid")
    digest = hashlib.sha256()
    for piece in content.leaves(document["cid"]):
        digest.update(piece)
    file_key = unwrap_key(wrap, reader, key, digest.digest())
    sealed = _Pulled(content.leaves(document["cid"]))
    return _release(sealed, file_key, document, target)  # type: ignore[arg-type]


def check_stored(
    document: Mapping[str, Any],
    openers: Sequence[tuple[DepartmentCode, X25519PrivateKey, bytes]],
    *,
    content: ContentStore,
) -> bool:
    """Read a stored file whole, for an audit; nothing of it is kept. Whether it was decrypted, too.

    The store hashes every block against the CID. With a reader's key and wrap (`openers`; the first is taken, all wraps
    must open) the plain bytes are compared with `document`. Raises as `open_file` does.
    """
    digest = hashlib.sha256()
    for piece in content.leaves(document["cid"]):
        digest.update(piece)
    keys = {unwrap_key(wrap, reader, key, digest.digest()) for reader, key, wrap in openers}
    if not keys:
        return False
    if len(keys) > 1:
        raise IntegrityError("document.differs", cid=document["cid"])
    hashes = _Hashes()
    sealed = _Pulled(content.leaves(document["cid"]))
    decrypt_stream(sealed, _Discarding(hashes.update), key=keys.pop())  # type: ignore[arg-type]
    if not same_file(hashes.facts(str(document["media_type"])), document):
        raise IntegrityError("document.differs", cid=document["cid"])
    return True


def _release(sealed: BinaryIO, file_key: bytes, document: Mapping[str, Any], target: Path) -> FileFacts:
    # Beside the target, so that it appears by one link: nobody sees half a file or another one than was registered.
    with translated():
        descriptor, name = tempfile.mkstemp(prefix=".chuzheng-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            hashes = _Hashes()
            decrypt_stream(sealed, _Writing(file, hashes.update), key=file_key)  # type: ignore[arg-type]
            found = hashes.facts(str(document["media_type"]))
            if not same_file(found, document):
                raise IntegrityError("document.differs", cid=document["cid"])
            with translated():
                file.flush()
                os.fsync(file.fileno())
        try:
            os.link(name, target)
        except FileExistsError:
            raise InputError("document.target_exists", path=str(target)) from None
        return found
    finally:
        os.unlink(name)


class _Hashes:
    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._sm3 = hashlib.new("sm3")
        self._size = 0

    def update(self, piece: bytes) -> None:
        self._sha256.update(piece)
        self._sm3.update(piece)
        self._size += len(piece)

    def facts(self, media_type: str) -> FileFacts:
        return FileFacts(media_type, self._sha256.hexdigest(), self._sm3.hexdigest(), self._size)


class _Reading:
    """The plain stream, hashed as it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.hashes = _Hashes()

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self.hashes.update(piece)
        return piece


class _Discarding:
    """A stream that only digests."""

    def __init__(self, update: Callable[[bytes], None]) -> None:
        self._update = update

    def write(self, data: bytes) -> int:
        self._update(data)
        return len(data)


class _Pulled:
    """Pieces as a stream that is read; `update` is told every byte that was taken."""

    def __init__(self, pieces: Iterator[bytes], update: Callable[[bytes], None] = lambda data: None) -> None:
        self._pieces, self._update = pieces, update
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        found = bytearray()
        while size < 0 or len(found) < size:
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = memoryview(piece)
            part = self._rest[: size - len(found)] if size >= 0 else self._rest
            found += part
            self._rest = self._rest[len(part) :]
        data = bytes(found)
        self._update(data)
        return data


class _Writing:
    """A stream whose bytes also go to a digest."""

    def __init__(self, target: IO[bytes], update: Callable[[bytes], None]) -> None:
        self._target = target
        self._update = update

    def write(self, data: bytes) -> int:
        with translated():
            self._target.write(data)
        self._update(data)
        return len(data)
