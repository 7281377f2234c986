"""`receipt export --as vc`, `verify X.vc.jwt`: signed with the issuer's key, judged by the chain's; wrong uses."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest

from ledger.crypto.keys import create_signing_key, load_signer
from ledger.keys import NewKey, Purpose, Suite
from ledger.types import DepartmentCode
from notary.exports.status_credential import sign_status_list
from tests.fakes.registry import ISSUER, World
from tests.unit.scripts.conftest import Chuzheng
from tests.unit.scripts.verifying import settle

KEY_ID = bytes([7]) * 32
ADDRESS = "https://verify.example.gov.cn"
EXPORT = (
    "receipt", "export", "a.disclosure.json", "--as", "vc", "--key-id", KEY_ID.hex(), "--offline",
    "--url", ADDRESS, "--json",
)  # fmt: skip
VERIFY = ("verify", "a.vc.jwt", "--trust", "t.json", "--json")


@pytest.fixture
def world(chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = settle(World(), tmp_path, monkeypatch)
    create_signing_key(tmp_path / "issuer.pem")
    public = load_signer(f"file:{tmp_path / 'issuer.pem'}").public_key
    world.chain.add_key(KEY_ID, NewKey(DepartmentCode(ISSUER), int(Suite.ED25519), int(Purpose.SIGN), public))
    monkeypatch.setattr("scripts.commands.credential.time.time_ns", lambda: world.now * 1_000_000)
    assert chuzheng("disclose", "a.receipt.json", "--fields", "name", "--offline").code == 0
    assert chuzheng(*EXPORT, "--key", "issuer.pem").code == 0
    return world


def test_credential__online__valid_and_offline_cannot_check(chuzheng: Chuzheng, world: World) -> None:
    done = chuzheng(*VERIFY)
    assert (done.code, done.json["ok"]) == (0, True)
    assert [(c["name"], c["outcome"]) for c in done.json["checks"]] == [
        ("signature", "pass"), ("revocation", "unknown"), ("suspension", "unknown"),
    ]  # fmt: skip
    told = chuzheng(*VERIFY[:-1])
    assert told.code == 0
    assert told.out.encode("gbk")
    assert chuzheng(*VERIFY, "--offline").code == 20


def test_credential__key_ended_by_then__proof_invalid(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    world.chain.end_key(KEY_ID)
    (tmp_path / "a.vc.jwt").unlink()
    world.chain.mine(5)
    assert chuzheng(*EXPORT, "--key", "issuer.pem").code == 0
    assert chuzheng(*VERIFY).code == 21


def test_credential__list_newer_than_what_is_known__counts(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    signer = load_signer(f"file:{tmp_path / 'issuer.pem'}")
    for made_at, code in ((world.now // 1000 - 10, 0), (world.now // 1000 + 10, 17)):
        data = sign_status_list(
            [0], base=ADDRESS, origin=world.origin, number=0, purpose="suspension", signer=signer,
            key_id=KEY_ID.hex(), made_at=made_at,
        )  # fmt: skip
        (tmp_path / "s.status.jwt").write_bytes(data)
        assert chuzheng(*VERIFY, "--status-list", "s.status.jwt").code == code


def test_credential__signature_broken__the_verdict_of_the_whole_stands_first(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    """The disclosure in it is as valid as before; who reads the first line must not take that for the credential's."""
    file = tmp_path / "a.vc.jwt"
    head, dot, signature = file.read_text().rpartition(".")
    file.write_text(head + dot + signature[:9] + ("B" if signature[9] == "A" else "A") + signature[10:])
    told = chuzheng(*VERIFY[:-1])
    assert told.code == 21
    lines = told.out.splitlines()
    assert lines[0] == "Proof invalid"
    assert "The issuer's signature: " in lines[2]
    assert any(line.startswith("[unknown] Status list: suspended?") for line in lines)
    found = chuzheng(*VERIFY).json
    assert (found["verdict"], found["verdict_zh"], found["report"]["verdict"]) == ("proof_invalid", "凭证有误", "valid")


def test_credential__another_header__says_what_it_should_be(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    file = tmp_path / "a.vc.jwt"
    head, *rest = file.read_text().split(".")
    other = urlsafe_b64decode(head + "==").replace(b'"cty":"vc"', b'"cty":"vb"')
    file.write_text(".".join([urlsafe_b64encode(other).decode().rstrip("="), *rest]))
    told = chuzheng(*VERIFY)
    assert (told.code, told.json["code"]) == (19, "vc.type")
    assert "typ vc+jwt, cty vb" in told.json["message_en"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (EXPORT, "cli.export.vc_key"),
        ((*EXPORT[:2], "a.receipt.json", *EXPORT[3:], "--key", "issuer.pem"), "cli.export.vc_disclosure"),
        ((*EXPORT[:-2], "ftp://x", "--json", "--key", "issuer.pem", "--out", "b.vc.jwt"), "vc.base"),
        ((*VERIFY, "--record", "a.record.json"), "cli.credential.alone"),
    ],
)
def test_credential__wrong_use__says_what_to_do(
    chuzheng: Chuzheng, world: World, arguments: tuple[str, ...], code: str
) -> None:
    assert chuzheng(*arguments).json["code"] == code
