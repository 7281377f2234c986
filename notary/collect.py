"""Asking the world before `verify` judges: the chain at one named block, the log for what a promise became.

The only I/O of verification. An UnavailableError becomes Unavailable evidence, never an answer; any other error is a
fault of ours and goes up. Adapters behind the two Protocols are chosen in api.wiring and scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from ledger import keys as ledger_keys
from ledger.codes.certificate_ids import check_identifier, parse_identifier
from ledger.departments import DepartmentHistory
from ledger.errors import InputError, NotFoundError, UnavailableError
from ledger.ports import ChainReader
from ledger.successions import DEFAULT, type_part
from ledger.types import Anchor, Block, DepartmentCode, Digest, Kind, Millis, TypeCode
from notary.checkpoint import Checkpoint, parse_checkpoint
from notary.entry import log_id, parse_origin, status_key
from notary.evidence import (
    ABSENT,
    NOT_COLLECTED,
    OFFLINE,
    Absent,
    ChainSeen,
    DepartmentKey,
    ErasedBy,
    Evidence,
    IdentifierAlone,
    Located,
    LogSeen,
    Presented,
    Request,
    Unavailable,
)
from notary.receipt import Receipt
from notary.report import AsOf
from notary.trust_file import TrustFile

T = TypeVar("T")


class LogReader(Protocol):
    """What verification asks of the logs. Every call may raise UnavailableError: an outage is no answer."""

    def checkpoint(self, origin: str) -> str | None:
        """The log's newest signed note; None while it has none."""
        ...

    def checkpoint_at(self, origin: str, size: int) -> str | None:
        """The signed note of exactly this size; None where the log kept none."""
        ...

    def entry(self, origin: str, index: int) -> bytes | None:
        """The 92 bytes at `index`; None beyond the checkpoint's size."""
        ...

    def inclusion(self, origin: str, index: int, size: int) -> Sequence[bytes]:
        """The inclusion path of `index` in the tree of `size`."""
        ...

    def erased(self, origin: str, index: int) -> ErasedBy | None:
        """By which order the entry's content was erased, and since when; None: it wasn't."""
        ...

    def locate(self, identifier: str) -> Sequence[Located]:
        """Entries whose record has this identifier, oldest first; empty: none of the logs asked has one."""
        ...


class Collector:
    """Collects evidence from a chain and the logs; None for one of them: offline."""

    def __init__(self, chain: ChainReader | None, log: LogReader | None, *, contact: str | None = None) -> None:
        self._chain = chain
        self._log = log
        self._contact = contact

    def collect(self, request: Request, trust: TrustFile | None, now: Millis) -> Evidence:
        """What can be asked about `request`. Nothing is where no answer could be believed: without a trust file in
        force, or about another network."""
        if trust is None or trust.expired(now):
            return Evidence(contact=self._contact)
        if isinstance(request, IdentifierAlone):
            return self._for_identifier(request, trust)
        return self._for_receipt(request, trust)

    def _for_receipt(self, request: Presented, trust: TrustFile) -> Evidence:
        receipt = request.receipt
        if parse_origin(receipt.origin).network != trust.network:
            return Evidence(contact=self._contact)
        log = self._log_of(receipt) if receipt.inclusion is None else NOT_COLLECTED
        type_code = _shown_type(request) if receipt.entry.kind == Kind.CERTIFICATE else None
        found = Located(receipt.origin, receipt.index, receipt.entry, type_code)
        signed = receipt.issuer_signature is not None
        evidence = self._from_chain(found, receipt.head, trust, log=log, signed=signed)
        return evidence if request.comparable else replace(evidence, erased=self._erased(receipt))

    def _for_identifier(self, request: IdentifierAlone, trust: TrustFile) -> Evidence:
        log = self._log
        if log is None:
            return Evidence(contact=self._contact)
        found = _ask(lambda: log.locate(request.identifier))
        if isinstance(found, Unavailable):
            return Evidence(located=found, contact=self._contact)
        ours = [one for one in found if parse_origin(one.origin).network == trust.network]
        parts = None if check_identifier(request.identifier) else parse_identifier(request.identifier)
        # Another department may have anchored the same text: the one that the identifier names comes first.
        ours.sort(key=lambda one: parts is None or one.entry.issuer != parts.issuer)
        if not ours:
            return Evidence(located=(), contact=self._contact)
        first = ours[0]
        if first.type_code is None and parts is not None:
            first = replace(first, type_code=parts.type)
        return self._from_chain(first, None, trust, located=(first, *ours[1:]))

    def _from_chain(
        self,
        about: Located,
        tree: Checkpoint | None,
        trust: TrustFile,
        *,
        log: LogSeen | Absent | Unavailable = NOT_COLLECTED,
        located: tuple[Located, ...] | Unavailable = NOT_COLLECTED,
        signed: bool = False,
    ) -> Evidence:
        """The chain's facts, all at the newest block that is final by the trust file's rule."""
        chain = self._chain
        if chain is None:
            return Evidence(log=log, located=located, contact=self._contact)
        found = _ask(lambda: (ChainSeen(chain.chain_id(), chain.genesis_hash()), *_blocks(chain, trust)))
        if isinstance(found, Unavailable):  # one refusal is enough: nobody waits for as many timeouts as questions
            why = found
            return Evidence(
                chain=why, root=why, newest_root=why, anchor=why, earliest=why, department=why,
                accreditations=why, decisions=why, keys=why, log=log, located=located, contact=self._contact,
            )  # fmt: skip
        seen, newest, final = found
        own, at, type_code = log_id(about.origin), final.number, about.type_code
        issuer = about.entry.issuer
        key = status_key(issuer, about.entry.sha256)

        def root_at(block: int) -> Digest | Absent | Unavailable:
            return NOT_COLLECTED if tree is None else _ask_one(lambda: chain.anchored_root(own, tree.size, block))

        anchor: Anchor | Absent | Unavailable = NOT_COLLECTED
        if tree is not None:
            anchor = _ask_one(lambda: _of_size(chain.anchors(own, tree.size - 1, 1), tree.size))
        accredited = NOT_COLLECTED if type_code is None else _ask(
            lambda: tuple(chain.accreditations(issuer, TypeCode(type_code), at))
        )  # fmt: skip
        root = root_at(at)
        closed = _ask_one(lambda: chain.closed_at(own, at)) if root is ABSENT else ABSENT
        department = _ask_one(lambda: chain.department(issuer, at))
        return Evidence(
            chain=seen,
            as_of=AsOf("chain", final.number, final.time),
            head=newest.number,
            root=root,
            newest_root=root if newest.number == at else root_at(newest.number),
            closed_at=closed,
            anchor=anchor,
            earliest=_ask_one(lambda: next(iter(chain.anchors(own, about.index, 1)), None)),
            department=department,
            accreditations=accredited,
            decisions=_ask(lambda: tuple(chain.decisions(key, at))),
            keys=_ask(lambda: _signing(chain.keys(issuer, at))) if signed else NOT_COLLECTED,
            carrier=_carrier(chain, department, type_code, final),
            log=log,
            located=located,
            contact=self._contact,
        )

    def _erased(self, receipt: Receipt) -> ErasedBy | Absent | Unavailable:
        log = self._log
        return OFFLINE if log is None else _ask_one(lambda: log.erased(receipt.origin, receipt.index))

    def _log_of(self, receipt: Receipt) -> LogSeen | Absent | Unavailable:
        """What became of a promised entry: the newest checkpoint, and the entry at its index under it."""
        log = self._log
        if log is None:
            return OFFLINE

        def look() -> LogSeen | None:
            note = log.checkpoint(receipt.origin)
            if note is None:
                return None
            size = parse_checkpoint(note).size
            if size <= receipt.index:
                return LogSeen(note)
            entry = log.entry(receipt.origin, receipt.index)
            return LogSeen(note, entry, tuple(log.inclusion(receipt.origin, receipt.index, size)))

        try:
            return _ask_one(look)
        except (InputError, NotFoundError) as error:  # a foreign server's nonsense is no answer either
            return Unavailable(error.code)


