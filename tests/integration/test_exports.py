"""Every export of one certificate of a running network, judged by its own command in a folder that has nothing else,
then with one byte changed; and a status list after the certificate was revoked.

An embedded chain seals no blocks, so offline nobody can say what it says: exit code 20, with what passed shown.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest

from api.settings import Settings
from api.statuses import lists
from api.wiring import build
from ledger.crypto.keys import create_signing_key, load_signer
from ledger.types import Origin
from notary.exports.credential import parse_credential
from notary.exports.status_credential import parse_status_list
from notary.exports.status_place import place_of
from notary.receipt import parse_receipt
from tests.integration.running import ISSUER, Network, record
from tests.ports import free_port

KEY = "ab" * 32
CANNOT_CHECK, UNREADABLE, WRONG = 20, 19, 21
INDEXED_WITHIN = 180.0


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, anvil_program: Path) -> Iterator[Network]:
    home = tmp_path_factory.mktemp("exports") / "home"
    (home / "keys" / "issuers").mkdir(mode=0o700, parents=True)
    create_signing_key(home / "keys" / "issuers" / f"{ISSUER}.pem")
    made = Network(home, free_port(), free_port())
    made.start()
    yield made
    assert made.stop() == 0


@pytest.fixture(scope="module")
def desk(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The issuing department's folder: a certificate, anchored, and every export of it."""
    desk = tmp_path_factory.mktemp("desk")
    register_key(network, desk)
    token = network.tokens[ISSUER, "ANCHOR"]
    record(network, desk, "own", "--valid-to", "2096-01-04")
    network.run("anchor", "own.record.json", where=desk, token=token)
    network.upgraded("own.receipt.json", where=desk)
    network.run("disclose", "own.receipt.json", "--fields", "name,holders", where=desk)
    pem = network.home / "keys" / "issuers" / f"{ISSUER}.pem"
    network.run("receipt", "export", "own.disclosure.json", "--as", "vc", "--key", pem, where=desk)
    network.run("receipt", "export", "own.receipt.json", "--as", "tlog-proof", where=desk)
    network.run("snapshot", "make", "--home", network.home, "--out", "snapshot.json", where=desk)
    network.run("snapshot", "make", "--packed", "--home", network.home, "--out", "made.packed", where=desk)
    network.run("snapshot", "fetch", "snapshot.packed", "--packed", "--trust", network.trust, where=desk)
    assert (desk / "made.packed").read_bytes() == (desk / "snapshot.packed").read_bytes()
    network.run(
        "bundle", "make", "own.bundle.zip", "own.disclosure.json", "own.receipt.json", "--snapshot", "snapshot.json",
        where=desk,
    )  # fmt: skip
    network.run(
        "bundle", "certificate", "own.bundle.zip", "--trust", network.trust, "--show", "name", "--operator", "某某中心",
        where=desk,
    )  # fmt: skip
    network.run(
        "archive", "make", "2026.archive.zip", "own.receipt.json", "--fonds", "J012", "--year", "2026", "--retention",
        "30", where=desk,
    )  # fmt: skip
    status_list(network, desk, "suspension")
    return desk


def register_key(network: Network, desk: Path) -> None:
    """The department's key on the chain, by the council of one."""
    signer = load_signer(f"file:{network.home / 'keys' / 'issuers' / f'{ISSUER}.pem'}")
    given = {"suite": 1, "purpose": 1, "publicKey": signer.public_key.hex(), "certificate": "none",
             "certificateUntil": "none", "since": "none", "until": "none", "replaces": "none"}  # fmt: skip
    owner, home = network.home / "keys" / "owner.key", network.home
    for number, call in enumerate((
        f"DepartmentKeys.proposeKey {KEY} {ISSUER} '{json.dumps(given)}' none",
        f"DepartmentKeys.confirmKey {KEY}",
    )):  # fmt: skip
        file = f"{number}.proposal.json"
        network.run("council", "propose", file, "--call", call, "--key", owner, "--home", home, where=desk)
        network.run("council", "execute", file, "--key", owner, "--home", home, where=desk)


