"""Making a snapshot from the data folder: the index at its newest final block, signed and published (formats.md §8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from api.keyring import Keyring
from api.settings import Settings
from api.snapshot_files import SnapshotFiles
from api.trusted import TrustSource
from api.wiring import SystemClock, database_of, deployment_of, final_depth
from ledger.errors import ConfigurationError, UnavailableError
from ledger.ports import Clock, Signer
from ledger.types import Millis
from notary.erasures import parse_erasures
from notary.snapshot import Snapshot, sign_snapshot
from notary.snapshot_making import VALID_FOR, Erased, Heading, snapshot_body
from notary.stores.erasure_list import NAME as ERASURES


def make_snapshot(
    settings: Settings, signer: Signer | None = None, *, valid_for: int = VALID_FOR, clock: Clock | None = None
) -> tuple[Snapshot, Path]:
    """(the snapshot, where it lies). `signer` None: this machine's snapshot key; `valid_for` in milliseconds.

    ConfigurationError where there is no trust file, or it doesn't name the key; UnavailableError while the index holds
    no final block.
    """
    from ledger.store.index.whole import whole_index

    deployment = deployment_of(settings)
    trusted = TrustSource(settings.trust_path).now()
    if trusted is None:
        raise ConfigurationError("snapshot.no_trust", file=str(settings.trust_path))
    key = signer or Keyring(settings.keys_dir).snapshot()
    now = (clock or SystemClock()).now()
    engine = database_of(settings)
    files = SnapshotFiles(settings.snapshots_dir)

    def build(sequence: int) -> bytes:
        with whole_index(engine, final_depth(settings)) as whole:
            if whole is None:
                raise UnavailableError("snapshot.no_index", retry_after=10)
            heading = Heading(
                deployment.network, deployment.chain_id, deployment.genesis_hash, sequence, Millis(now + valid_for),
                whole.block,
            )  # fmt: skip
            body = snapshot_body(
                heading, logs=whole.logs(), anchors=whole.anchors(), decisions=whole.decisions(),
                members=whole.members(), erased=_erased(settings),
            )  # fmt: skip
        return sign_snapshot(body, key)

    try:
        found = files.make(build, trusted.file, now)
    finally:
        engine.dispose()
    return found, files.newest().path


def _erased(settings: Settings) -> Iterator[Erased]:
    """What the lists of all logs here name (formats.md §7)."""
    for path in sorted(settings.logs_dir.glob(f"*/{ERASURES}")):
        origin, found = parse_erasures(path.read_bytes())
        for each in found:
            yield Erased(origin, each.index, each.order)
