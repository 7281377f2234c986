"""Events of which each makes one row that is never changed: logs, anchors, closings, decisions and what goes with them.

They come in masses and are written as they are; objects that change by their events are in `objects`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ledger.store.index.events import IndexedEvent
from ledger.store.index.values import code, given
from ledger.store.tables import anchors, annulments, closings, decisions, logs, type_proofs

MAKE_ROWS = frozenset(
    {
        ("AnchorLog", "LogOpened"),
        ("AnchorLog", "Anchored"),
        ("AnchorLog", "LogClosed"),
        ("CertificateStatus", "Decided"),
        ("CertificateStatus", "Annulled"),
        ("CertificateStatus", "TypeProven"),
    }
)
"""(contract, event) for which `made_row` has a row"""


def made_row(event: IndexedEvent) -> tuple[sa.Table, dict[str, Any]] | None:
    """(table, values) of the row that an event makes, where it stands left out; None if it makes none."""
    args = event.args
    match event.contract, event.event:
        case "AnchorLog", "LogOpened":
            return logs, {
                "log_id": args["logId"],
                "department": code(args["department"]),
                "origin": args["origin"],
            }
        case "AnchorLog", "Anchored":
            return anchors, {
                "log_id": args["logId"],
                "size": args["size"],
                "root": args["root"],
                "contract": event.address,
                "department": code(args["department"]),
            }
        case "AnchorLog", "LogClosed":
            return closings, {"log_id": args["logId"], "size": args["lastGoodSize"]}
        case "CertificateStatus", "Decided":
            return decisions, {
                "status_key": args["key"],
                "contract": event.address,
                "number": args["number"],
                "code": args["code"],
                "cause": args["cause"],
                "department": code(args["department"]),
                "effective_from": args["effectiveFrom"],
                "basis": given(args["basis"]),
                "successor": given(args["successor"]),
                "until": args["until"] or None,
                "ends": args["ends"] or None,
            }
        case "CertificateStatus", "Annulled":
            return annulments, {
                "status_key": args["key"],
                "contract": event.address,
                "number": args["number"],
                "basis": given(args["basis"]),
            }
        case "CertificateStatus", "TypeProven":
            return type_proofs, {
                "status_key": args["key"],
                "contract": event.address,
                "type_code": code(args["typeCode"]),
                "department": code(args["department"]),
            }
        case _:
            return None
