"""Making a snapshot from the data folder: the index at its newest final block, signed and published (formats.md §8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.keyring import Keyring
from api.settings import Settings
from api.snapshot_files import SnapshotFiles
from api.trusted import TrustSource
from api.wiring import SystemClock, database_of, deployment_of, final_depth
from ledger.errors import ConfigurationError, UnavailableError
from ledger.ports import Clock, Signer
from ledger.types import Block, Millis
from notary.erasures import parse_erasures
from notary.snapshot import Snapshot, sign_snapshot
from notary.snapshot_making import VALID_FOR, Erased, Heading, snapshot_body
from notary.snapshot_packed import PackedSnapshot, pack_snapshot
from notary.stores.erasure_list import NAME as ERASURES

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from ledger.evm.deployment import Deployment
    from ledger.store.index.whole import WholeIndex
    from notary.trust_file import TrustFile


def make_snapshot(
    settings: Settings, signer: Signer | None = None, *, valid_for: int = VALID_FOR, clock: Clock | None = None
) -> tuple[Snapshot, Path]:
    """(the snapshot, where it lies). `signer` None: this machine's snapshot key; `valid_for` in milliseconds.

    ConfigurationError where there is no trust file, or it doesn't name the key; UnavailableError while the index holds
    no final block.
    """
    with _making(settings, signer, valid_for, clock) as making:

        def build(sequence: int) -> bytes:
            with making.whole() as whole:
                body = snapshot_body(
                    making.heading(sequence, whole.block), logs=whole.logs(), anchors=whole.anchors(),
                    decisions=whole.decisions(), members=whole.members(), erased=_erased(settings),
                )  # fmt: skip
            return sign_snapshot(body, making.key)

        found = making.files.make(build, making.trust, making.now)
        return found, making.files.newest().path


def make_packed(
    settings: Settings, signer: Signer | None = None, *, valid_for: int = VALID_FOR, clock: Clock | None = None
) -> tuple[PackedSnapshot, Path]:
    """The same in the packed form, for any number of decisions: rows go from the index to the file one by one. What is
    given back has no file any more: it is for its numbers."""
    with _making(settings, signer, valid_for, clock) as making:

        def build(sequence: int) -> Iterator[bytes]:
            with making.whole() as whole:
                origins = dict(whole.logs())
                anchors = [(origins[each.log_id], each) for each in whole.anchors() if each.log_id in origins]
                body = snapshot_body(
                    making.heading(sequence, whole.block), logs=origins.items(), anchors=[each for _, each in anchors],
                    decisions=(), members=whole.members(), erased=_erased(settings),
                )  # fmt: skip
                yield from pack_snapshot(body, anchors, whole.decisions(), making.key)

        found = making.files.make_packed(build, making.trust, making.now)
        return found, making.files.packed()


@dataclass(frozen=True, slots=True)
class _Making:
    """What both forms are made with."""

    settings: Settings
    deployment: Deployment
    trust: TrustFile
    key: Signer
    now: Millis
    expires: Millis
    files: SnapshotFiles
    engine: Engine

    def heading(self, sequence: int, block: Block) -> Heading:
        d = self.deployment
        return Heading(d.network, d.chain_id, d.genesis_hash, sequence, self.expires, block)

    @contextmanager
    def whole(self) -> Iterator[WholeIndex]:
        """The index at its newest final block."""
        from ledger.store.index.whole import whole_index

        with whole_index(self.engine, final_depth(self.settings)) as whole:
            if whole is None:
                raise UnavailableError("snapshot.no_index", retry_after=10)
            yield whole


@contextmanager
def _making(settings: Settings, signer: Signer | None, valid_for: int, clock: Clock | None) -> Iterator[_Making]:
    deployment = deployment_of(settings)
    trusted = TrustSource(settings.trust_path).now()
    if trusted is None:
        raise ConfigurationError("snapshot.no_trust", file=str(settings.trust_path))
    key = signer or Keyring(settings.keys_dir).snapshot()
    now = (clock or SystemClock()).now()
    engine = database_of(settings)
    files = SnapshotFiles(settings.snapshots_dir)
    try:
        yield _Making(settings, deployment, trusted.file, key, now, Millis(now + valid_for), files, engine)
    finally:
        engine.dispose()


def _erased(settings: Settings) -> Iterator[Erased]:
    """What the lists of all logs here name (formats.md §7)."""
    for path in sorted(settings.logs_dir.glob(f"*/{ERASURES}")):
        origin, found = parse_erasures(path.read_bytes())
        for each in found:
            yield Erased(origin, each.index, each.order)
