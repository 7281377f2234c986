"""A log's keys on disk: the one that signs now, the next one while it is announced, and those before it.

    <name>.pem                   signs promises and checkpoints
    <name>.keys/next.pem         made, not used yet: verifiers must know it first
    <name>.keys/below-<n>.pem    signed promises of indexes below n, until it was replaced there

A promise that is asked for again must be the same bytes (formats.md §5), so an index stays with the key that it was
promised by; where a person took an old key away, the present one signs. Files are looked at before every signature:
a rotation needs no restart, and two processes never disagree for long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.crypto.keys import create_signing_key, load_signer
from ledger.errors import ConfigurationError, ConflictError
from ledger.ports import Signer

_BELOW = re.compile(r"below-([0-9]{1,16})\.pem")
Stamp = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What lay there at one look; one thing, since threads look at once and one of them may come back late."""

    stamp: Stamp
    now: Signer
    before: tuple[tuple[int, Signer], ...]


class LogKeyFiles:
    """ledger.ports.Signer by whichever key is a log's now. `hook` is called between the acts of a rotation (tests)."""

    def __init__(self, path: Path, hook: Callable[[str], None] = lambda act: None, *, lost: bool = False) -> None:
        """`lost`: the key that signs may be gone; then `next`, `prepare` and `fill` are all that can be asked."""
        self._path, self._folder, self._hook = path, path.with_suffix(".keys"), hook
        self._looked: _Looked | None = None
        if not lost:
            self._look()

    @property
    def suite(self) -> str:
        return self._look().now.suite

    @property
    def public_key(self) -> bytes:
        return self._look().now.public_key

    def sign(self, message: bytes) -> bytes:
        """By the present key."""
        return self._look().now.sign(message)

    def at(self, index: int) -> Signer:
        """The key that promises `index`: the first one that was replaced above it, else the present one."""
        keys = self._look()
        return next((signer for below, signer in keys.before if index < below), keys.now)

    def before(self) -> list[tuple[int, Signer]]:
        """The keys that were replaced, oldest first, each with the index below which it promised."""
        return list(self._look().before)

    @property
    def path(self) -> Path:
        """Where the key that signs lies."""
        return self._path

    @property
    def is_lost(self) -> bool:
        """Whether no key signs: there is none, or `fill` is still putting one into its place."""
        return not self._path.exists() or self._is_filling()

    def next(self) -> Signer | None:
        """The key that is announced and not used yet."""
        return load_signer(f"file:{self._next}") if self._next.exists() else None

    def prepare(self) -> Signer:
        """The next key, made if there is none; of two who make one at once the first one's."""
        found = self.next()
        while found is None:
            try:
                found = create_signing_key(self._next)
            except ConflictError:
                found = self.next()
        return found

    def switch(self, index: int) -> None:
        """From `index` on the next key signs; the caller holds the log's append lock, so that nothing is being given
        out. ConflictError `key.no_next`.

        The present key is kept under its new name before the next one takes its place. A crash between leaves the
        present key under both names and the next one where it was: the same call again ends it.
        """
        self._require_next()
        kept = self._folder / f"below-{index}.pem"
        try:
            if not kept.exists():
                os.link(self._path, kept)
            _sync(self._folder)
            self._hook("kept")
            os.replace(self._next, self._path)
            self._hook("replaced")
            _sync(self._path.parent)
            _sync(self._folder)
        except OSError as error:
            raise ConfigurationError("key.unwritable", path=str(self._path), reason=error.strerror) from None

    def fill(self) -> None:
        """The next key takes the empty place of one that is lost; it replaces none. ConflictError `key.no_next`, or
        `key.exists` where a key is there. Called again after a crash it ends what it began."""
        self._require_next()
        try:
            if not self._is_filling():
                os.link(self._next, self._path)
            _sync(self._path.parent)
            self._hook("filled")
            os.unlink(self._next)
            _sync(self._folder)
        except FileExistsError:
            raise ConflictError("key.exists", path=str(self._path)) from None
        except OSError as error:
            raise ConfigurationError("key.unwritable", path=str(self._path), reason=error.strerror) from None

    @property
    def _next(self) -> Path:
        return self._folder / "next.pem"

    def _require_next(self) -> None:
        if not self._next.exists():
            raise ConflictError("key.no_next", path=str(self._next))

    def _is_filling(self) -> bool:
        """Whether the next key has the lost one's place, under both names."""
        return self._path.exists() and self._next.exists() and self._path.samefile(self._next)

    def _look(self) -> _Looked:
        known, stamp = self._looked, self._read_stamp()
        if known is not None and known.stamp == stamp:
            return known
        now = load_signer(f"file:{self._path}")
        names = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        found = [(int(match[1]), name) for name in names if (match := _BELOW.fullmatch(name.name))]
        before = tuple([(below, load_signer(f"file:{name}")) for below, name in sorted(found)])
        looked = self._looked = _Looked(stamp, now, before)
        return looked

    def _read_stamp(self) -> Stamp:
        stamps = []
        for path in (self._path, self._folder):
            try:
                stat = os.stat(path)
            except OSError:
                stamps.append((0, 0))
            else:
                stamps.append((stat.st_mtime_ns, stat.st_ino))
        return tuple(stamps)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
