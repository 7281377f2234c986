"""The server's own trust file: read at start, read again when it changes, and followed by the rules of formats.md §8.

A new version counts if the council signed it and every step from the one before is there (`trust-000002.json`, …,
beside it). One that doesn't count changes nothing: the earlier stays in force and `problem` says why (health: trust).
What counted once is remembered beside it, so that an older one put back shows after a restart too.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from api.trust_memory import remember, seen_beside, verify_pinned, version_path
from ledger.errors import ChuzhengError, ConfigurationError
from notary.trust import parse_trust, read_trust
from notary.trust_chain import check_seen, follow
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
        self._name = os.fspath(path)  # looked at for every verification
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
            found = os.stat(self._name)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> Trusted:
        data = self._bytes(self._path)
        new, seen = parse_trust(data), seen_beside(self._path)
        if self._now is not None:
            known = self._now.file
            between = range(known.sequence + 1, new.sequence)
            follow(known, [*(parse_trust(self._bytes(version_path(self._path, n))) for n in between), new], seen)
        else:
            check_seen(new, seen)
            if self._pin is None:
                read_trust(data)
            else:
                verify_pinned(self._path, new, self._pin)
        if seen is None or seen.sequence < new.sequence:
            remember(self._path, new)
        return Trusted(new, data)

    @staticmethod
    def _bytes(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigurationError("trust.file_unreadable", file=path.name, reason=error.strerror) from None