def status_list(network: Network, desk: Path, purpose: str) -> None:
    """The certificate's status list, from the server, written beside the rest."""
    credential = parse_credential((desk / "own.vc.jwt").read_bytes())
    [entry] = [e for e in credential.jws.payload["credentialStatus"] if e["statusPurpose"] == purpose]
    answer = httpx.get(entry["statusListCredential"], trust_env=False, timeout=INDEXED_WITHIN)
    assert answer.status_code == 200, answer.text
    (desk / f"{purpose}.status.jwt").write_bytes(answer.content)


def list_of_this_second(network: Network, desk: Path, purpose: str, marked: bool) -> bytes:
    """The list as the server will make it at the next quarter of an hour, whose quarters are seconds; once it is as
    `marked` says."""
    credential = parse_credential((desk / "own.vc.jwt").read_bytes())
    origin = credential.disclosure.receipt.origin
    number, position = place_of(origin, credential.disclosure.receipt.index)
    settings = Settings(home=network.home, port=network.port, rpc_url=f"http://127.0.0.1:{network.rpc_port}")
    deadline = time.monotonic() + INDEXED_WITHIN
    with pytest.MonkeyPatch.context() as patch, closing(build(settings)) as parts:
        patch.setattr(lists, "TTL", 1)
        assert parts.status_lists is not None
        while True:
            made = parts.status_lists.read(Origin(origin), number, purpose, parts.clock.now())
            if parse_status_list(made).marks(position) is marked:
                return made
            assert time.monotonic() < deadline
            time.sleep(0.5)


@pytest.fixture
def office(network: Network, desk: Path, tmp_path: Path) -> Path:
    """Somebody else's empty folder, with the trust file."""
    shutil.copy(network.trust, tmp_path / "trust.json")
    shutil.copy(desk / "snapshot.json", tmp_path)
    return tmp_path


def offline(network: Network, office: Path, *words: str, expect: int | None) -> dict[str, Any]:
    return network.run(*words, where=office, expect=expect, online=False)


JUDGED = {
    "own.vc.jwt": (
        ("verify", "own.vc.jwt", "--offline", "--trust", "trust.json", "--snapshot", "snapshot.json"),
        CANNOT_CHECK,
    ),
    "own.bundle.zip": (("verify", "--bundle", "own.bundle.zip", "--offline", "--trust", "trust.json"), CANNOT_CHECK),
    "own.tlog-proof": (("verify", "own.tlog-proof", "--offline", "--trust", "trust.json"), CANNOT_CHECK),
    "own.disclosure.json": (("verify", "own.disclosure.json", "--offline", "--trust", "trust.json"), CANNOT_CHECK),
    "snapshot.json": (("snapshot", "show", "snapshot.json", "--trust", "trust.json"), 0),
    "snapshot.packed": (("snapshot", "show", "snapshot.packed", "--trust", "trust.json"), 0),
    "2026.archive.zip": (("archive", "check", "2026.archive.zip", "--trust", "trust.json"), 0),
}
"""Export → the command that judges it, and its answer where nobody is asked."""


@pytest.mark.parametrize("name", JUDGED)
def test_export__alone_in_a_folder__judged_by_its_own_command(
    network: Network, desk: Path, office: Path, name: str
) -> None:
    shutil.copy(desk / name, office)
    words, expected = JUDGED[name]
    told = offline(network, office, *words, expect=expected)
    report = told.get("report") or next((part["report"] for part in told.get("reports", [])), told)
    if "verdict" in report:
        outcomes = {check["code"]: check["outcome"] for check in report["checks"]}
        assert (outcomes["log.inclusion"], outcomes["log.signature"]) == ("pass", "pass")
        assert "fail" not in outcomes.values()
        if name != "own.tlog-proof":
            assert outcomes["content.commitment"] == "pass"
    if name == "own.bundle.zip":  # the bundle's own snapshot answers
        assert report["as_of"]["source"] == "snapshot"
    if name == "own.vc.jwt":
        assert {check["name"]: check["outcome"] for check in told["checks"]}["signature"] == "pass"
    if name == "2026.archive.zip":
        assert {c["outcome"] for c in told["checks"] if c["property"] == "authenticity"} == {"pass"}


