"""Evidence of a real QBFT network: captured from its nodes, held against the readers that verify offline.

Needs GoQuorum or Besu, whose binaries aren't part of this project: CHUZHENG_QUORUM_BIN, CHUZHENG_BESU_BIN. One network
lives through it all: four validators, one voted out, in again, one dead. That is why the file is long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]

from ledger.errors import UnavailableError
from ledger.evidence.header import parse_header, quorum
from ledger.evm.artifacts import artifact
from ledger.evm.blocks import blocks_at, latest_block
from ledger.evm.capture import fetch_block, validator_sets
from ledger.shares.grants import State
from ledger.statuses import DecisionCode
from ledger.types import Stage
from notary.event_proof import EventProof, judge_event, parse_event
from notary.evidence import Evidence, Presented
from notary.receipt import QbftEvidence, Receipt, parse_receipt
from notary.receipts import parse_bundle, split
from notary.report import CheckName, Outcome, TextKey
from notary.trust import TrustFile, ValidatorSet, make_trust, parse_trust
from notary.verify import verify
from tests.fakes.notary import ISSUER, ORIGIN, certificate
from tests.integration.evidence_site import Site, SystemClock, current, vote
from tests.integration.networks import MissingError, Network, start_besu, start_quorum

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
STARTERS: dict[str, Callable[..., Network]] = {"quorum-qbft": start_quorum, "besu-qbft": start_besu}


@dataclass
class Story:
    """What happened on the network, in the order of the sets: four, three, four with one dead."""

    site: Site
    network: Network
    receipts: list[Receipt] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    bundle: bytes = b""
    decision: EventProof | None = None
    grant: EventProof | None = None
    trusted: TrustFile | None = None
    before: TrustFile | None = None
    """The trust file as it was before the first change of validators."""

    def anchor(self) -> None:
        """One more certificate, until its receipt has its evidence."""
        number = len(self.receipts)
        record = certificate(number)
        self.site.notary.accept_records(ISSUER, ORIGIN, [record], key=f"k{number}")

        def receipt() -> Receipt:
            return self.site.notary.receipt(ORIGIN, number, salted=True)

        self.site.until(lambda: isinstance(receipt().evidence, QbftEvidence))
        assert receipt().stage is Stage.ANCHORED
        self.receipts.append(parse_receipt(receipt().to_json()))
        self.records.append(record)

    @property
    def trust(self) -> TrustFile:
        assert self.trusted is not None
        return self.trusted


@pytest.fixture(scope="module", params=list(STARTERS))
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("qbft")
    try:
        network = STARTERS[request.param](folder / "chain", request_timeout=2)
    except MissingError as error:
        pytest.skip(f"no {request.param} network: {error}")
    try:
        (folder / "home").mkdir()
        site = Site(network, folder / "home")
        told = Story(site, network)
        _live(told)
        yield told
        site.close()
    finally:
        network.stop()


def _live(told: Story) -> None:
    site, network = told.site, told.network
    told.anchor()
    intent = site.decisions.decide(ISSUER, (ORIGIN, 0), DecisionCode.SUSPENDED, cause=1)
    site.until(lambda: bool((row := site.outbox.status(intent)) and row.done))
    [told.decision] = site.events("CertificateStatus", site.decisions.key_of((ORIGIN, 0)))
    told.grant = site.events("ShareAuthorisations", site.grant())[-1]
    told.before = site.trust()
    vote(network, 3, into=False)
    told.anchor()
    vote(network, 3, into=True)
    told.anchor()
    network.nodes[3].kill()
    told.anchor()
    told.bundle = site.notary.receipts(ORIGIN, 0, 1).to_json()
    told.trusted = site.trust()


def judged(told: Story, number: int, trust: TrustFile | None = None, **changes: Any) -> tuple[Any, Any]:
    """Checks 6 and 7 of a receipt, offline: (outcome, case) each. `changes` of its evidence or, `anchor_…`, anchor."""
    receipt = told.receipts[number]
    assert receipt.anchor is not None
    assert isinstance(receipt.evidence, QbftEvidence)
    place = {name[7:]: changes.pop(name) for name in list(changes) if name.startswith("anchor_")}
    made = replace(receipt, anchor=replace(receipt.anchor, **place), evidence=replace(receipt.evidence, **changes))
    now = SystemClock().now()
    report = verify(Presented(made, told.records[number]), Evidence(), trust or told.trust, now, now)
    if made == receipt:
        assert report.check(CheckName.SIGNATURE).outcome is PASS
    assert report.check(CheckName.INCLUSION).outcome is PASS
    six, seven = report.check(CheckName.ANCHORED), report.check(CheckName.FINAL)
    why = seven.params.get("why")
    return (six.outcome, six.case), (seven.outcome, why.code if isinstance(why, TextKey) else seven.case)


def test_capture__every_block__hash_seals_and_receipts_fit(story: Story) -> None:
    rpc, newest = story.site.rpc, latest_block(story.site.rpc)
    found = 0
    for block in blocks_at(rpc, list(range(1, newest.number + 1))):
        assert block is not None
        sealed = fetch_block(rpc, block.number, block.hash)
        header = parse_header(sealed.header)
        assert (header.hash, header.number, header.time) == (block.hash, block.number, block.time)
        assert len(header.sealers() & set(header.validators)) >= quorum(len(header.validators))
        found += len(sealed.receipts)
    assert found >= 20
    with pytest.raises(UnavailableError):
        fetch_block(rpc, newest.number - 1, newest.hash)


def test_sets__a_validator_voted_out_and_in__each_from_its_first_header(story: Story) -> None:
    sets = validator_sets(story.site.rpc, 0, latest_block(story.site.rpc).number)
    gone = story.network.nodes[3].key.address
    assert [len(each.validators) for each in sets] == [4, 3, 4]
    assert [gone in each.validators for each in sets] == [True, False, True]
    assert [each.until_block for each in sets] == [sets[1].from_block, sets[2].from_block, None]
    assert sets[0].from_block == 0
    assert set(sets[2].validators) == current(story.network)
    heights = [r.anchor.block_number for r in story.receipts if r.anchor]
    assert [sum(each.from_block <= h for each in sets) for h in heights] == [1, 2, 3, 3]


def test_receipt__four_validators_three_and_four_with_one_dead__offline(story: Story) -> None:
    """A set of three seals too, but three survive no dishonest one: whoever is offline doesn't know."""
    sealed = ((PASS, "evidenced"), (PASS, "sealed"))
    assert [judged(story, n) for n in range(4)] == [
        sealed, ((PASS, "evidenced"), (UNKNOWN, "small_set")), sealed, sealed,
    ]  # fmt: skip
    last = story.receipts[3].evidence
    assert isinstance(last, QbftEvidence)
    dead = story.network.nodes[3].key.address
    sealers = parse_header(last.header).sealers()
    assert dead not in sealers
    assert len(sealers) == 3


