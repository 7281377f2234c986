"""`verify X.event.json`: an event judged by the trust file alone, told in its contract's words, wrong uses refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.event_files import EventFiles
from ledger.shares.grants import State
from ledger.statuses import DecisionCode
from ledger.store.index import IndexReader
from ledger.texts import catalogue
from ledger.types import Address, ChainHash, Contract, Millis, Role
from notary.checks.sealed import COMPROMISED, NO_SET, STALE
from notary.event_proof import EventProof, proof_of_event
from notary.receipt import NoEvidence, QbftEvidence
from notary.trust import ValidatorSet, make_trust
from scripts.help import cells
from tests.databases import sqlite_in
from tests.fakes.house import House
from tests.fakes.qbft import addresses, validators
from tests.fakes.registry import signer
from tests.unit.ledger.test_evm_capture import World
from tests.unit.ledger.test_evm_indexer import ADDRESSES, KEY, NAMES, decided
from tests.unit.scripts.conftest import Chuzheng, IntoApp

WITH_TRUST = ("--trust", "t.json")


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventProof]:
    world = World(sqlite_in(tmp_path_factory.mktemp("events")))
    world.say(decided(1), decided(2))
    world.index()
    world.capture.step()
    block, tx_hash, captured = world.store.of_subject("CertificateStatus", KEY, 99)[0]
    assert captured is not None
    chain = {"chain_id": world.deployment.chain_id, "genesis": world.deployment.genesis_hash}
    yield proof_of_event(captured, block, tx_hash, network="test", name="CertificateStatus", **chain)  # type: ignore[arg-type]
    world.engine.dispose()


def trust_bytes(proof: EventProof, **changes: Any) -> bytes:
    contracts = [Contract(n, Address(a), ChainHash("0x" + "11" * 32), 0) for n, a in zip(NAMES, ADDRESSES, strict=True)]
    listed = ValidatorSet(0, tuple(Address(a) for a in addresses(validators(4))))
    return make_trust(**{
        "network": "test", "chain_id": proof.place.chain_id, "genesis_hash": proof.place.genesis_hash,
        "finality": "qbft", "council": [("owner", signer("owner"))], "contracts": contracts, "log_keys": [],
        "validators": [listed], "issued_at": Millis(1_000), "expires": Millis(10**15), "as_of_block": 99, **changes,
    })  # fmt: skip


@pytest.fixture
def place(proof: EventProof, tmp_path: Path) -> Path:
    (tmp_path / "t.json").write_bytes(trust_bytes(proof))
    (tmp_path / "x.event.json").write_bytes(proof.to_json())
    return tmp_path


def test_event__sealed__proven_and_told(chuzheng: Chuzheng, place: Path) -> None:
    for more in ((), ("--offline",)):
        done = chuzheng("verify", "x.event.json", *WITH_TRUST, *more, "--json")
        assert (done.code, done.json["ok"], done.json["code"]) == (0, True, "event.sealed")
    told = done.json
    assert (told["contract"], told["event"]) == ("CertificateStatus", "Decided")
    assert (told["arguments"]["key"], told["arguments"]["code"]) == ("0x" + KEY.hex(), 2)
    assert len(told["arguments"]["department"]) == 18
    (place / "x.event.json").rename(place / "renamed")
    assert chuzheng("verify", "renamed", *WITH_TRUST).code == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_event__for_a_person__lines_of_eighty_columns(
    chuzheng: Chuzheng, place: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("CHUZHENG_LANG", language)
    said = chuzheng("verify", "x.event.json", *WITH_TRUST).out
    first, sentence, *lines = said.splitlines()
    assert first == catalogue()["event.word.pass"][language]
    assert sentence == catalogue()["event.sealed"][language]
    assert max(map(cells, lines)) <= 80
    assert "  0x" + KEY.hex() in said
    assert catalogue()["event.only_then"][language] in said
    assert f"code  2 {catalogue()['cli.status.suspended'][language]}" in said
    assert "effectiveFrom  1770000000 (2026-02-02 10:40:00 +08:00)" in said
    assert "basis  -" in said


def wrong(proof: EventProof, name: str) -> EventProof:
    assert isinstance(proof.evidence, QbftEvidence)
    match name:
        case "data":
            return replace(proof, data=proof.data[:-1] + b"\1")
        case "topics":
            return replace(proof, topics=proof.topics[:-1])
        case "place":
            return replace(proof, place=replace(proof.place, block_number=7))
        case "none":
            return replace(proof, evidence=NoEvidence())
        case "name":
            return replace(proof, name="Nobody")
        case _:
            return replace(proof, evidence=replace(proof.evidence, log_index=1))


@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [
        ("data", 21, "event.evidence.data"),
        ("topics", 21, "event.evidence.topics"),
        ("place", 21, "event.evidence.place"),
        ("name", 21, "event.evidence.contract"),
        ("the other event", 21, "event.evidence.data"),
        ("none", 20, "event.no_evidence"),
    ],
)
def test_event__not_what_was_emitted__its_code_and_words(
    chuzheng: Chuzheng, place: Path, proof: EventProof, name: str, exit_code: int, code: str
) -> None:
    (place / "x.event.json").write_bytes(wrong(proof, name).to_json())
    done = chuzheng("verify", "x.event.json", *WITH_TRUST, "--json")
    assert (done.code, done.json["code"], done.json["ok"]) == (exit_code, code, False)
    assert "receipt" not in done.json["message_en"]
    said = chuzheng("verify", "x.event.json", *WITH_TRUST)
    assert said.code == exit_code
    assert catalogue()["event.claimed"]["en"] in said.out
    assert catalogue()["event.only_then"]["en"] not in said.out


@pytest.mark.parametrize(
    ("changes", "exit_code", "code"),
    [
        ({"finality": "none"}, 20, "event.other_rule"),
        ({"network": "other"}, 20, "event.other_network"),
        ({"expires": Millis(1_001)}, 20, "event.trust_expired"),
        ({"validators": []}, 20, "event.trust.no_set"),
        ({"validators": [ValidatorSet(0, ())]}, 21, "event.evidence.validators"),
        ({"validators": [ValidatorSet(0, ())], "as_of_block": 0}, 20, "event.trust.stale"),
    ],
)
def test_event__trust_file_says_otherwise__unknown_or_wrong(
    chuzheng: Chuzheng, place: Path, proof: EventProof, changes: dict[str, Any], exit_code: int, code: str
) -> None:
    (place / "t.json").write_bytes(trust_bytes(proof, **changes))
    done = chuzheng("verify", "x.event.json", *WITH_TRUST, "--json")
    assert (done.code, done.json["code"]) == (exit_code, code)
    said = chuzheng("verify", "x.event.json", *WITH_TRUST).out
    assert ("test chain" in said.lower()) == (changes.get("finality") == "none")


def test_event__without_a_trust_file__says_so(chuzheng: Chuzheng, place: Path) -> None:
    (place / "t.json").unlink()
    done = chuzheng("verify", "x.event.json", "--json")
    assert (done.code, done.json["code"]) == (20, "event.no_trust")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("x.event.json", "--at", "2026-01-01"), 2, "cli.event_alone"),
        (("x.event.json", "--receipt", "t.json"), 2, "cli.event_alone"),
        (("x.event.json", "--pin", "0" * 64), 19, "trust.pin"),
        (("none.event.json",), 19, "file.missing"),
        (("t.event.json",), 19, "format.member_missing"),
        (("broken.event.json",), 19, "json.syntax"),
    ],
)
def test_event__used_wrongly__refused(
    chuzheng: Chuzheng, place: Path, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    (place / "t.event.json").write_bytes((place / "t.json").read_bytes())
    (place / "broken.event.json").write_text("{", encoding="utf-8")
    done = chuzheng("verify", *arguments, *WITH_TRUST, "--json")
    assert (done.code, done.json["code"]) == (exit_code, code), done.json


class Files:
    """What the server has for one status key, and one more that waits."""

    def __init__(self, *proofs: EventProof) -> None:
        self.proofs = list(proofs)

    def about(self, contract: str, subject: bytes) -> tuple[list[EventProof], int]:
        return (self.proofs, 1) if (contract, subject) == ("CertificateStatus", KEY) else ([], 0)


def test_status_show__events__files_that_verify_offline(
    chuzheng: Chuzheng, server: IntoApp, house: House, place: Path, proof: EventProof
) -> None:
    house.parts.events = Files(proof)  # type: ignore[assignment]
    done = chuzheng("status", "show", KEY.hex(), "--events", "out", "--json")
    assert done.code == 0
    [path] = done.json["files"]
    assert "1 event files written; 1 more" in done.err
    assert (place / path).read_bytes() == proof.to_json()
    assert chuzheng("verify", path, *WITH_TRUST).code == 0
    assert chuzheng("status", "show", KEY.hex(), "--events", "out", "--json").json["files"] == [path]
    assert chuzheng("status", "show", "0" * 64, "--events", "none", "--json").json["files"] == []
    house.parts.events = None
    assert chuzheng("status", "show", KEY.hex(), "--events", "none", "--json").json["files"] == []
    assert "files" not in chuzheng("status", "show", KEY.hex(), "--json").json


def test_server__events__by_key_only(server: IntoApp, house: House, proof: EventProof) -> None:
    house.parts.events = Files(proof)  # type: ignore[assignment]
    told = server._client.get(f"/api/v1/statuses/{KEY.hex()}/events").json()
    assert (told["schema"], told["waiting"], len(told["events"])) == ("chuzheng-events/1", 1, 1)
    assert told["test_chain"] is True
    assert server._client.get("/api/v1/statuses/xyz/events").json()["code"] == "status.form"


def test_chain_events__of_any_object__for_a_department_s_token(
    chuzheng: Chuzheng, server: IntoApp, house: House, place: Path, proof: EventProof, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.parts.events = Files(proof)  # type: ignore[assignment]
    monkeypatch.delenv("CHUZHENG_TOKEN", raising=False)
    assert chuzheng("chain", "events", "CertificateStatus", KEY.hex()).code == 4
    monkeypatch.setenv("CHUZHENG_TOKEN", house.tokens[Role.ANCHOR])
    done = chuzheng("chain", "events", "CertificateStatus", KEY.hex(), "--out", "them", "--json")
    assert done.code == 0, done.err
    [path] = done.json["files"]
    assert (place / path).read_bytes() == proof.to_json()
    assert chuzheng("chain", "events", "ShareAuthorisations", "0" * 64, "--json").json["files"] == []
    for contract, key in (("Nodes", "x"), ("../x", KEY.hex())):
        assert chuzheng("chain", "events", contract, key).code == 2


def test_event_files__of_the_index__final_ones_with_evidence_and_a_count_of_the_rest(tmp_path: Path) -> None:
    world = World(sqlite_in(tmp_path))
    files = EventFiles(world.store, IndexReader(world.engine), world.deployment, 1)
    assert files.about("CertificateStatus", KEY) == ([], 0)
    world.say(decided(1))
    world.say(decided(2))
    world.index()
    assert files.about("CertificateStatus", KEY) == ([], 1)  # the second isn't final by this depth
    world.capture.step()
    [only], waiting = files.about("CertificateStatus", KEY)
    assert (only.network, only.name, only.place.block_number, waiting) == ("test", "CertificateStatus", 1, 0)
    world.engine.dispose()


def test_event__every_judgement__has_words() -> None:
    """As EventJudgement lists the codes."""
    texts = catalogue()
    own = ("sealed", "no_evidence", "small_set", "other_network", "no_trust", "trust_expired", "other_rule")
    assert all(f"event.{code}" in texts for code in own)
    capturing = {"no_event", "incomplete", "chain_broken"}
    raised = {key.removeprefix("error.evidence.") for key in texts if key.startswith("error.evidence.")} - capturing
    assert len(raised) >= 12
    assert all(f"reason.evidence.{code}" in texts for code in raised)
    assert all(f"reason.{code}" in texts for code in (STALE, NO_SET, COMPROMISED))
    assert all(f"share.state.{state.name.lower()}" in texts for state in State)
    assert all(f"cli.status.{code.name.lower()}" in texts for code in DecisionCode)
