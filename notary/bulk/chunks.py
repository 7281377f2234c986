"""What worker processes do with a part of a chunk: make its rows ready to be placed; check and promise what was placed.

Prepared rows go to the database through the main process, by column. Salt, canonical record and both digests of each
go beside them as one closed piece (`own`), and come back with the entries that the log has for them: a receipt is made
only after its entry was found to be of its own record, never another row's (`promise_part`). Everything crosses as
marshalled tuples; only between processes of one start.
"""

from __future__ import annotations

import gc
import marshal
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ledger.crypto.suites import verify
from ledger.errors import ChuzhengError, InputError
from ledger.ports import Signer
from ledger.types import DepartmentCode, Kind, LogId, Origin
from notary.bulk.ordinary import NAMES, ordinary
from notary.bulk.sources import Cells, cells_in
from notary.canonical import parse_record
from notary.checkpoint import promise_bytes
from notary.commitment import SALT_BYTES, commit, commitment_sm3
from notary.committing import Committed, commit_columns, commit_many
from notary.entry import ENTRY_BYTES, leaf_of
from notary.imports import COLUMNS, Row, record_of
from notary.intake import Wrong, wrong_of
from notary.packed import pack_rows
from notary.processes import process_signer, process_vault
from notary.vault import FRESH, Vault

PROMISE_BYTES = 64
SAMPLE = 64
"""One record of so many is committed to again, and its promise verified, where a run doesn't ask for all of them."""
_ISSUER = COLUMNS.index("issuer_code")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CERTIFICATE = int(Kind.CERTIFICATE)


class Own(NamedTuple):
    """What a receipt is checked against: made with the row, never from what the database or the log says."""

    issuer: DepartmentCode
    salt: bytes
    canonical: bytes
    sha256: bytes
    sm3: bytes


class Ready(NamedTuple):
    """Rows of one issuer made ready to be placed, by column: `offsets` in the part, the packed `rows` (65 bytes each),
    what the notary keeps of each (placing.Columns), and their `own`, closed."""

    issuer: str
    offsets: list[int]
    rows: bytes
    contents: list[bytes]
    identifiers: list[bytes]
    versions: list[int]
    sealed_keys: list[bytes]
    sealed_bodies: list[bytes]
    own: bytes


class Part(NamedTuple):
    """Consecutive rows made ready, by issuer, and by offset what is wrong with the others."""

    ready: list[Ready]
    wrong: dict[int, list[Wrong]]


class Asked(NamedTuple):
    """Entries that stand at consecutive indexes from `first`, joined, for the rows at the places `chosen` of a piece
    (None: all of them).

    `sealed` (empty, or one for each): the kept salts of rows that an earlier run placed and didn't live to promise.
    """

    origin: Origin
    log_id: LogId
    first: int
    entries: bytes
    chosen: list[int] | None
    sealed: list[bytes | None]


class Promised(NamedTuple):
    """Promises of a part's rows, joined, and their salts; `foreign`: the offset of a row whose entry is another's."""

    promises: bytes
    salts: bytes
    foreign: int | None


def prepare_part(
    numbers: Sequence[int], cells: Sequence[Cells], issuers: frozenset[str], capture: str, vault: Vault
) -> Part:
    """Check, commit to and encrypt rows (cells or lines); empty ones stand for a row that was refused already."""
    if (part := _ordinary_part(cells, issuers, capture, vault)) is not None:
        return part
    records: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    wrong: dict[int, list[Wrong]] = {}
    for offset, row in enumerate(map(cells_in, cells)):
        if not row:
            continue
        number = numbers[offset]
        joined = "".join(row)
        if not joined.isprintable() and _UNFIT.search(joined):  # most rows need no search
            column = next(name for name, cell in zip(COLUMNS, row, strict=True) if _UNFIT.search(cell))
            wrong[offset] = [wrong_of(number, column, InputError("import.control_character"))]
            continue
        record, problems = record_of(Row(number, row), capture)  # type: ignore[arg-type]  # any sequence of cells
        issuer = row[_ISSUER]
        if not problems and issuer not in issuers:
            problems = [(number, "issuer_code", InputError("backfill.other_issuer"))]
        if problems:
            wrong[offset] = [wrong_of(*problem) for problem in problems]
            continue
        records.setdefault(issuer, []).append((offset, record))
    ready: list[Ready] = []
    for issuer, good in records.items():
        try:
            ready.append(_ready(DepartmentCode(issuer), good, vault))
        except ChuzhengError:  # one of them: alone, each says for itself
            for offset, record in good:
                try:
                    ready.append(_ready(DepartmentCode(issuer), [(offset, record)], vault))
                except ChuzhengError as error:
                    wrong[offset] = [wrong_of(numbers[offset], "", error)]
    return Part(ready, wrong)


def _ordinary_part(cells: Sequence[Cells], issuers: frozenset[str], capture: str, vault: Vault) -> Part | None:
    """The part by column, None where it must go row by row."""
    if (found := ordinary(cells, issuers, capture)) is None:
        return None
    issuer, identifiers, versions, texts = found
    fresh = _Fresh(len(versions))
    try:
        committed = commit_columns(NAMES, texts, fresh.salts)
    except ChuzhengError:
        return None
    named = _Named(issuer, [*range(len(versions))], identifiers, versions)
    return Part([_sealed(named, committed, fresh, vault)], {})


def _ready(issuer: DepartmentCode, good: Sequence[tuple[int, Mapping[str, Any]]], vault: Vault) -> Ready:
    """(offset, checked record) of one issuer: committed to under fresh salts, encrypted under fresh keys."""
    fresh, records = _Fresh(len(good)), [record for _, record in good]
    identifiers, versions = [record["identifier"] for record in records], [record["version"] for record in records]
    named = _Named(issuer, [offset for offset, _ in good], identifiers, versions)
    return _sealed(named, commit_many(records, fresh.salts), fresh, vault)


