"""`trust key | draft | sign`: a council of three makes a first trust file and the next one, and does it wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.council import Delegate, Rules
from ledger.crypto.keys import load_signer
from ledger.evm.deployment import Deployment
from ledger.evm.founding import Founding, FoundingMember, TrustKey
from ledger.types import Address, DepartmentCode, Millis
from notary.b64 import from_b64
from notary.checkpoint import parse_vkey
from notary.rotation import OVERLAP
from notary.trust import TrustFile, parse_trust, read_trust, trust_hash
from scripts.help import cells
from tests.fakes.qbft import addresses, validators
from tests.fakes.qbft_node import QbftNode
from tests.unit.ledger.test_evm_indexer import ADDRESSES, NAMES
from tests.unit.scripts.conftest import Chuzheng, Outcome

MEMBERS = ("114200000099912773", "11420000009991840C", "11420000MB9419465B")
ORIGIN = "chuzheng/test/11420000MB9543829Q"
RPC = ("--rpc-url", "http://node.invalid")


class Node(QbftNode):
    """With a genesis block that lists the validators, as a real one does."""

    def __init__(self) -> None:
        super().__init__(ADDRESSES)
        block = self.blocks[0]
        made = self._make(block).sealed([])
        block.hash = made.hash
        self.made[block.hash] = made
        self.mine(3)


class Council:
    """A folder with the members' keys and the deployment record, and the commands run in it."""

    def __init__(self, folder: Path, chuzheng: Chuzheng, node: Node) -> None:
        self.folder, self.run, self.node = folder, chuzheng, node
        for name in "abc":
            assert chuzheng("trust", "key", f"{name}.pem", "--new").code == 0
        told = chuzheng("trust", "key", "log.pem", "--new", "--log", ORIGIN, "--json").json
        self.log_key = str(told["public"])
        self.record(node.deployment(*NAMES))

    def record(self, deployment: Deployment) -> None:
        keys = [load_signer(f"file:{self.folder / name}.pem").public_key for name in "abc"]
        members = []
        for number, (code, key) in enumerate(zip(map(DepartmentCode, MEMBERS), keys, strict=True), 1):
            delegate = Delegate(Address("0x" + f"{number:02x}" * 20), code, None)
            members.append(FoundingMember(code, (delegate,), TrustKey("intl", key)))
        made = replace(deployment, council=Founding(Rules(2, 1, 0, 86_400), tuple(members)))
        made.save(self.folder / "deployment.json")

    def draft(self, *more: str, out: str = "d.json") -> Outcome:
        return self.run("trust", "draft", "--deployment", "deployment.json", *RPC, "--out", out, *more, "--json")

    def sign(self, who: str, *more: str, file: str = "d.json", member: str = "") -> Outcome:
        code = member or MEMBERS["abc".index(who)]
        return self.run("trust", "sign", file, "--member", code, "--key", f"{who}.pem", *more, "--yes", "--json")

    def first(self) -> TrustFile:
        assert self.draft("--first", "--finality", "qbft", "--log-key", self.log_key, out="v1.json").code == 0
        for who in "ab":
            assert self.sign(who, "--first", file="v1.json").code == 0
        return self.trust("v1.json")

    def trust(self, name: str) -> TrustFile:
        return parse_trust((self.folder / name).read_bytes())


@pytest.fixture
def council(tmp_path: Path, chuzheng: Chuzheng, monkeypatch: pytest.MonkeyPatch) -> Council:
    node = Node()
    monkeypatch.setattr("ledger.evm.rpc.Rpc", lambda url: node)
    return Council(tmp_path, chuzheng, node)


def test_key__made_and_shown__public_half_only(council: Council) -> None:
    shown = council.run("trust", "key", "a.pem", "--json").json
    assert from_b64(shown["public"]) == load_signer(f"file:{council.folder}/a.pem").public_key
    assert parse_vkey(council.log_key).name == ORIGIN
    assert (council.folder / "a.pem").stat().st_mode & 0o777 == 0o600
    kept = (council.folder / "a.pem").read_bytes()
    assert council.run("trust", "key", "a.pem", "--new", "--json").json["code"] == "key.exists"
    assert (council.folder / "a.pem").read_bytes() == kept
    assert council.run("trust", "key", "none.pem", "--json").json["code"] == "cli.trust.no_key"
    assert council.run("trust", "key", "a.pem", "--log", "no origin").code != 0


