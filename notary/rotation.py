"""Replacing a log's key: announced in the trust file first, used second, and the old one ends last (ADR 0025).

Whoever verifies by today's trust file must know a key before it signs anything, and must believe the old one until
what it promised is anchored. So three instants: the new key's `from`, the switch here, the old key's `until`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ledger.crypto.log_keys import LogKeyFiles
from ledger.errors import ConflictError
from ledger.ports import Signer
from ledger.types import Millis, Origin
from notary.checkpoint import MAX_SIZE, VerifierKey, verify_signature
from notary.trust_file import LogKey, TrustFile

if TYPE_CHECKING:
    from notary.service import Notary

OVERLAP = 30 * 24 * 3_600_000
"""Milliseconds that an old key stays valid after its successor was announced: trust files travel slowly."""
DAY = 24 * 3_600_000


Former = Sequence[tuple[int, VerifierKey]]
"""A log's replaced keys, each with the greatest size that it can have signed a checkpoint of."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The key that signs now, and those before it."""

    now: VerifierKey
    former: Former = ()

    def signed(self, note: str, size: int) -> bool:
        """Whether the log signed this checkpoint of `size`: by its present key, or by one that wasn't replaced yet.
        Nothing beyond the index of a rotation was there while the key before it signed."""
        return verify_signature(note, self.now) or any(
            size <= below and verify_signature(note, old) for below, old in self.former
        )


class KeyFiles(Protocol):
    """A log's keys, as a rotation needs them (ledger.crypto.log_keys)."""

    @property
    def public_key(self) -> bytes: ...

    def next(self) -> Signer | None: ...

    def switch(self, index: int) -> None: ...


def former_keys(signer: Signer, origin: Origin, trust: TrustFile | None = None) -> list[tuple[int, VerifierKey]]:
    """A log's keys before the present one: those kept beside it, and any more that the trust file lists (where an old
    key was taken away, only that knows it, and not up to which size)."""
    kept = signer.before() if isinstance(signer, LogKeyFiles) else []
    found = [(below, VerifierKey(origin, old.public_key)) for below, old in kept]
    known = {signer.public_key, *(key.public_key for _, key in found)}
    listed = trust.keys_of(origin) if trust is not None else ()
    return found + [(MAX_SIZE, VerifierKey(key.name, key.ed25519)) for key in listed if key.ed25519 not in known]


def announced(keys: tuple[LogKey, ...], origin: Origin, public_key: bytes, now: Millis) -> tuple[LogKey, ...]:
    """A trust file's log keys with one more of `origin`, valid from `now`; the ones before it get an end, if they have
    none. Nothing changes where the key is listed already."""
    if any(key.origin == origin and key.ed25519 == public_key for key in keys):
        return keys
    ended = tuple(
        replace(key, until=Millis(now + OVERLAP)) if key.origin == origin and key.until is None else key for key in keys
    )
    return (*ended, LogKey(origin, origin, public_key, now))


def check_announced(trust: TrustFile, origin: Origin, old: bytes, new: bytes, now: Millis) -> None:
    """ConflictError `rotate.not_announced` unless the trust file lists the new key as valid now; `rotate.old_ended`
    unless the old one stays valid for a day at least, so that what it promised is anchored while it is."""
    keys = trust.keys_of(origin)
    if not any(key.ed25519 == new and key.valid_at(now) for key in keys):
        raise ConflictError("rotate.not_announced", origin=origin, sequence=trust.sequence)
    if not any(key.ed25519 == old and key.valid_at(now + DAY) for key in keys):
        raise ConflictError("rotate.old_ended", origin=origin, sequence=trust.sequence)


def rotate_key(notary: Notary, origin: Origin, keys: KeyFiles, trust: TrustFile, now: Millis) -> int:
    """From the index returned on, the next key signs. Every running process sees it by itself.

    Under the append lock: no index is being given out, so each is promised by one key only; and nobody else rotates, so
    the key that is judged here is the one that signs from here on.
    """
    with notary.logs[origin].appending() as files:
        following = keys.next()
        if following is None:
            raise ConflictError("rotate.none_prepared", origin=origin)
        check_announced(trust, origin, keys.public_key, following.public_key, now)
        index = max(notary.log(origin).next_index, files.durable_size)
        keys.switch(index)
    return index