@pytest.mark.parametrize("name", JUDGED)
def test_export__one_byte_changed_anywhere__refused_in_words(
    network: Network, desk: Path, office: Path, name: str
) -> None:
    whole = (desk / name).read_bytes()
    words, _ = JUDGED[name]
    for at in (0, len(whole) // 4, len(whole) // 2, len(whole) * 3 // 4, len(whole) - 3):
        (office / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        told = offline(network, office, *words, expect=None)
        assert told["exit"] in (UNREADABLE, WRONG, 10) or told.get("reason") == "snapshot.signature", (at, told)
        assert told["message_zh"]
        assert told["message_en"]


def test_credential__online_with_its_list__signature_and_list_pass(network: Network, desk: Path, office: Path) -> None:
    for name in ("own.vc.jwt", "suspension.status.jwt"):
        shutil.copy(desk / name, office)
    words = ("verify", "own.vc.jwt", "--trust", "trust.json", "--status-list", "suspension.status.jwt")
    told = network.run(*words, where=office)
    assert {check["name"]: check["outcome"] for check in told["checks"]} == {
        "signature": "pass", "revocation": "unknown", "suspension": "pass",
    }  # fmt: skip
    changed = bytearray((office / "suspension.status.jwt").read_bytes())
    changed[len(changed) // 2] ^= 1
    (office / "suspension.status.jwt").write_bytes(changed)
    told = network.run(*words, where=office, expect=None)
    found = {check["name"]: check["outcome"] for check in told.get("checks", [])}
    assert told["exit"] == UNREADABLE or found["suspension"] == "unknown"


def test_certificate__printed__names_bundle_place_and_verdict(network: Network, desk: Path) -> None:
    told = network.run("verify", "--bundle", "own.bundle.zip", "--trust", network.trust, where=desk)
    [page] = pypdf.PdfReader(desk / "own.certificate.pdf").pages
    said = page.extract_text().replace("\n", "").replace(" ", "")
    receipt = parse_receipt((desk / "own.receipt.json").read_bytes())
    assert receipt.anchor is not None
    for part in (told["sha256"], receipt.origin, str(receipt.anchor.block_number), "某某中心", "食品经营许可证"):
        assert part in said


def test_archive__taken_apart__each_item_verifies_alone(network: Network, desk: Path, office: Path) -> None:
    shutil.copy(desk / "2026.archive.zip", office)
    offline(network, office, "archive", "extract", "2026.archive.zip", "--to", "out", expect=0)
    told = offline(network, office / "out", "verify", "00001.disclosure.json", "--offline", "--trust",
                   "../trust.json", expect=CANNOT_CHECK)  # fmt: skip
    assert {c["code"]: c["outcome"] for c in told["checks"]}["content.commitment"] == "pass"
    assert "salt" not in json.loads((office / "out" / "00001.receipt.json").read_bytes())


def test_revoked_later__the_server_s_list__shows_it_and_the_credential_is_refused(
    network: Network, desk: Path, office: Path
) -> None:
    status = network.tokens[ISSUER, "STATUS"]
    network.run("status", "revoke", "own.receipt.json", where=desk, token=status)
    shutil.copy(desk / "own.vc.jwt", office)
    told = network.run("verify", "own.vc.jwt", "--trust", "trust.json", where=office, expect=12)
    assert told["report"]["verdict"] == "not_in_force"
    (office / "revocation.status.jwt").write_bytes(list_of_this_second(network, desk, "revocation", marked=True))
    told = network.run(
        "verify", "own.vc.jwt", "--trust", "trust.json", "--status-list", "revocation.status.jwt", where=office,
        expect=12,
    )  # fmt: skip
    assert {check["name"]: check["outcome"] for check in told["checks"]} == {
        "signature": "pass", "revocation": "fail", "suspension": "unknown",
    }  # fmt: skip
