"""The processes beside the server, put together: worker, sender, indexer, keeper, and who asks witnesses.

    back = open_backstage(settings)    close it with back.close()

As api.wiring, of which this is the other half, it needs no answer of the chain to begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.keyring import Keyring
from api.outside import cosigners, couriers, heads_now
from api.settings import Settings
from api.wiring import (
    SystemClock,
    database_and_index,
    deployment_of,
    final_depth,
    notary_of,
    places_of,
    profile_of,
    second_node,
)
from ledger.errors import ConfigurationError
from ledger.types import Address, Origin

if TYPE_CHECKING:
    from ledger.evm.deployment import Deployment
    from ledger.evm.indexer import Indexer
    from ledger.evm.sender import Sender
    from notary.content_keeper import ContentKeeper
    from notary.cosigning import Cosigner
    from notary.head_courier import HeadCourier
    from notary.service import Notary
    from notary.worker import Step, Worker

LANES_AT_ONCE = 4
"""Lanes of one machine that wait for the node and the database side by side."""


@dataclass
class Backstage:
    """The processes beside the server: each is one loop with `run(stop)`; all may run in one process or in many."""

    engine: Any
    notary: Notary
    worker: Worker
    sender: Sender
    indexer: Indexer
    keeper: ContentKeeper
    deployment: Deployment
    cosigners: Sequence[Cosigner] = ()
    """One loop a witness."""
    couriers: Sequence[HeadCourier] = ()
    """One loop a log of another operator that keeps our network's heads."""

    def close(self) -> None:
        """Finish what waits, let go of lanes and connections."""
        self.notary.close()
        self.sender.release()
        self.engine.dispose()


def open_backstage(settings: Settings) -> Backstage:
    """Worker (seals, hands heads to the outbox), sender and indexer on the same data folder."""
    from ledger.evm.capture import Capture
    from ledger.evm.indexer import Indexer
    from ledger.evm.outbox import Outbox
    from ledger.evm.rpc import Rpc
    from ledger.evm.sender import Sender
    from ledger.lanes import lane_of
    from ledger.store.evidence import EvidenceStore
    from notary.content_keeper import ContentKeeper
    from notary.entry import log_id, parse_origin
    from notary.worker import Worker

    deployment, profile = deployment_of(settings), profile_of(settings)
    engine, index = database_and_index(settings)
    keyring = Keyring(settings.keys_dir)
    notary = notary_of(settings, engine, index, keyring, None)
    keys = keyring.lanes()
    signers = {Address(key.address): key for lanes_of in keys.values() for key in lanes_of}
    lanes: dict[Origin, Address] = {}
    for origin in notary.logs:
        issuer = parse_origin(origin).issuer
        if issuer not in keys:
            raise ConfigurationError("settings.no_operator", department=issuer)
        lanes[origin] = lane_of([Address(key.address) for key in keys[issuer]], log_id(origin))
    rpc, second = Rpc(settings.rpc_url), second_node(settings)
    relays = () if second is None else (second,)
    capture = Capture(EvidenceStore(engine), index, Rpc(settings.rpc_url), profile)
    return Backstage(
        engine=engine,
        notary=notary,
        worker=Worker(
            notary,
            Outbox(engine),
            index,
            lanes=lanes,
            clock=SystemClock(),
            beside=[capture, notary.erasing, *_head_keeper(settings, engine, deployment, notary)],
        ),
        sender=Sender(engine, rpc, profile, deployment, signers, parallel=LANES_AT_ONCE, relays=relays),
        indexer=Indexer(engine, Rpc(settings.rpc_url), profile, deployment, second=second),
        keeper=ContentKeeper(notary, places_of(notary), SystemClock()),
        deployment=deployment,
        cosigners=cosigners(settings, notary, SystemClock()),
        couriers=couriers(settings, engine, index, deployment.network, SystemClock()),
    )


def _head_keeper(settings: Settings, engine: Any, deployment: Deployment, notary: Notary) -> list[Step]:
    """Who writes the network's heads into a log of ours each day, where one is named."""
    from notary.head_keeping import HeadKeeper

    if not settings.head_log:
        return []
    return [
        HeadKeeper(
            notary,
            Origin(settings.head_log),
            heads_now(engine, final_depth(settings), deployment.network),
            SystemClock(),
        )
    ]