def test_trust__from_before_the_change__stale_above_its_block(story: Story) -> None:
    assert story.before is not None
    assert judged(story, 0, story.before) == judged(story, 0)
    assert judged(story, 1, story.before)[1] == (UNKNOWN, "trust.stale")
    first = story.trust.validators[0]
    unchanged = story.site.trust(validators=[ValidatorSet(first.from_block, first.validators)])
    assert judged(story, 1, unchanged)[1] == (FAIL, "evidence.validators")


def test_files__empty_folder_with_the_trust_file_alone__told_by_the_command(story: Story, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes(trust_bytes(story))
    for number in range(4):
        (tmp_path / f"{number}.receipt.json").write_bytes(story.receipts[number].to_json())
        (tmp_path / f"{number}.record.json").write_text(json.dumps(story.records[number]), encoding="utf-8")
    for number, final in enumerate(("pass", "unknown", "pass", "pass")):
        code, told = command(tmp_path, "verify", f"{number}.record.json", "--offline")
        assert code == 20  # issuer and status need a snapshot
        outcomes = {check["code"]: check["outcome"] for check in told["checks"]}
        wanted = ("content.commitment", "log.inclusion", "log.signature", "anchor.recorded")
        assert [outcomes[name] for name in wanted] == ["pass"] * 4
        assert outcomes["anchor.final"] == final


def test_draft__by_command_from_a_node__lists_the_sets_and_counts_once_signed(story: Story, tmp_path: Path) -> None:
    """The Council's way: keys, a draft from the chain, a signature; then a verifier pins it."""
    public = command(tmp_path, "trust", "key", "member.pem", "--new")[1]["public"]
    log = command(tmp_path, "trust", "key", str(story.site.home / "log.pem"), "--log", ORIGIN)[1]["public"]
    record = json.loads((story.site.home / "deployment.json").read_bytes())
    [member] = record["council"]["member"]
    member["trust"] = {"suite": "intl", "key": public}
    (tmp_path / "deployment.json").write_text(json.dumps(record), encoding="utf-8")
    code, drafted = command(
        tmp_path, "trust", "draft", "--first", "--finality", "qbft", "--deployment", "deployment.json", "--rpc-url",
        story.site.rpc.url, "--log-key", log, "--out", "v1.json",
    )  # fmt: skip
    assert code == 0, drafted
    given = ("--member", member["code"], "--key", "member.pem", "--first", "--yes")
    assert command(tmp_path, "trust", "sign", "v1.json", *given)[1]["complete"]
    assert command(tmp_path, "trust", "update", "v1.json", "--trust", "trust.json", "--pin", drafted["hash"])[0] == 0
    made = parse_trust((tmp_path / "trust.json").read_bytes())
    assert (made.validators, made.contracts) == (story.trust.validators, story.trust.contracts)
    assert judged(story, 0, made) == judged(story, 2, made) == ((PASS, "evidenced"), (PASS, "sealed"))
    assert story.grant is not None
    (tmp_path / "g.event.json").write_bytes(story.grant.to_json())
    code, told = command(tmp_path, "verify", "g.event.json", "--trust", "trust.json")
    assert (code, told["event"], told["arguments"]["to"]) == (0, "Moved", State.GRANTED)


def test_bundle__split__the_same_evidence(story: Story) -> None:
    [single] = split(parse_bundle(story.bundle))
    assert single == replace(story.receipts[0], salt=None)


TAMPERED: dict[str, tuple[Callable[[Story], dict[str, Any]], str]] = {
    "a seal flipped": (lambda s: {"header": resealed(s, lambda seals: [flipped(seals[0]), *seals[1:3]])},
                       "evidence.quorum"),
    "too few seals": (lambda s: {"header": resealed(s, lambda seals: seals[:2])}, "evidence.quorum"),
    "one seal thrice": (lambda s: {"header": resealed(s, lambda seals: seals[:1] * 3)}, "evidence.quorum"),
    "another block's header": (lambda s: {"header": other(s).header}, "evidence.place"),
    "another block, named so": (lambda s: {"header": other(s).header, **place(s.receipts[2])}, "evidence.proof"),
    "another receipt's index": (lambda s: {"tx_index": own(s).tx_index + 1}, "evidence.proof"),
    "another event's index": (lambda s: {"log_index": own(s).log_index + 1}, "evidence.log_index"),
    "the block's validators replaced": (lambda s: {"header": relisted(s)}, "evidence.place"),
    "the validators replaced and its new hash named": (
        lambda s: {"header": relisted(s), "anchor_block_hash": parse_header(relisted(s)).hash}, "evidence.validators",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_receipt__tampered__7_fails_for_its_reason(story: Story, case: str) -> None:
    change, reason = TAMPERED[case]
    six, seven = judged(story, 0, **change(story))
    assert seven == (FAIL, reason)
    assert six[0] is (FAIL if reason in ("evidence.proof", "evidence.log_index") else UNKNOWN)


def test_events__decision_and_grant__pass_by_the_trust_file_alone_and_say_what_they_are(story: Story) -> None:
    now = SystemClock().now()
    for proof, contract, event in (
        (story.decision, "CertificateStatus", "Decided"),
        (story.grant, "ShareAuthorisations", "Moved"),
    ):
        assert proof is not None
        again = parse_event(proof.to_json())
        assert again == proof
        assert judge_event(again, story.trust, now).code == "sealed"
        assert artifact(contract).events["0x" + proof.topics[0].hex()].name == event
        assert judge_event(replace(again, data=again.data[:-1] + b"\1"), story.trust, now).code == "evidence.data"
        assert isinstance(again.evidence, QbftEvidence)
        short = replace(again.evidence, header=resealed_header(again.evidence.header, lambda seals: seals[:2]))
        assert judge_event(replace(again, evidence=short), story.trust, now).code == "evidence.quorum"
        moved = replace(again.evidence, header=other(story).header)
        assert judge_event(replace(again, evidence=moved), story.trust, now).code == "evidence.place"
        assert judge_event(again, story.site.trust(contracts=[]), now).code == "evidence.contract"


def own(told: Story) -> QbftEvidence:
    found = told.receipts[0].evidence
    assert isinstance(found, QbftEvidence)
    return found


def other(told: Story) -> QbftEvidence:
    found = told.receipts[2].evidence
    assert isinstance(found, QbftEvidence)
    return found


def place(receipt: Receipt) -> dict[str, Any]:
    assert receipt.anchor is not None
    names = ("block_number", "block_hash", "block_time")
    return {f"anchor_{name}": getattr(receipt.anchor, name) for name in names}


def resealed_header(header: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    items = list(rlp.decode(header))
    extra = list(rlp.decode(items[12]))
    items[12] = rlp.encode([*extra[:4], change(list(extra[4]))])
    return bytes(rlp.encode(items))


def resealed(told: Story, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    return resealed_header(own(told).header, change)


def relisted(told: Story) -> bytes:
    """The header with a stranger for its first validator."""
    items = list(rlp.decode(own(told).header))
    extra = list(rlp.decode(items[12]))
    items[12] = rlp.encode([extra[0], [b"\x11" * 20, *extra[1][1:]], *extra[2:]])
    return bytes(rlp.encode(items))


def flipped(seal: bytes) -> bytes:
    return bytes([seal[0] ^ 1]) + seal[1:]


def trust_bytes(told: Story) -> bytes:
    from tests.fakes.registry import signer

    found = told.trust
    return make_trust(
        network=found.network, chain_id=found.chain_id, genesis_hash=found.genesis_hash, finality=found.finality,
        council=[("owner", signer("owner"))], contracts=found.contracts, log_keys=found.log_keys,
        validators=found.validators, issued_at=found.issued_at, as_of_block=found.as_of_block,
    )  # fmt: skip


def command(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The command line in a process of its own that knows no more than its folder."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", os.getcwd())}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cli", *words, "--json"],
        cwd=folder, env=environment | {"HOME": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)
