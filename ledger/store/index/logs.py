"""Which AnchorLog follows which, from the events of the contracts `AnchorLog` and `CertificateStatus`."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
from ledger.store.object_tables import followed_logs, retired_logs


def _retired_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [{"successor": e.args["successor"].lower(), "retired_at": e.block_time} for e in history[-1:]]


def _followed_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [{"log": e.args["log"].lower(), "since": e.block_time} for e in history[-1:]]


LOGS = (
    Projection("AnchorLog", retired_logs, frozenset({"Retired"}), _retired_rows),
    Projection("CertificateStatus", followed_logs, frozenset({"LogFollowed"}), _followed_rows),
)
