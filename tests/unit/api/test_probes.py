"""Health while the notary goes on: what is sealed and anchored while somebody looks is nothing wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from api.health import probes
from ledger.types import Digest, LogId
from tests.fakes.house import ISSUER, build_house
from tests.fakes.notary import document


def test_logs__sealed_and_anchored_while_the_chain_is_asked__not_behind(tmp_path: Path) -> None:
    house = build_house(tmp_path)
    house.anchored(house.certificate())

    class Slow:
        """A chain that takes its time, and answers with what it has by then."""

        def log_head(self, log_id: LogId) -> tuple[int, Digest] | None:
            house.anchored(document(1, ISSUER))
            return house.chain.log_head(log_id)

    slow: Any = Slow()
    assert probes.logs(replace(house.parts, chain=slow)) == probes.OK
