"""A log's key is lost without a backup: the walk of docs/operations.md, by a formal network's commands and by `up`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api.keyring import Keyring
from api.wiring import build
from ledger.errors import ConfigurationError
from ledger.types import Stage
from notary.collect import collect
from notary.evidence import Presented
from notary.report import Verdict
from notary.trust import read_trust
from notary.verify import verify
from scripts import embedded
from scripts.cli import run
from scripts.key_files import troubles
from tests.fakes.notary import document
from tests.integration.test_chain_lost import ISSUER, Machine, machine, stages, until

__all__ = ["machine"]


@pytest.mark.parametrize("published", ["by hand", "by up"])
def test_lost_log_key__council_publishes_the_next__same_log_goes_on(
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: Callable[..., dict[str, Any]],
    published: str,
) -> None:
    settings = machine.settings
    monkeypatch.setenv("CHUZHENG_RPC_URL", settings.rpc_url)
    monkeypatch.setenv("CHUZHENG_HOME", str(settings.home))
    monkeypatch.chdir(tmp_path)

    embedded.prepare(settings)
    origin = machine.origin
    records = [document(n) | {"issuer": ISSUER} for n in range(4)]
    with machine.service() as back:
        back.notary.accept_records(ISSUER, origin, records[:2], key="1")
        until(lambda: stages(back, origin, 2) == {Stage.ANCHORED})
        held = back.notary.receipt(origin, 1, salted=True)
    key = settings.keys_dir / "logs" / f"{quote(origin, safe='')}.pem"
    old = Keyring(settings.keys_dir).log_key(origin).public_key
    key.unlink()
    with pytest.raises(ConfigurationError) as refused:
        embedded.prepare(settings)
    assert refused.value.code == "cli.up.log_key"

    prepared = told("log", "rotate-key", origin, "--lost")
    assert (prepared["switched"], key.exists()) == (False, False)
    assert told("log", "rotate-key", origin, "--lost") == prepared
    if published == "by up":
        embedded.prepare(settings)
    else:
        [member] = read_trust(settings.trust_path.read_bytes()).council
        told("trust", "draft", "--deployment", settings.deployment_path, "--rpc-url", settings.rpc_url,
             "--after", settings.trust_path, "--log-key", prepared["public"])  # fmt: skip
        told("trust", "sign", "trust.draft.json", "--member", member.member, "--key",
             settings.keys_dir / "council.pem", "--after", settings.trust_path, "--yes")  # fmt: skip
        told("trust", "update", "trust.draft.json", "--trust", settings.trust_path)
        switched = told("log", "rotate-key", origin, "--lost")
        assert (switched["switched"], switched["public"]) == (True, prepared["public"])
    again = run(["log", "rotate-key", origin, "--lost", "--json"])
    assert (again, json.loads(capsys.readouterr().out.splitlines()[-1])["code"]) == (1, "rotate.not_lost")

    trust = read_trust(settings.trust_path.read_bytes())
    new = Keyring(settings.keys_dir).log_key(origin).public_key
    assert [each.ed25519 for each in trust.keys_of(origin)] == [old, new]
    assert [each for each in troubles(settings) if each.needed] == []
    with machine.service() as back:
        back.notary.accept_records(ISSUER, origin, records[2:], key="2")
        until(lambda: stages(back, origin, 4) == {Stage.ANCHORED})
        parts = build(settings)
        try:
            now = parts.clock.now()
            for receipt, record in (
                (held, records[1]),
                *((back.notary.receipt(origin, n, salted=True), records[n]) for n in range(4)),
            ):
                asked = Presented(receipt, record)
                report = verify(asked, collect(asked, trust, parts.chain, parts.log_reader, now), trust, now, now)
                assert report.verdict is Verdict.VALID
        finally:
            parts.close()
    assert told("log", "fsck")["ok"]
