"""A log's list of erasures on disk, beside its checkpoint: served, and what a restored database is held to.

It only grows: what stands in the file stays, whatever the database says, because a database from before an erasure
must never bring back what the list names. Written under a lock, replaced by rename.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable

from ledger.errors import ChuzhengError, IntegrityError
from notary.erasures import Erased, parse_erasures, write_erasures
from notary.stores.disk import translated
from notary.stores.tiles import TileLog

NAME = "erasures"


def read_list(log: TileLog) -> tuple[Erased, ...]:
    """What the log's list names, by rising index; IntegrityError `erasure.list` if the file isn't this log's list."""
    data = list_bytes(log)
    if data is None:
        return ()
    try:
        origin, erased = parse_erasures(data)
    except ChuzhengError:
        raise IntegrityError("erasure.list", origin=log.origin) from None
    if origin != log.origin:
        raise IntegrityError("erasure.list", origin=log.origin)
    return erased


def list_bytes(log: TileLog) -> bytes | None:
    """The file as it is served; None while nothing was erased."""
    with translated():
        try:
            return log.disk.read(log.directory / NAME)
        except FileNotFoundError:
            return None


def add_to_list(log: TileLog, erased: Iterable[Erased]) -> None:
    """Put items on the list, durable when this returns; an item with a proof takes the place of one without."""
    with translated():
        log.disk.make_folder(log.directory)
        with log.disk.locked(log.directory / f"{NAME}.lock"):
            known = {each.index: each for each in read_list(log)}
            before = dict(known)
            for each in erased:
                if each.proof is not None or each.index not in known:
                    known[each.index] = each
            if known == before:
                return
            data, draft = write_erasures(log.origin, known.values()), f".{NAME}-{os.getpid()}-{secrets.token_hex(4)}"
            try:
                log.disk.create([(log.directory / draft, data)])
                log.disk.rename(log.directory / draft, log.directory / NAME)
            except OSError:
                log.disk.remove(log.directory / draft)
                raise
            log.disk.sync_folder(log.directory)
