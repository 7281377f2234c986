"""An event of a bundle by the contract's ABI. Apart: the command line takes it without the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.errors import ChuzhengError
from notary.event_proof import EventProof


def decoded(proof: EventProof) -> tuple[str, Mapping[str, Any]] | None:
    """(event, arguments); None where this program knows no such contract or event."""
    from ledger.evm.artifacts import decode_event

    try:
        return decode_event(proof.name, ["0x" + topic.hex() for topic in proof.topics], "0x" + proof.data.hex())
    except ChuzhengError:
        return None
