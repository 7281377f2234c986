"""Which AnchorLog follows which, from the events of the contracts `AnchorLog` and `CertificateStatus`."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, last
from ledger.store.object_tables import followed_logs, retired_logs


def _retired_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"successor": event.args["successor"].lower(), "retired_at": event.block_time},)


def _followed_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"log": event.args["log"].lower(), "since": event.block_time},)


LOGS = (
    Projection("AnchorLog", retired_logs, frozenset({"Retired"}), last, _retired_rows),
    Projection("CertificateStatus", followed_logs, frozenset({"LogFollowed"}), last, _followed_rows),
)