class _Named(NamedTuple):
    """What is known of rows of one issuer beside their records; `offsets` in the part."""

    issuer: DepartmentCode
    offsets: list[int]
    identifiers: Sequence[str]
    versions: list[int]


class _Fresh:
    """Salts of so many records, and FRESH bytes for sealing each; chance is asked for once, for each question costs
    more than its bytes."""

    def __init__(self, count: int) -> None:
        chance, end = os.urandom((SALT_BYTES + FRESH) * count), SALT_BYTES * count
        self.salts = [chance[at : at + SALT_BYTES] for at in range(0, end, SALT_BYTES)]
        self.keys = [chance[at : at + FRESH] for at in range(end, len(chance), FRESH)]


def _sealed(named: _Named, committed: Sequence[Committed], fresh: _Fresh, vault: Vault) -> Ready:
    issuer = named.issuer
    sealed = [
        vault.seal(sha256, salt, canonical, keys)
        for (sha256, _, canonical), salt, keys in zip(committed, fresh.salts, fresh.keys, strict=True)
    ]
    pairs = zip(committed, fresh.salts, strict=True)
    own = [(issuer, salt, canonical, sha256, sm3) for (sha256, sm3, canonical), salt in pairs]
    return Ready(
        issuer,
        named.offsets,
        pack_rows([(_CERTIFICATE, sha256, sm3) for sha256, sm3, _ in committed]),
        [vault.content_mac(issuer, canonical) for _, _, canonical in committed],
        [vault.identifier_mac(issuer, identifier) for identifier in named.identifiers],
        named.versions,
        [keys for keys, _ in sealed],
        [body for _, body in sealed],
        marshal.dumps(own),
    )


def promise_part(asked: Asked, own: Sequence[Own], *, signer: Signer, vault: Vault, every: bool) -> Promised:
    """Promises for what is asked, each entry checked against its own record before its promise is made.

    Of each: the entry's kind and issuer, both its digests against those made with the record, the SM3 digest computed
    again from record and salt; the promise is over the leaf of the entry so checked. Of one in SAMPLE, or of `every`:
    both digests computed again from the record's bytes, and the promise verified under the log's public key.
    Rows that are `sealed` have the salts that are kept, not those of this run.
    """
    _, log_id, first, entries, _, sealed = asked
    promises: list[bytes] = []
    salts: list[bytes] = []
    drawn = int.from_bytes(os.urandom(2))
    head, of_issuer = b"", ""
    sign = signer.sign
    for offset, (issuer, salt, canonical, sha256, sm3) in enumerate(own):
        entry = entries[offset * ENTRY_BYTES : (offset + 1) * ENTRY_BYTES]
        thorough = every or (offset + drawn) % SAMPLE == 0
        kept = sealed[offset] if sealed else None
        if kept is not None:
            sha256, sm3 = entry[28:60], entry[60:]  # noqa: PLW2901 that run's digests, proved below
            salt, thorough = vault.open_keys(sha256, kept)[1], True  # noqa: PLW2901
        if issuer != of_issuer:
            head, of_issuer = b"\x01\x01" + issuer.encode("ascii"), issuer
        if (
            len(entry) != ENTRY_BYTES
            or entry[:20] != head
            or entry[28:] != sha256 + sm3
            or commitment_sm3(canonical, salt) != sm3
            or (thorough and commit(parse_record(canonical), salt).sha256 != sha256)
        ):
            return Promised(b"", b"", offset)
        message = promise_bytes(log_id, first + offset, leaf_of(entry))
        promise = sign(message)
        if thorough and not verify(signer.suite, signer.public_key, promise, message):
            return Promised(b"", b"", offset)
        promises.append(promise)
        salts.append(salt)
    return Promised(b"".join(promises), b"".join(salts), None)


# -- across the pipe ------------------------------------------------------------------------------------------------


def prepare_packed(packed: bytes, issuers: frozenset[str], capture: str) -> bytes:
    """`prepare_part` in a worker process."""
    numbers, cells = marshal.loads(packed)  # noqa: S302 our own pipe
    with without_collecting():
        part = prepare_part(numbers, cells, issuers, capture, process_vault())
        wrong = {offset: [tuple(each) for each in problems] for offset, problems in part.wrong.items()}
        return marshal.dumps(([tuple(each) for each in part.ready], wrong))


def unpack_part(packed: bytes) -> Part:
    """What `prepare_packed` answered."""
    ready, wrong = marshal.loads(packed)  # noqa: S302 our own pipe
    told = {offset: [Wrong(*each) for each in problems] for offset, problems in wrong.items()}
    return Part([Ready(*each) for each in ready], told)


def promise_packed(asked: tuple[Any, ...], own: bytes, every: bool) -> tuple[bytes, bytes, int | None]:
    """`promise_part` in a worker process."""
    with without_collecting():
        given = Asked(*asked)
        mine = unpack_own(own, given.chosen)
        signer = process_signer(given.origin)
        promised = promise_part(given, mine, signer=signer, vault=process_vault(), every=every)
        return promised.promises, promised.salts, promised.foreign


def unpack_own(own: bytes, chosen: Sequence[int] | None) -> list[Own]:
    """The rows at the `chosen` places of a closed piece; None: all."""
    found: list[Own] = marshal.loads(own)  # noqa: S302 our own pipe; plain tuples of the same shape
    return found if chosen is None else [found[place] for place in chosen]


@contextmanager
def without_collecting() -> Iterator[None]:
    """Thousands of tuples without a cycle among them: looking through them for one costs a tenth of the work."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
