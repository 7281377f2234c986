"""What worker processes do with a part of a chunk: make its rows ready to be placed; check and promise what was placed.

Prepared rows go to the database through the main process. Salt, canonical record and both digests of each go beside
them as one closed piece (`own`), and come back with the entries that the log has for them: a receipt is made only after
its entry was found to be of its own record, never another row's (`promise_part`). Everything crosses as marshalled
tuples; only between processes of one start.
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
from notary.canonical import parse_record
from notary.checkpoint import promise_bytes
from notary.commitment import SALT_BYTES, commit, commit_and_canonicalise, commitment_sm3
from notary.entry import ENTRY_BYTES, leaf_of
from notary.imports import COLUMNS, Row, record_of
from notary.intake import Wrong, wrong_of
from notary.processes import process_signer, process_vault
from notary.vault import Vault

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


class Part(NamedTuple):
    """Rows made ready: `placed` in the order of `good` (their offsets in the part); `own` is closed."""

    good: list[int]
    placed: list[tuple[Any, ...]]
    """(issuer, sha256, sm3, content MAC, identifier MAC, version, sealed keys, sealed body)."""
    wrong: dict[int, list[Wrong]]
    own: bytes


class Asked(NamedTuple):
    """Entries that stand at consecutive indexes from `first`, joined, for the rows at the places `chosen` of a piece.

    `sealed` (empty, or one for each): the kept salts of rows that an earlier run placed and didn't live to promise.
    """

    origin: Origin
    log_id: LogId
    first: int
    entries: bytes
    chosen: list[int]
    sealed: list[bytes | None]


class Promised(NamedTuple):
    """Promises of a part's rows, joined, and their salts; `foreign`: the offset of a row whose entry is another's."""

    promises: bytes
    salts: bytes
    foreign: int | None


def prepare_part(
    numbers: Sequence[int], cells: Sequence[Sequence[str]], issuers: frozenset[str], capture: str, vault: Vault
) -> Part:
    """Check, commit to and encrypt rows; empty cells stand for a row that was refused already."""
    good: list[int] = []
    placed: list[tuple[Any, ...]] = []
    wrong: dict[int, list[Wrong]] = {}
    own: list[Own] = []
    for offset, row in enumerate(cells):
        if not row:
            continue
        number = numbers[offset]
        joined = "".join(row)
        if not joined.isprintable() and _UNFIT.search(joined):  # most rows need no search
            column = next(name for name, cell in zip(COLUMNS, row, strict=True) if _UNFIT.search(cell))
            wrong[offset] = [wrong_of(number, column, InputError("import.control_character"))]
            continue
        record, problems = record_of(Row(number, row), capture)  # type: ignore[arg-type]  # any sequence of cells
        issuer = DepartmentCode(row[_ISSUER])
        if not problems and issuer not in issuers:
            problems = [(number, "issuer_code", InputError("backfill.other_issuer"))]
        if problems:
            wrong[offset] = [wrong_of(*problem) for problem in problems]
            continue
        try:
            taken, mine = _prepared(record, issuer, vault)
        except ChuzhengError as error:
            wrong[offset] = [wrong_of(number, "", error)]
            continue
        good.append(offset)
        placed.append(taken)
        own.append(mine)
    return Part(good, placed, wrong, marshal.dumps([tuple(each) for each in own]))


def _prepared(record: Mapping[str, Any], issuer: DepartmentCode, vault: Vault) -> tuple[tuple[Any, ...], Own]:
    salt = os.urandom(SALT_BYTES)
    commitment, canonical = commit_and_canonicalise(record, salt)
    sha256, sm3 = commitment.sha256, commitment.sm3
    sealed_keys, sealed_body = vault.seal(sha256, salt, canonical)
    content = vault.content_mac(issuer, canonical)
    identifier = vault.identifier_mac(issuer, record["identifier"])
    taken = (issuer, sha256, sm3, content, identifier, record["version"], sealed_keys, sealed_body)
    return taken, Own(issuer, salt, canonical, sha256, sm3)


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
    for offset, (issuer, salt, canonical, sha256, sm3) in enumerate(own):
        entry = entries[offset * ENTRY_BYTES : (offset + 1) * ENTRY_BYTES]
        thorough = every or (offset + drawn) % SAMPLE == 0
        kept = sealed[offset] if sealed else None
        if kept is not None:
            sha256, sm3 = entry[28:60], entry[60:]  # noqa: PLW2901 that run's digests, proved below
            salt, thorough = vault.open_keys(sha256, kept)[1], True  # noqa: PLW2901
        if (
            len(entry) != ENTRY_BYTES
            or entry[:20] != b"\x01\x01" + issuer.encode("ascii")
            or entry[28:] != sha256 + sm3
            or commitment_sm3(canonical, salt) != sm3
            or (thorough and commit(parse_record(canonical), salt).sha256 != sha256)
        ):
            return Promised(b"", b"", offset)
        message = promise_bytes(log_id, first + offset, leaf_of(entry))
        promise = signer.sign(message)
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
        return marshal.dumps((part.good, part.placed, wrong, part.own))


def unpack_part(packed: bytes) -> Part:
    """What `prepare_packed` answered."""
    good, placed, wrong, own = marshal.loads(packed)  # noqa: S302 our own pipe
    return Part(good, placed, {offset: [Wrong(*each) for each in problems] for offset, problems in wrong.items()}, own)


def promise_packed(asked: tuple[Any, ...], own: bytes, every: bool) -> tuple[bytes, bytes, int | None]:
    """`promise_part` in a worker process."""
    with without_collecting():
        given = Asked(*asked)
        mine = unpack_own(own, given.chosen)
        signer = process_signer(given.origin)
        promised = promise_part(given, mine, signer=signer, vault=process_vault(), every=every)
        return promised.promises, promised.salts, promised.foreign


def unpack_own(own: bytes, chosen: Sequence[int]) -> list[Own]:
    """The rows at the `chosen` places of a closed piece."""
    found = marshal.loads(own)  # noqa: S302 our own pipe
    return [Own(*found[place]) for place in chosen]


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
