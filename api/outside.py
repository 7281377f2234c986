"""Loops toward others: witnesses that cosign our logs, and other operators' logs that keep our heads. Adapters for each
are chosen here, as api.wiring chooses the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.settings import Settings
from api.trusted import TrustSource
from ledger.errors import ChuzhengError
from ledger.ports import Clock
from ledger.types import Digest, LogId, Origin

if TYPE_CHECKING:
    from ledger.store.index import IndexReader
    from notary.cosigning import Cosigner
    from notary.head_courier import HeadCourier
    from notary.network_heads import NetworkHeads
    from notary.service import Notary
    from notary.trust_file import TrustFile, WitnessKey


def heads_now(engine: Any, depth: int, network: str) -> Callable[[], NetworkHeads | None]:
    """The network's heads as the index has them at its newest final block."""
    from ledger.store.index.whole import whole_index
    from notary.network_heads import LogHead, NetworkHeads

    def source() -> NetworkHeads | None:
        with whole_index(engine, depth) as whole:
            if whole is None:
                return None
            chain_id, genesis = whole.chain()
            heads = tuple(LogHead(*head) for head in whole.heads())
            return NetworkHeads(network, chain_id, genesis, whole.block, heads)

    return source


def couriers(settings: Settings, engine: Any, index: IndexReader, network: str, clock: Clock) -> list[HeadCourier]:
    """A loop for each log of another operator. A log of our own network is verified against our trust file and our
    index; one of another network against `trust/peers/NETWORK.json`, and its chain by nobody here."""
    from api.head_client import HeadClient
    from notary.entry import parse_origin
    from notary.head_courier import Around, HeadCourier
    from notary.stores.equivocations import FOLDER, Equivocations
    from notary.stores.outside import Outside
    from notary.stores.sent_heads import SentHeads

    def anchored(log: LogId, size: int) -> Digest | None:
        found = index.anchor_of(log, size)
        return None if found is None else found.root

    made = []
    for name, url in settings.head_peer_urls.items():
        target, other = Origin(name), parse_origin(name).network
        ours = other == network
        trust = settings.trust_path if ours else settings.trust_dir / "peers" / f"{other}.json"
        around = Around(
            Outside(settings.outside_dir),
            clock,
            heads_now(engine, index.depth, network),
            trust_now(trust),
            anchored if ours else None,
            Equivocations(settings.home / FOLDER).keep,
        )
        place = quote(name, safe="")
        peer = HeadClient(target, url, settings.keys_dir / "peers" / f"{place}.token")
        kept = SentHeads(settings.outside_dir / "heads-sent" / place, network)
        made.append(HeadCourier(target, peer, kept, around))
    return made


def cosigners(settings: Settings, notary: Notary, clock: Clock) -> list[Cosigner]:
    """A loop for each witness of the settings; its key is the trust file's, so one that isn't there yet waits."""
    from api.witness_client import ask_over_http, kept_over_http
    from notary.cosigning import Cosigner, Watch
    from notary.stores.equivocations import FOLDER, Equivocations
    from notary.stores.outside import Outside

    trusted = trust_now(settings.trust_path)

    def key_of(name: str) -> WitnessKey | None:
        found = trusted()
        return next((w for w in found.witnesses if w.name == name), None) if found else None

    made = []
    for name, url in settings.witness_urls.items():
        keep = Equivocations(settings.home / FOLDER).keep
        watch = Watch(Outside(settings.outside_dir), clock, keep, kept_over_http(name, url))
        made.append(Cosigner(notary, name, partial(key_of, name), ask_over_http(name, url), watch))
    return made


def trust_now(path: Path) -> Callable[[], TrustFile | None]:
    """The trust file in force, for those that go on without one: sealing doesn't wait for the Council."""
    source: TrustSource | None = None

    def now() -> TrustFile | None:
        nonlocal source
        try:
            if source is None:
                source = TrustSource(path)
        except ChuzhengError:
            return None
        found = source.now()
        return None if found is None else found.file

    return now
