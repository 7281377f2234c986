"""What health and `doctor` say of witnesses and of other operators' logs: named, with k of n and since when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.health.outside import SILENT, Finding, peer_finding, witness_finding
from api.health.probes import DEEP, run
from api.settings import Settings
from ledger.errors import ConfigurationError
from ledger.texts import LANGUAGES, text
from ledger.types import Millis
from notary.stores.outside import Outside, Standing
from notary.trust import read_trust
from notary.trust_file import TrustFile, WitnessKey
from scripts.checking import Finding as Line
from tests.fakes.chain import FakeChain
from tests.fakes.house import House, trust_file

NOW = Millis(1_770_100_000_000)
LOG = "chuzheng/test/11420000MB9543829Q"
OTHER = "chuzheng/test/11429021009997812P"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, witnesses="w1=http://a, w2=http://b, w3=http://c", head_peers=f"{OTHER}=https://other.example"
    )


@pytest.fixture
def trust() -> TrustFile:
    keys = tuple(WitnessKey(f"w{n}", bytes([n]) * 32) for n in (1, 2, 3))
    return replace(read_trust(trust_file(FakeChain(), [], expires=NOW * 2)), witnesses_needed=2, witnesses=keys)


def noted(settings: Settings, role: str, name: str, code: str = "", at: int = NOW, **more: Any) -> None:
    Outside(settings.outside_dir).note(role, Standing(name, Millis(at), code, **more))


def said(finding: Finding) -> dict[str, str]:
    """In both languages, as health says it; a missing parameter would raise."""
    case, params = finding
    line = Line("witnesses", case, params=params, texts="web.health")
    return {language: line.told(language) for language in LANGUAGES}


def test_witnesses__all_cosign__k_of_n_said(settings: Settings, trust: TrustFile) -> None:
    for name in ("w1", "w2", "w3"):
        noted(settings, "witness", name)
    finding = witness_finding(settings, trust, NOW)
    assert finding[0] == "ok_witnesses"
    assert "3 cosign, 2 are needed of 3" in said(finding)["en"]


def test_witness__unreachable__named_and_enough_are_left(settings: Settings, trust: TrustFile) -> None:
    noted(settings, "witness", "w1")
    noted(settings, "witness", "w2")
    down = {"params": {"name": "w3", "kind": "ConnectError"}}
    noted(settings, "witness", "w3", "witness.unreachable", NOW - 3_600_000, **down)
    noted(settings, "witness", "w3", "witness.unreachable", NOW, **down)
    finding = witness_finding(settings, trust, NOW)
    assert finding[0] == "ok_witnesses_but"
    assert "w3 (since 2026-02-03 13:26:40 +08:00)" in said(finding)["en"]
    noted(settings, "witness", "w2", "witness.unreachable", NOW, params={"name": "w2", "kind": "ConnectError"})
    finding = witness_finding(settings, trust, NOW)
    assert finding[0] == "witnesses_short"
    assert "w2" in said(finding)["zh"]


def test_witness__refuses_for_good__not_in_order(settings: Settings, trust: TrustFile) -> None:
    for name in ("w1", "w2", "w3"):
        noted(settings, "witness", name)
    params = {"name": "w3", "origin": LOG, "size": 7, "status": 403}
    noted(settings, "witness", "w3", "witness.refused", params=params, subject=LOG)
    finding = witness_finding(settings, trust, NOW)
    assert finding[0] == "witness_refuses"
    assert "403" in said(finding)["en"]


@pytest.mark.parametrize("code", ["witness.inconsistent", "witness.ahead"])
def test_witness__says_that_history_parts__alarm_even_if_enough_cosign(
    settings: Settings, trust: TrustFile, code: str
) -> None:
    for name in ("w1", "w2", "w3"):
        noted(settings, "witness", name)
    params = {"name": "w3", "origin": LOG, "size": 7, "status": 422, "told": 9}
    noted(settings, "witness", "w3", code, params=params, subject=LOG, alarm=True)
    finding = witness_finding(settings, trust, NOW)
    assert finding[0] == "witness_alarm"
    assert LOG in said(finding)["zh"]


def test_witness__nobody_asks_it__said(settings: Settings, trust: TrustFile) -> None:
    for name in ("w1", "w2", "w3"):
        noted(settings, "witness", name, at=NOW - SILENT)
    finding = witness_finding(settings, trust, NOW)
    assert finding[0] == "witnesses_short"
    assert "no process asks it" in said(finding)["en"]


def test_witnesses__neither_set_nor_needed__nothing_to_say(tmp_path: Path) -> None:
    assert witness_finding(Settings(home=tmp_path), None, NOW) == ("ok", {})
    assert peer_finding(Settings(home=tmp_path), NOW) == ("ok", {})


FACTS = {"day": "2026-02-03", "waiting": 0, "oldest": "", "unproven": ""}


@pytest.mark.parametrize(
    ("code", "params", "alarm", "facts", "case"),
    [
        ("", {}, False, {}, "ok_peers"),
        ("heads.unreachable", {"origin": OTHER, "reason": "ConnectError"}, False, {}, "ok_peers"),
        ("heads.unreachable", {"origin": OTHER, "reason": "ConnectError"}, False,
         {"day": "2026-02-01", "waiting": 2, "oldest": "2026-02-01"}, "peers_ill"),
        ("heads.unreachable", {"origin": OTHER, "reason": "ConnectError"}, False, {"day": ""}, "peers_ill"),
        ("heads.refused", {"origin": OTHER, "status": 403, "reason": "auth.role"}, False, {}, "peers_ill"),
        ("heads.no_token", {"origin": OTHER, "file": "x"}, False, {}, "peers_ill"),
        ("heads.other_entry", {"origin": OTHER, "day": "2026-02-03"}, True, {}, "peer_alarm"),
        ("", {}, False, {"unproven": "2026-01-30"}, "peers_ill"),
    ],
)  # fmt: skip
def test_peer__as_it_stands__said(
    settings: Settings, code: str, params: dict[str, Any], alarm: bool, facts: dict[str, Any], case: str
) -> None:
    noted(settings, "heads", OTHER, code, params=params, alarm=alarm, facts={**FACTS, **facts})
    finding = peer_finding(settings, NOW)
    assert finding[0] == case
    words = said(finding)
    assert all(OTHER in words[language] for language in LANGUAGES)


def test_peer__no_process_carries__said(settings: Settings) -> None:
    assert peer_finding(settings, NOW)[0] == "peers_ill"


def test_deep__with_nobody_outside__has_both_in_order(house: House) -> None:
    tests = {test.name: test for test in run(house.parts, DEEP)}
    assert tests["witnesses"].ok
    assert tests["peers"].ok
    assert tests["peers"].message_en.startswith(text("web.health.peers", "en"))


@pytest.mark.parametrize("wrong", ["x", "=http://a", "a=ftp://b", "a"])
def test_settings__not_origin_and_address__said(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.invalid"):
        _ = Settings(home=tmp_path, head_peers=wrong).head_peer_urls


def test_outside__a_standing_that_stays__keeps_its_date(tmp_path: Path) -> None:
    store = Outside(tmp_path)
    store.note("witness", Standing("w", Millis(10), "a"))
    store.note("witness", Standing("w", Millis(200_000), "a"))
    Outside(tmp_path).note("witness", Standing("w", Millis(400_000), "a"))
    assert [(found.since, found.at) for found in store.all("witness")] == [(10, 400_000)]
    Outside(tmp_path).note("witness", Standing("w", Millis(500_000), ""))
    assert [found.since for found in store.all("witness")] == [500_000]
    (tmp_path / "witness" / "w.json").write_text("{")
    assert store.all("witness") == []
    store.clear("witness", "w")
    assert list((tmp_path / "witness").iterdir()) == []
