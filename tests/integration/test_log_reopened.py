"""A stolen key, from the command line: the Council closes the log, the good entries go to a new shard, the services
take it up at their next start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api.wiring import build
from ledger.errors import ConfigurationError
from ledger.types import Origin, Stage
from notary.checkpoint import VerifierKey
from notary.collect import collect
from notary.evidence import Presented
from notary.report import Verdict
from notary.trust import read_trust
from notary.verify import verify
from scripts import embedded
from tests.fakes.notary import document
from tests.integration.test_chain_lost import ISSUER, Machine, machine, stages, until

__all__ = ["machine"]


def test_closed_log__reopened_by_command__good_entries_verify_in_the_new_shard(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Callable[..., dict[str, Any]]
) -> None:
    settings = machine.settings
    monkeypatch.setenv("CHUZHENG_RPC_URL", settings.rpc_url)
    monkeypatch.setenv("CHUZHENG_HOME", str(settings.home))

    embedded.prepare(settings)
    origin = machine.origin
    records = [document(n) | {"issuer": ISSUER} for n in range(4)]
    with machine.service() as back:
        for end in (2, 4):
            back.notary.accept_records(ISSUER, origin, records[end - 2 : end], key=f"to {end}")
            until(lambda n=end: stages(back, origin, n) == {Stage.ANCHORED})  # type: ignore[misc]
        proposal, owner = str(tmp_path / "close.json"), str(settings.keys_dir / "owner.key")
        call = f"AnchorLog.closeLog log:{origin} 2 none"
        told("council", "propose", proposal, "--call", call, "--key", owner)
        told("council", "execute", proposal, "--key", owner)
        until(lambda: back.notary.receipt(origin, 3).stage is Stage.INCLUDED)
    struck = told("log", "reopen", origin)
    assert [row["index"] for row in struck["entries"]] == [2, 3]
    chosen = tmp_path / "good.txt"
    chosen.write_text("3 document\n", encoding="utf-8")
    done = told("log", "reopen", origin, "renewed", "--good", str(chosen))
    assert done["moved"] == [{"from": 3, "to": 1}]
    assert told("log", "reopen", origin, "renewed", "--good", str(chosen)) == done

    new = Origin(done["origin"])
    network = embedded.prepare(settings)
    assert {key.origin for key in network.trust.log_keys} >= {origin, new}
    with machine.service() as back:
        until(lambda: stages(back, new, 2) == {Stage.ANCHORED})
        assert back.notary.current_log(ISSUER) == new
        parts = build(settings)
        try:
            trust, now = read_trust(settings.trust_path.read_bytes()), parts.clock.now()
            for place, record, verdict in (
                ((origin, 1), records[1], Verdict.VALID),
                ((new, 1), records[3], Verdict.VALID),
                ((new, 0), back.notary.record(new, 0), None),
            ):
                asked = Presented(back.notary.receipt(*place, salted=True), record)
                report = verify(asked, collect(asked, trust, parts.chain, parts.log_reader, now), trust, now, now)
                assert verdict is None or report.verdict is verdict
                assert "fail" not in {check.outcome for check in report.checks}
        finally:
            parts.close()
    assert told("log", "fsck")["ok"]

    key = settings.keys_dir / "logs" / f"{quote(new, safe='')}.pem"
    key.unlink()  # the shard's key is lost without a backup: it goes on as any other log does
    with pytest.raises(ConfigurationError, match=r"cli\.up\.log_key"):
        embedded.prepare(settings)
    public = told("log", "rotate-key", new, "--lost")["public"]
    listed = embedded.prepare(settings).trust.keys_of(new)
    assert key.exists()
    assert VerifierKey(new, listed[-1].ed25519).text() == public