def test_first__drafted_and_signed_by_two_of_three__pinned_by_a_verifier(council: Council) -> None:
    told = council.draft("--first", "--finality", "qbft", "--log-key", council.log_key).json
    assert council.run("trust", "update", "d.json", "--trust", "mine.json", "--pin", told["hash"]).code == 19
    one = council.sign("a", "--first").json
    assert (one["complete"], one["signatures"]) == (False, {"new": {"found": 1, "needed": 2}})
    assert council.sign("a", "--first").json["signatures"]["new"]["found"] == 1  # again: no second vote
    two = council.sign("c", "--first").json
    assert (two["complete"], two["hash"]) == (True, told["hash"])
    assert council.run("trust", "update", "d.json", "--trust", "mine.json", "--pin", told["hash"]).code == 0
    trust = council.trust("mine.json")
    assert [c.name for c in trust.contracts] == list(NAMES)
    assert [(v.from_block, v.until_block, set(v.validators)) for v in trust.validators] == [
        (0, None, set(addresses(validators(4))))
    ]
    assert [(k.origin, k.name) for k in trust.log_keys] == [(ORIGIN, ORIGIN)]
    assert (trust.finality, trust.as_of_block, trust.threshold) == ("qbft", 3, 2)


def test_next__validators_changed_meanwhile__sets_join_and_the_rest_stays(council: Council) -> None:
    first = council.first()
    council.node.signers = validators(5)
    council.node.mine(2)
    told = council.draft("--after", "v1.json", "--days", "30").json
    added = [c["value"] for c in told["changes"] if (c["member"], c["change"]) == ("validators", "added")]
    assert [each["from_block"] for each in added] == [0, 4]
    for who in "bc":
        assert council.sign(who, "--after", "v1.json").code == 0
    pin = trust_hash(first).hex()
    assert council.run("trust", "update", "v1.json", "d.json", "--trust", "mine.json", "--pin", pin).code == 0
    trust = council.trust("mine.json")
    assert trust.sequence == 2
    assert [(v.from_block, v.until_block, len(v.validators)) for v in trust.validators] == [(0, 4, 4), (4, None, 5)]
    assert (trust.log_keys, trust.council, trust.contracts) == (first.log_keys, first.council, first.contracts)
    assert trust.expires - trust.issued_at == 30 * 24 * 3_600_000
    council.node.mine(2)
    again = council.draft("--after", "d.json", out="e.json").json  # nothing but its times
    assert {c["member"] for c in again["changes"]} == {"issued_at", "expires", "as_of_block"}


def test_draft__log_key__the_first_from_the_chains_beginning_a_further_one_from_now(council: Council) -> None:
    """Receipts that the log gave before the Council drafted this version must stand."""
    first = council.first()
    [only] = first.log_keys
    assert only.since == council.node.blocks[0].time * 1000
    further = council.run("trust", "key", "further.pem", "--new", "--log", ORIGIN, "--json").json["public"]
    assert council.draft("--after", "v1.json", "--log-key", further).code == 0
    old, new = council.trust("d.json").log_keys
    now = council.trust("d.json").issued_at
    assert old == replace(only, until=Millis(now + OVERLAP))  # until what it promised is anchored
    assert (new.since, new.until) == (now, None)
    assert council.draft("--after", "v1.json", "--log-key", council.log_key, out="same.json").code == 0
    assert council.trust("same.json").log_keys == (only,)


