"""The server's own trust file: read at start, read again when it changes, and followed by the rules of formats.md §8.

A new version counts if the council signed it and every step from the one before is there (`trust-000002.json`, …,
beside it). One that doesn't count changes nothing: the earlier stays in force and `problem` says why (health: trust).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from ledger.errors import ChuzhengError, ConfigurationError, InputError
from notary.trust import parse_trust, read_trust, trust_hash, verify_versions
from notary.trust_file import TrustFile

log = structlog.get_logger("api.trust")
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Trusted:
    """A trust file that counts, and its bytes as signed."""

    file: TrustFile
    data: bytes


class TrustSource:
    """The file at `path`; `pin` is the hash of the first version, None where whoever put it there vouches for it."""

    def __init__(self, path: Path, pin: bytes | None = None) -> None:
        self._path, self._pin = path, pin
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._now: Trusted | None = None
        self.problem: ChuzhengError | None = None
        """Why the file that lies there now isn't the one in force; None: it is."""
        self._stamp = self._look()
        if self._stamp is not None:
            self._now = self._read()

    def now(self) -> Trusted | None:
        """What counts now; None: there has been no trust file since the start."""
        if self._look() != self._stamp:
            with self._lock:
                stamp = self._look()
                if stamp != self._stamp:
                    self._stamp = stamp
                    self._follow()
        return self._now

    def _follow(self) -> None:
        try:
            self._now = self._read()
            self.problem = None
            log.info("trust.read", sequence=self._now.file.sequence)
        except ChuzhengError as error:
            self.problem = error
            log.error("trust.not_followed", code=error.code)

    def _look(self) -> Stamp | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> Trusted:
        data = self._bytes(self._path)
        new = parse_trust(data)
        if self._now is not None:
            return Trusted(self._step(self._now.file, new, data), data)
        if self._pin is None or trust_hash(new) == self._pin:
            return Trusted(read_trust(data, pinned=self._pin), data)
        earlier = [parse_trust(self._bytes(self._version(n))) for n in range(1, new.sequence)]
        return Trusted(verify_versions([*earlier, new], self._pin), data)

    def _step(self, known: TrustFile, new: TrustFile, data: bytes) -> TrustFile:
        if new.sequence < known.sequence:
            raise InputError("trust.sequence", expected=known.sequence + 1, found=new.sequence)
        for number in range(known.sequence + 1, new.sequence):
            known = read_trust(self._bytes(self._version(number)), earlier=known)
        return read_trust(data, earlier=known)

    def _version(self, sequence: int) -> Path:
        return self._path.with_name(f"trust-{sequence:06d}.json")

    @staticmethod
    def _bytes(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigurationError("settings.file_unreadable", file=path.name, reason=error.strerror) from None
