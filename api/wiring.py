"""Putting it together: adapters are chosen here, from settings and the data folder, and nowhere else in this room.

    parts = build(settings)            what the HTTP application stands on; close it with parts.close()
    with open_parts(settings) as parts     the same, closed at the end

The other ways in are for commands that need less than the server. What the processes beside it stand on is put together
in api.backstage, from what is here.

Nothing here needs the chain to answer: a server starts, and says `cannot_check`, while the node is down.
Over 300 lines: the one place that knows every adapter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from api.auth import TokenStore
from api.breaker import Breaker
from api.closings import RecentClosings
from api.content_places import content_places
from api.event_files import EventFiles
from api.keyring import Keyring
from api.outside import trust_now
from api.own_logs import OwnLogs
from api.parts import Directory, Parts
from api.remembered import Remembered
from api.settings import Settings
from api.statuses.lists import StatusLists
from api.trusted import TrustSource
from ledger.errors import ChuzhengError, ConfigurationError
from ledger.types import Millis

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from ledger.evm.deployment import Deployment
    from ledger.evm.rpc import Rpc
    from ledger.evm.watch import NodeWatch
    from ledger.store.index import IndexReader
    from notary.content_keeper import ContentKeeper
    from notary.heads import Ask
    from notary.processes import Processes
    from notary.reconcile.run import Ledger
    from notary.service import Notary
    from notary.stores.marks import Marks
    from notary.stores.placed import Places
    from notary.trust_file import WitnessKey

T = TypeVar("T")
Damaged = Callable[[Path, ChuzhengError], None]
CHAIN_WITHIN = 5.0
"""Seconds that a caller waits for one answer of the chain."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000)


def build(settings: Settings, *, processes: int = 0, damaged: Damaged | None = None) -> Parts:
    """Everything that endpoints use. ConfigurationError names what is missing from the data folder.

    `processes` > 0 prepares large bulk calls in that many worker processes. `damaged` is told of a trust file or a
    directory of departments that can't be read, and it goes on without them: for looking at what doesn't need them.
    """
    from ledger.evm.indexed import IndexedChainReader
    from ledger.evm.outbox import Outbox
    from ledger.evm.rpc import Rpc
    from ledger.store.evidence import EvidenceStore
    from ledger.store.index.changes import ChangeReader
    from ledger.store.index.whole import whole_index
    from notary.decisions import Decisions
    from notary.feed import Feed

    deployment = deployment_of(settings)
    engine, index = database_and_index(settings)
    keyring = Keyring(settings.keys_dir)
    pool = _processes(keyring, processes)
    if pool is not None:
        pool.warm()
    notary = notary_of(settings, engine, index, keyring, pool)
    outbox = Outbox(engine)
    chain = IndexedChainReader(Rpc(settings.rpc_url, timeout=CHAIN_WITHIN), profile_of(settings), deployment, index)
    reader = Breaker(chain)
    whole = partial(whole_index, engine, final_depth(settings))
    lists = StatusLists(settings.url, notary, reader, keyring.issuing_signers(), whole, folder=settings.lists_dir)
    pin = bytes.fromhex(settings.trust_pin) if settings.trust_pin else None
    trusted = _unless_damaged(settings.trust_path, lambda path: TrustSource(path, pin), damaged)
    directory = _unless_damaged(settings.directory_path, Directory.read, damaged)
    operators = {code: tuple(key.address for key in keys) for code, keys in keyring.lanes().items()}
    return Parts(
        settings=settings,
        clock=SystemClock(),
        tokens=TokenStore(settings.tokens_path),
        network=deployment.network,
        chain=reader,
        remembered=Remembered(reader, index),
        node=watch_node(settings, index),
        notary=notary,
        log_reader=OwnLogs(notary),
        content=notary.filing.content if notary.filing else None,
        places=places_of(notary),
        wrap_keys=keyring.wrap_publics(),
        trusted=trusted,
        status_lists=lists,
        outbox=outbox,
        feed=Feed(notary, ChangeReader(engine, final_depth(settings))),
        operators=operators,
        decisions=Decisions(notary, outbox, index, operators=operators),
        events=EventFiles(EvidenceStore(engine), index, deployment, profile_of(settings).finality_depth),
        engine=engine,
        closing=[notary.close, *([pool.close] if pool else []), engine.dispose],
        directory=directory or Directory({}),
    )


def _unless_damaged(path: Path, read: Callable[[Path], T], damaged: Damaged | None) -> T | None:
    try:
        return read(path)
    except ChuzhengError as error:
        if damaged is None:
            raise
        damaged(path, error)
        return None


@contextmanager
def open_parts(settings: Settings, *, processes: int = 0, damaged: Damaged | None = None) -> Iterator[Parts]:
    """`build`, closed at the end."""
    parts = build(settings, processes=processes, damaged=damaged)
    try:
        yield parts
    finally:
        parts.close()


@contextmanager
def open_notary(settings: Settings, *, processes: int) -> Iterator[tuple[Notary, Processes]]:
    """The notary alone with its worker processes, beside whatever else runs on this data folder (back-fill)."""
    deployment_of(settings)  # a folder without one belongs to no network
    engine, index = database_and_index(settings)
    keyring = Keyring(settings.keys_dir)
    pool = _processes(keyring, max(1, processes))
    assert pool is not None
    try:
        notary = notary_of(settings, engine, index, keyring, pool)
        try:
            require_own_records(notary)
            yield notary, pool
        finally:
            notary.close()
    finally:
        pool.close()
        engine.dispose()


