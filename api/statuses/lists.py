"""Status lists of the departments whose own keys lie on this machine: made from log and index, kept for a while.

A list of a quarter of an hour is the same for everyone who asks, so that nobody can be told apart by what he was given,
and nobody sees a revocation come and go: it says what stood at the quarter's start by the blocks until then, however
late it is made, so every machine makes the same. The processes of a data folder read what the first one wrote down.

    <SHA-256 of the place>.<made at>    a signed list; the one before goes
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import NotFoundError, UnavailableError
from ledger.ports import ChainReader, Signer
from ledger.statuses import Decision
from ledger.types import BlockTime, DepartmentCode, Digest, Millis, Origin
from notary.collect import signing_keys
from notary.entry import Entry, parse_origin, status_key
from notary.evidence import Unavailable
from notary.exports.status_credential import TTL, marked, sign_status_list
from notary.exports.status_list import BITS
from notary.stores.disk import Disk, translated

if TYPE_CHECKING:
    from ledger.store.index.whole import WholeIndex
    from notary.service import Notary

Place = tuple[Origin, int, str]
AT_ONCE = 5_000
KEPT = 64
"""Lists of 131,072 bits, some kilobytes each."""
WholeReader = Callable[[], "AbstractContextManager[WholeIndex | None]"]


class StatusLists:
    """`base`: this server's address; `signers`: departments' own keys; `whole`: the index at its newest final block;
    `folder`: where the processes of one data folder share lists, None: there is one process."""

    def __init__(
        self,
        base: str,
        notary: Notary,
        chain: ChainReader,
        signers: Mapping[DepartmentCode, Signer],
        whole: WholeReader,
        *,
        folder: Path | None = None,
    ) -> None:
        self._base, self._notary, self._chain = base, notary, chain
        self._signers, self._whole = signers, whole
        self._folder, self._disk = folder, Disk()
        self._kept: dict[Place, tuple[int, bytes]] = {}
        self._lock = threading.Lock()

    def read(self, origin: Origin, number: int, purpose: str, now: Millis) -> bytes:
        """The signed list of this quarter of an hour, or of the last one that the index has gone beyond. NotFoundError
        for a log of no department here, or a list beyond its end; UnavailableError while the index holds nothing or the
        key's id can't be asked for."""
        quarter, place = now // 1000 // TTL * TTL, (origin, number, purpose)
        with self._lock:
            known = self._kept.get(place)
            if known is not None and known[0] == quarter:
                return known[1]
            made_at = self._reached(origin, number, quarter)
            if known is None or known[0] != made_at:
                known = self._kept[place] = (made_at, self._shared(place, made_at))
            for old in list(self._kept)[: max(0, len(self._kept) - KEPT)]:
                del self._kept[old]
        return known[1]

    def _reached(self, origin: Origin, number: int, quarter: int) -> int:
        """The newest start of a quarter, up to `quarter`, that no further block can belong to."""
        if origin not in self._notary.logs:
            raise NotFoundError("vc.no_list", origin=origin[:100], number=number)
        with self._whole() as whole:
            if whole is None:
                raise UnavailableError("snapshot.no_index", retry_after=10)
            return min(quarter, (whole.block.time - 1) // TTL * TTL)

    def _shared(self, place: Place, made_at: int) -> bytes:
        """The list as the first of our processes made it. UnavailableError `disk.*`."""
        if self._folder is None:
            return self._make(*place, made_at)
        stem = sha256("/".join(map(str, place)).encode()).hexdigest()
        path, disk = self._folder / f"{stem}.{made_at}", self._disk
        with translated():
            disk.make_folder(self._folder)
            with disk.locked(self._folder / "making.lock"):
                with suppress(FileNotFoundError):
                    return disk.read(path)
                data = self._make(*place, made_at)
                disk.replace(path, data)
                for name in disk.names(self._folder):
                    if name.startswith(f"{stem}.") and name != path.name:
                        disk.remove(self._folder / name)
        return data

    def _make(self, origin: Origin, number: int, purpose: str, made_at: int) -> bytes:
        issuer = parse_origin(origin).issuer
        signer = self._signers.get(issuer)
        if signer is None:
            raise NotFoundError("vc.no_issuer_key", department=issuer)
        key_id, since = self._key(issuer, signer)
        at = BlockTime(max(made_at, since))  # or a new key's first list would be before it
        indexes = self._indexes(origin, number)
        with self._whole() as whole:
            if whole is None or whole.block.time <= at:
                raise UnavailableError("vc.list_later", retry_after=10)
            decided = whole.decisions_of(list(indexes))
        history: dict[int, list[Decision]] = {indexes[key]: found for key, found in decided.items()}
        return sign_status_list(
            marked(history, purpose, at), base=self._base, origin=origin, number=number, purpose=purpose,
            signer=signer, key_id=key_id, made_at=at,
        )  # fmt: skip

    def _key(self, issuer: DepartmentCode, signer: Signer) -> tuple[str, BlockTime]:
        """(id, since when) of the key on the chain."""
        keys = signing_keys(self._chain, issuer)
        if isinstance(keys, Unavailable):
            raise UnavailableError(keys.reason, retry_after=10)
        found = next((key for key in reversed(keys) if key.public_key == signer.public_key), None)
        if found is None:
            raise NotFoundError("vc.no_key_id", department=issuer)
        return found.key_id, found.since

    def _indexes(self, origin: Origin, number: int) -> dict[Digest, int]:
        """Status key → index of every entry of the list."""
        start, end, found = number * BITS, (number + 1) * BITS, dict[Digest, int]()
        store = self._notary.store
        with store.reading() as connection:
            log = store.log(connection, origin)
            while log is not None and start < end:
                entries = store.entries_from(connection, log.id, start, min(AT_ONCE, end - start))
                if not entries:
                    break
                for index, raw in enumerate(entries, start):
                    entry = Entry.from_bytes(raw)
                    found[status_key(entry.issuer, entry.sha256)] = index
                start += len(entries)
        if not found:
            raise NotFoundError("vc.no_list", origin=origin[:100], number=number)
        return found