def test_next__stolen_keys_written_in_by_hand__kept_by_later_drafts(council: Council) -> None:
    council.first()
    assert council.draft("--after", "v1.json").code == 0

    def stolen(value: Any) -> None:
        value["validators"][0]["compromised_since"] = 1_770_000_000_000

    edit(council, stolen)
    for who in "ab":
        assert council.sign(who, "--after", "v1.json").code == 0
    council.node.signers = validators(5)
    council.node.mine(1)
    assert council.draft("--after", "d.json", out="e.json").code == 0
    sets = council.trust("e.json").validators
    assert [(v.until_block, v.compromised_since) for v in sets] == [(4, 1_770_000_000_000), (None, None)]


def test_next__council_replaced_by_hand__old_and_new_must_sign(council: Council) -> None:
    council.first()
    assert council.draft("--after", "v1.json").code == 0
    assert council.run("trust", "key", "d.pem", "--new").code == 0
    public = council.run("trust", "key", "d.pem", "--json").json["public"]

    def replace_all(value: Any) -> None:
        value["council"] = {"threshold": 1, "members": [{"member": "new", "suite": "intl", "key": public}]}

    edit(council, replace_all)
    states = [
        council.sign("a", "--after", "v1.json").json,
        council.run("trust", "sign", "d.json", "--member", "new", "--key", "d.pem", "--after", "v1.json", "--yes",
                    "--json").json,
        council.sign("b", "--after", "v1.json").json,
    ]  # fmt: skip
    assert [state["complete"] for state in states] == [False, False, True]
    read_trust((council.folder / "d.json").read_bytes(), earlier=council.trust("v1.json"))


def edit(council: Council, change: Callable[[Any], None], file: str = "d.json") -> None:
    path = council.folder / file
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def test_sign__after_the_draft_was_edited__earlier_signatures_are_void(council: Council) -> None:
    council.first()
    council.draft("--after", "v1.json")
    assert council.sign("a", "--after", "v1.json").code == 0
    edit(council, lambda value: value.__setitem__("max_snapshot_age", 1))
    assert council.sign("b", "--after", "v1.json").json["signatures"]["old"]["found"] == 1


def test_sign__another_file_of_the_same_version__only_when_said_so(council: Council) -> None:
    """Two of one version, both signed, are a fork."""
    council.first()
    council.draft("--after", "v1.json")
    council.draft("--after", "v1.json", "--days", "9", out="other.json")
    assert council.sign("a", "--after", "v1.json").code == 0
    refused = council.sign("a", "--after", "v1.json", file="other.json")
    assert (refused.code, refused.json["code"]) == (1, "trust.signed_other")
    assert council.trust("other.json").signatures == ()
    assert council.sign("a", "--after", "v1.json", "--instead", file="other.json").code == 0
    assert council.sign("a", "--first", "--instead", file="v1.json").json["code"] == "trust.signed_other"