@contextmanager
def _reading_notary(settings: Settings) -> Iterator[tuple[Engine, IndexReader, Notary]]:
    """A notary that accepts nothing, over the database and the index of the chain."""
    engine, index = database_and_index(settings)
    notary = notary_of(settings, engine, index, Keyring(settings.keys_dir), None, accepts=False)
    try:
        yield engine, index, notary
    finally:
        notary.close()
        engine.dispose()


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """What a comparison with a library stands on; the chain itself isn't asked, the index is."""
    from ledger.store.index.changes import ChangeReader
    from notary.reconcile.run import Ledger

    with _reading_notary(settings) as (engine, index, notary):
        yield Ledger(notary, index, ChangeReader(engine, index.depth), SystemClock())


@contextmanager
def open_keeper(settings: Settings) -> Iterator[ContentKeeper]:
    """The files of this machine's records and their places; needs neither chain nor deployment."""
    from notary.content_keeper import ContentKeeper

    with _reading_notary(settings) as (_, _, notary):
        yield ContentKeeper(notary, places_of(notary), SystemClock())


def watch_node(settings: Settings, index: IndexReader | None) -> NodeWatch:
    """The watch over our node; it starts from what the index holds, so that a restart forgets nothing."""
    from ledger.evm.rpc import Rpc
    from ledger.evm.watch import NodeWatch

    rpc = Rpc(settings.rpc_url, timeout=CHAIN_WITHIN)
    seen = index.cursor() if index is not None else None
    return NodeWatch(rpc, profile_of(settings), second_node(settings), seen=seen, slow=settings.chain_slow)


def second_node(settings: Settings) -> Rpc | None:
    """A node of somebody else that ours is compared with, where one is named."""
    from ledger.evm.rpc import Rpc

    return Rpc(settings.second_rpc_url, timeout=CHAIN_WITHIN) if settings.second_rpc_url else None


def deployment_of(settings: Settings) -> Deployment:
    """The record of the contracts that this machine works with."""
    from ledger.evm.deployment import load_deployment

    if not settings.deployment_path.is_file():
        raise ConfigurationError("settings.no_deployment", file=str(settings.deployment_path))
    return load_deployment(settings.deployment_path)


def profile_of(settings: Settings) -> Any:
    """How the engine of our network behaves."""
    from ledger.evm.profiles import profile_named

    return profile_named(settings.engine_profile)


def database_of(settings: Settings) -> Any:
    """The database's engine, brought up to this version; the caller disposes of it."""
    from ledger.store.engine import open_engine, upgrade

    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    upgrade(engine)
    return engine


def final_depth(settings: Settings) -> int:
    """Blocks on top of a block before it counts as final, by the engine's profile."""
    depth: int = profile_of(settings).finality_depth
    return depth


def database_and_index(settings: Settings) -> tuple[Any, IndexReader]:
    """`database_of`, and what the indexer wrote into it."""
    from ledger.store.index import IndexReader

    engine = database_of(settings)
    return engine, IndexReader(engine, final_depth(settings))


def places_of(notary: Notary) -> Places:
    """Where the files of this notary's records are."""
    from notary.stores.placed import PlacedContent

    assert notary.filing is not None
    assert isinstance(notary.filing.content, PlacedContent)
    return notary.filing.content.places


def _processes(keyring: Keyring, count: int) -> Processes | None:
    from notary.processes import Processes

    return Processes(count, keyring.storage_key(), keyring.log_addresses()) if count else None


def _others(settings: Settings) -> tuple[Ask, Marks | None]:
    """Who knows how far our logs go when our own data is an older copy: the chain, and the high-water marks."""
    from ledger.evm.reader import EvmChainReader
    from ledger.evm.rpc import Rpc
    from notary.stores.marks import Marks

    deployment = deployment_of(settings)
    reader = EvmChainReader(Rpc(settings.rpc_url, timeout=CHAIN_WITHIN), profile_of(settings), deployment)
    folder = settings.marks_dir
    # By genesis: a network that was begun anew under the same name has logs of the same names.
    return reader.log_head, None if folder is None else Marks(folder / deployment.genesis_hash[2:18])


def require_own_records(notary: Notary) -> None:
    """ConfigurationError `vault.other_key` unless our storage key opens what is stored."""
    from notary.stores.key_check import require_storage_key

    require_storage_key(notary.store, notary.vault)


def notary_of(
    settings: Settings,
    engine: Any,
    index: IndexReader,
    keyring: Keyring,
    pool: Processes | None,
    *,
    accepts: bool = True,
) -> Notary:
    """`accepts` False: for looking only, which nobody else must confirm."""
    from ledger.store.evidence import EvidenceStore
    from notary.event_proof import evidence_of
    from notary.filing import Filing
    from notary.service import Notary
    from notary.stores.placed import PlacedContent
    from notary.stores.records import RecordStore

    ask, marks = _others(settings) if accepts else (None, None)
    captured = EvidenceStore(engine)
    trusted = trust_now(settings.trust_path)

    def witnesses() -> tuple[int, Sequence[WitnessKey]]:
        found = trusted()
        return (found.witnesses_needed, found.witnesses) if found else (0, ())

    return Notary(
        engine,
        settings.logs_dir,
        keyring.log_signers(),
        storage_key=keyring.storage_key(),
        clock=SystemClock(),
        anchors=RecentClosings(index),
        filing=Filing(PlacedContent(content_places(settings, RecordStore(engine)))),
        processes=pool,
        evidence=lambda anchor: evidence_of(captured.of_anchor(anchor)),
        witnesses=witnesses,
        ask=ask,
        marks=marks,
    )
