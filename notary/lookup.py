"""Finding again and reading again: what stands where, the record behind an entry, the wraps of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import InputError, NotFoundError
from ledger.types import DepartmentCode, Digest, Origin
from notary.canonical import parse_record
from notary.entry import Entry, parse_origin, status_key
from notary.packed import KEY_BYTES
from notary.prove import Prover
from notary.stores.erasures import ErasureStore
from notary.stores.names import Names
from notary.stores.records import index_of, log_of
from notary.stores.standing import Standing
from notary.vault import Vault


@dataclass(frozen=True, slots=True)
class Located:
    """Where something stands; `version` only where it was looked up by identifier."""

    origin: Origin
    index: int
    version: int | None = None


class Lookup:
    """Reads of one notary's records; `origins` are its logs by row number."""

    def __init__(
        self, standing: Standing, names: Names, vault: Vault, prover: Prover, origins: Mapping[int, Origin]
    ) -> None:
        self._store, self._standing, self._names = standing.store, standing, names
        self._vault, self._prover, self._origins = vault, prover, origins

    def locate(self, identifier: str | None, commitment: bytes | None) -> list[Located]:
        """Where an identifier's versions (lowest first), or a commitment_sha256, stand in this notary's logs."""
        if (identifier is None) is (commitment is None):
            raise InputError("notary.locate_what")
        found: list[tuple[int, int | None]] = []
        with self._store.reading() as connection:
            if commitment is not None:
                for issuer in sorted({parse_origin(origin).issuer for origin in self._origins.values()}):
                    positions = self._standing_under(connection, status_key(issuer, commitment))
                    found += [(position, None) for position in positions]
                found.sort()
            elif identifier is not None:
                found = list(self._versions(connection, identifier))
        own = [(position, version) for position, version in found if log_of(position) in self._origins]
        return [Located(self._origins[log_of(p)], index_of(p), version) for p, version in own]

    def place_of(self, key: Digest) -> tuple[Origin, int] | None:
        """Where the entry of a status key stands in this notary's logs, sealed or not; None if in none of them."""
        with self._store.reading() as connection:
            positions = self._standing_under(connection, key)
        return (self._origins[log_of(positions[0])], index_of(positions[0])) if positions else None

    def _standing_under(self, connection: Any, key: Digest) -> list[int]:
        """Positions of entries that count and have exactly this status key."""
        logs = self._store.all_logs(connection)
        self._standing.follow(connection, logs)
        own = [log for log in logs if log.id in self._origins]
        positions = self._standing.find([key[:KEY_BYTES]], own).get(key[:KEY_BYTES], [])
        entries = self._store.entries_at(connection, positions)
        parsed = {position: Entry.from_bytes(raw) for position, raw in entries.items()}
        return [p for p, entry in sorted(parsed.items()) if status_key(entry.issuer, entry.sha256) == key]

    def record(self, origin: Origin, index: int) -> dict[str, Any]:
        """The record itself, decrypted; NotFoundError where the client committed and kept it."""
        entry, key, body, _ = self._kept(origin, index)
        return parse_record(self._vault.open_body(entry.sha256, key, body))

    def wraps(self, origin: Origin, index: int) -> dict[DepartmentCode, bytes]:
        """The wraps of the record's file, by reader (formats.md §7)."""
        entry, key, _, sealed = self._kept(origin, index)
        return {reader: self._vault.open_wrap(entry.sha256, key, reader, wrap) for reader, wrap in sealed.items()}

    def _versions(self, connection: Any, identifier: str) -> list[tuple[int, int]]:
        issuers = {parse_origin(origin).issuer for origin in self._origins.values()}
        wanted = {self._vault.identifier_mac(issuer, identifier) for issuer in issuers}
        known = self._names.identified(connection, self._store.all_logs(connection), wanted)
        versions = [(version, entry.positions[0]) for (_, version), entry in known.items()]
        return [(position, version) for version, position in sorted(versions)]

    def _kept(self, origin: Origin, index: int) -> tuple[Entry, bytes, bytes, dict[DepartmentCode, bytes]]:
        """(entry, record key, sealed body, sealed wraps) of a record that this notary keeps, as of one moment."""
        position = self._prover.position(origin, index)
        with self._store.reading() as connection:
            raw = self._store.entry(connection, position)
            sealed = self._store.salted(connection, [position]).get(position)
            body = self._store.body(connection, position)
            wraps = self._store.wraps(connection, position)
            gone = None if body is not None else ErasureStore(self._store).erased(connection, position)
        if gone is not None:
            raise gone.refusal(origin, index)
        if raw is None or sealed is None or body is None:
            raise NotFoundError("notary.no_record", origin=origin, index=index)
        entry = Entry.from_bytes(raw)
        return entry, self._vault.open_keys(entry.sha256, sealed)[0], body, wraps