def asked(council: Council, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> int:
    """The first member signs d.json by hand, and `meanwhile` happens before the word is given."""
    monkeypatch.setattr("scripts.commands.trust_making.agreed", lambda question: meanwhile())
    words = ("trust", "sign", "d.json", "--member", MEMBERS[0], "--key", "a.pem", "--after", "v1.json")
    return council.run(*words).code


def two_drafts(council: Council) -> bytes:
    """d.json, and as other.json another file of the same version, returned."""
    council.first()
    council.draft("--after", "v1.json")
    council.draft("--after", "v1.json", "--days", "9", out="other.json")
    return (council.folder / "other.json").read_bytes()


def test_sign__draft_replaced_while_a_person_is_asked__what_wasnt_shown_isnt_signed(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = two_drafts(council)
    assert asked(council, monkeypatch, lambda: (council.folder / "d.json").write_bytes(other)) == 1
    assert (council.folder / "d.json").read_bytes() == other
    assert council.sign("a", "--after", "v1.json").code == 0  # nothing was remembered either


def test_sign__the_same_key_signs_another_file_while_a_person_is_asked__no_fork(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_drafts(council)
    signed = list[int]()

    def meanwhile() -> None:
        signed.append(council.sign("a", "--after", "v1.json", file="other.json").code)

    assert asked(council, monkeypatch, meanwhile) == 1
    assert signed == [0]
    assert council.trust("d.json").signatures == ()


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "draft without the version before": (("draft",), 2, "cli.trust.before_needed"),
    "draft of a first without a rule": (("draft", "--first"), 2, "cli.trust.finality_needed"),
    "draft first and after": (("draft", "--first", "--after", "v1.json"), 2, "cli.trust.first_after"),
    "draft with a key that is none": (("draft", "--after", "v1.json", "--log-key", "abc"), 19, "note.vkey"),
    "draft over another file": (("draft", "--after", "v1.json", "--out", "a.pem"), 2, "file.exists"),
    "draft with a rule that is none": (("draft", "--first", "--finality", "soon"), 19, "trust.member"),
    "draft after an unsigned one": (("draft", "--after", "d.json"), 19, "trust.signatures"),
    "sign by a stranger": (("sign", "--member", "nobody", "--after", "v1.json"), 19, "trust.member_unknown"),
    "sign with another's key": (("sign", "--member", MEMBERS[1], "--after", "v1.json"), 19, "trust.member_key"),
    "sign as a first": (("sign", "--member", MEMBERS[0], "--first"), 2, "cli.trust.is_not_first"),
    "sign without the one before": (("sign", "--member", MEMBERS[0]), 2, "cli.trust.before_needed"),
    "sign with a key that isn't there": (
        ("sign", "--member", MEMBERS[0], "--after", "v1.json", "--key", "none.pem"), 2, "key.unreadable",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_used_wrongly__refused_and_nothing_written(council: Council, case: str) -> None:
    (command, *more), exit_code, code = WRONG[case]
    council.first()
    council.draft("--after", "v1.json")
    before = {path.name: path.read_bytes() for path in council.folder.iterdir() if path.is_file()}
    if command == "draft":
        done = council.draft(*more, **({} if "--out" in more else {"out": "new.json"}))
    else:
        given = () if "--key" in more else ("--key", "a.pem")
        done = council.run("trust", "sign", "d.json", *more, *given, "--yes", "--json")
    assert (done.code, done.json["code"]) == (exit_code, code), done.json
    assert before == {path.name: path.read_bytes() for path in council.folder.iterdir() if path.is_file()}


def test_sign__json_without_yes__asks_nobody(council: Council) -> None:
    council.first()
    council.draft("--after", "v1.json")
    done = council.run(
        "trust", "sign", "d.json", "--member", MEMBERS[0], "--key", "a.pem", "--after", "v1.json", "--json"
    )
    assert (done.code, done.json["code"]) == (2, "cli.trust.yes_needed")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sign__asked_and_told__changes_in_eighty_columns_and_no_is_no(
    council: Council, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    council.first()
    council.node.signers = validators(5)
    council.node.mine(1)
    monkeypatch.setenv("CHUZHENG_LANG", language)
    drafted = council.run(
        "trust", "draft", "--deployment", "deployment.json", *RPC, "--out", "d.json", "--after", "v1.json"
    )
    assert drafted.code == 0
    monkeypatch.setattr("typer.prompt", refuse)
    done = council.run("trust", "sign", "d.json", "--member", MEMBERS[0], "--key", "a.pem", "--after", "v1.json")
    assert done.code == 3
    assert council.trust("d.json").signatures == ()
    assert "- validators" in done.out
    assert "+ validators" in done.out
    for said in (drafted.out.rpartition("\n\n")[0], done.out):
        assert max(map(cells, said.splitlines())) <= 80


def refuse(*_: Any, **__: Any) -> bool:
    import typer

    raise typer.Abort


def test_draft__node_of_another_chain_code_or_validators__refused(council: Council) -> None:
    council.first()
    council.record(replace(council.node.deployment(*NAMES), chain_id=7))
    assert council.draft("--after", "v1.json").json["code"] == "deployment.other_chain"
    council.record(replace(council.node.deployment(*NAMES), network="else"))
    assert council.draft("--after", "v1.json").json["code"] == "trust.network"
    council.record(council.node.deployment(*NAMES))
    edit(council, lambda value: value["validators"][0].__setitem__("validators", ["0x" + "11" * 20]), file="v1.json")
    assert council.draft("--after", "v1.json").json["code"] == "trust.signatures"