def _blocks(chain: ChainReader, trust: TrustFile) -> tuple[Block, Block]:
    """The newest block, and the newest that is final: by depth as the trust file says, else as the engine does."""
    newest = chain.head()
    if trust.depth is not None:
        final = chain.block(max(0, newest.number - trust.depth))
    elif trust.finality == "none":
        final = newest
    else:
        final = chain.final_head()
    if final is None:
        raise UnavailableError("chain.block_missing", number=newest.number)
    return newest, final


def _ask(question: Callable[[], T]) -> T | Unavailable:
    try:
        return question()
    except UnavailableError as error:
        return Unavailable(error.code)


def _ask_one(question: Callable[[], T | None]) -> T | Absent | Unavailable:
    """As `_ask`, with None for "there is none"."""
    found = _ask(question)
    return ABSENT if found is None else found


def _signing(keys: Sequence[ledger_keys.DepartmentKey]) -> tuple[DepartmentKey, ...]:
    """The confirmed signing keys as check 9 takes them: a proposal and a wrap key sign nothing."""
    return tuple(
        DepartmentKey(
            key.key_id.hex(), key.suite.named, key.public_key, key.since, key.end, key.compromised_since,
            key.claimed_since,
        )
        for key in keys
        if key.confirmed_at is not None and key.purpose is ledger_keys.Purpose.SIGN
    )  # fmt: skip


def signing_keys(chain: ChainReader, department: DepartmentCode) -> tuple[DepartmentKey, ...] | Unavailable:
    """The department's confirmed signing keys as they stand now, for what isn't a receipt."""
    return _ask(lambda: _signing(chain.keys(department)))


def _carrier(
    chain: ChainReader, department: DepartmentHistory | Absent | Unavailable, type_code: str | None, final: Block
) -> DepartmentCode | Unavailable:
    """Who carries what a succeeded issuer issued, at the block that the facts are of: by its type, where known."""
    if not isinstance(department, DepartmentHistory):
        return NOT_COLLECTED
    if department.succeeded_at is None or department.succeeded_at > final.time:
        return NOT_COLLECTED
    what = DEFAULT if type_code is None else type_part(TypeCode(type_code))
    return _ask(lambda: chain.carrier(department.code, what, final.number))


def _of_size(anchors: Sequence[Anchor], size: int) -> Anchor | None:
    return next((anchor for anchor in anchors if anchor.size == size), None)


def _shown_type(request: Presented) -> str | None:
    members = request.record or (request.disclosure.shown if request.disclosure else {})
    found = members.get("type")
    return found if isinstance(found, str) and len(found) == 21 and found.isascii() else None


def collect(
    request: Request, trust: TrustFile | None, chain: ChainReader | None, log: LogReader | None, now: Millis
) -> Evidence:
    """`Collector` for one request."""
    return Collector(chain, log).collect(request, trust, now)
