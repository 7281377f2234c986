"""The logs of our own notary, as verification asks for them (notary.collect.LogReader): from disk, not over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ledger.errors import IntegrityError, NotFoundError, UnavailableError
from ledger.types import Origin
from notary.entry import Entry
from notary.evidence import ErasedBy, Located

if TYPE_CHECKING:
    from notary.service import Notary
    from notary.stores.tiles import TileLog


@contextmanager
def damage_is_an_outage() -> Iterator[None]:
    """What our own store can't answer says nothing about what is asked (verification.md): UnavailableError."""
    try:
        yield
    except IntegrityError as error:
        raise UnavailableError(error.code, retry_after=30.0, **error.params) from error


class OwnLogs:
    """What this notary has. A log that it doesn't write can't be asked here: UnavailableError `log.not_here`."""

    def __init__(self, notary: Notary) -> None:
        self._notary = notary

    def checkpoint(self, origin: str) -> str | None:
        """The newest signed note; None while there is none."""
        with damage_is_an_outage():
            self._log(origin)
            return self._notary.prover.newest_note(Origin(origin))

    def checkpoint_at(self, origin: str, size: int) -> str | None:
        """The signed note of exactly this size: every one that was anchored is kept."""
        with damage_is_an_outage():
            self._log(origin)
            return self._notary.prover.checkpoint_at(Origin(origin), size)

    def entry(self, origin: str, index: int) -> bytes | None:
        """The 92 bytes at `index`; None beyond the checkpoint's size."""
        with damage_is_an_outage():
            files = self._log(origin)
            return files.entry(index) if index < files.sealed_size() else None

    def inclusion(self, origin: str, index: int, size: int) -> Sequence[bytes]:
        """The inclusion path of `index` in the tree of `size`."""
        with damage_is_an_outage():
            return self._log(origin).inclusion_path(index, size)

    def erased(self, origin: str, index: int) -> ErasedBy | None:
        """By which order the content was erased, as the log's list says, and since when."""
        with damage_is_an_outage():
            self._log(origin)
            found = self._notary.erasing.listed(Origin(origin))
            item = next((each for each in found if each.index == index), None)
            if item is None or item.proof is None:
                return None if item is None else ErasedBy(item.order)
            told = Entry.from_bytes(self._notary.prover.entry(item.proof.origin, item.proof.index))
            return ErasedBy(item.order, told.accepted_at)

    def locate(self, identifier: str) -> Sequence[Located]:
        """Entries whose record has this identifier, lowest version first."""
        with damage_is_an_outage():
            return [self._located(item.origin, item.index) for item in self._notary.locate(identifier=identifier)]

    def _located(self, origin: Origin, index: int) -> Located:
        entry = Entry.from_bytes(self._notary.prover.entry(origin, index))
        try:
            record: dict[str, Any] = self._notary.record(origin, index)
        except NotFoundError:
            return Located(origin, index, entry)
        return Located(
            origin,
            index,
            entry,
            type_code=record.get("type"),
            valid_from=record.get("valid_from"),
            valid_to=record.get("valid_to"),
            dates_known="valid_from" in record,
        )

    def _log(self, origin: str) -> TileLog:
        files = self._notary.logs.get(Origin(origin))
        if files is None:
            raise UnavailableError("log.not_here", origin=origin)
        return files
