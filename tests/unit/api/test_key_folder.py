"""Wrap keys and departments' own keys: what lies there when they are used counts, without a restart."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import assemble
from api.key_folder import KeyFolder
from api.keyring import Keyring
from api.statuses.lists import StatusLists
from ledger.crypto.keys import create_signing_key, create_wrap_key
from ledger.errors import ConfigurationError
from ledger.keys import NewKey, Purpose, Suite
from ledger.types import DepartmentCode
from notary.exports.status_credential import parse_status_list
from tests.fakes.house import ISSUER, OTHER, build_house
from tests.unit.api.test_status_lists import Whole, path

FIRST, SECOND = DepartmentCode("11420000000000001X"), DepartmentCode("11420000000000002X")


def put(folder: Path, code: str, text: str) -> None:
    """As `cp` does: in place, no draft."""
    (folder / f"{code}.pem").write_text(text, encoding="ascii")


def test_key__added_replaced_taken_away__as_it_lies_there_and_read_once(tmp_path: Path) -> None:
    read: list[str] = []

    def load(address: str) -> str:
        found = Path(address.removeprefix("file:")).read_text(encoding="ascii")
        if not found:
            raise ConfigurationError("key.form", address=address)
        read.append(found)
        return found

    keys = KeyFolder(tmp_path, load)
    assert (dict(keys), keys.get(FIRST), len(keys)) == ({}, None, 0)
    put(tmp_path, FIRST, "one")
    assert [keys[FIRST], keys[FIRST], *keys.values()] == ["one"] * 3
    put(tmp_path, SECOND, "")  # `cp` has only begun
    with pytest.raises(ConfigurationError, match=r"key\.form"):
        keys.get(SECOND)
    put(tmp_path, SECOND, "two")
    put(tmp_path, FIRST, "uno")
    assert dict(keys) == {FIRST: "uno", SECOND: "two"}
    (tmp_path / "draft").write_text("three", encoding="ascii")
    (tmp_path / "draft").replace(tmp_path / f"{FIRST}.pem")
    assert keys[FIRST] == "three"
    (tmp_path / f"{FIRST}.pem").unlink()
    assert (keys.get(FIRST), list(keys)) == (None, [SECOND])
    assert read == ["one", "uno", "two", "three"]


def test_key__opened_to_others_later__refused(tmp_path: Path) -> None:
    (tmp_path / "wraps").mkdir()
    create_wrap_key(tmp_path / "wraps" / f"{FIRST}.pem")
    keys = Keyring(tmp_path).wrap_publics()
    assert keys[FIRST] is keys[FIRST]
    (tmp_path / "wraps" / f"{FIRST}.pem").chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"key\.open_to_others"):
        keys.get(FIRST)
    with pytest.raises(ConfigurationError, match=r"key\.open_to_others"):  # and no start with it
        Keyring(tmp_path).wrap_publics()


def test_documents__wrap_key_added_while_it_runs__files_are_taken(tmp_path: Path) -> None:
    house = build_house(tmp_path)
    keyring = Keyring(house.parts.settings.keys_dir)
    house.parts.wrap_keys = keyring.wrap_publics()
    wraps = keyring.folder / "wraps"
    wraps.mkdir(parents=True)
    create_wrap_key(wraps / f"{OTHER}.pem")
    with TestClient(assemble(house.parts)) as client:

        def filed() -> tuple[int, str]:
            file = {"file": ("a.pdf", b"plain", "application/pdf")}
            answer = client.post("/api/v1/documents", files=file, headers=house.headers())
            return answer.status_code, answer.json().get("code", "")

        assert filed() == (422, "document.no_reader")
        create_wrap_key(wraps / f"{ISSUER}.pem")
        assert filed() == (201, "")
    house.notary.close()


def test_status_lists__own_key_added_while_it_runs__they_are_there(tmp_path: Path) -> None:
    house = build_house(tmp_path)
    keyring = Keyring(house.parts.settings.keys_dir)

    @contextmanager
    def whole() -> Any:
        yield Whole(house)

    house.parts.status_lists = StatusLists(
        house.parts.settings.url, house.notary, house.chain, keyring.issuing_signers(), whole
    )
    house.anchored(house.certificate())
    with TestClient(assemble(house.parts)) as client:
        assert client.get(path(house)).json()["code"] == "vc.no_issuer_key"
        (keyring.folder / "issuers").mkdir(parents=True)
        signer = create_signing_key(keyring.folder / "issuers" / f"{ISSUER}.pem")
        own = NewKey(ISSUER, int(Suite.ED25519), int(Purpose.SIGN), signer.public_key)
        house.chain.add_key(bytes([5]) * 32, own)
        house.chain.mine()
        assert parse_status_list(client.get(path(house)).content).jws.verifies(signer.public_key)
    house.notary.close()
