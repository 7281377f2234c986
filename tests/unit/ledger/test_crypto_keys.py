"""Key files: created once, readable by their owner only, one purpose each."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.crypto.keys import Ed25519Signer, create_signing_key, create_wrap_key, load_signer, load_wrap_key
from ledger.crypto.suites import verify
from ledger.errors import ConfigurationError, ConflictError


def test_signing_key__created_and_loaded__the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.pem"
    made = create_signing_key(path)
    loaded = load_signer(f"file:{path}")
    assert made.public_key == loaded.public_key
    assert verify(loaded.suite, made.public_key, loaded.sign(b"m"), b"m")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["log.pem"]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_sign__any_message__the_bytes_that_cryptography_signs(seed: bytes, message: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signer = Ed25519Signer(key)
    assert signer.sign(message) == key.sign(message)
    assert signer.public_key == key.public_key().public_bytes_raw()


def test_signer__printed_or_pickled__never_shows_its_secret() -> None:
    seed = bytes(range(32))
    signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(seed))
    assert seed.hex() not in repr(signer)
    assert not any(seed in value for value in vars(signer).values() if isinstance(value, bytes))
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        pickle.dumps(signer)


def test_wrap_key__created_and_loaded__the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "wrap.pem"
    made = create_wrap_key(path)
    assert load_wrap_key(f"file:{path}").private_bytes_raw() == made.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_create__something_there__never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "log.pem"
    create_signing_key(path)
    before = path.read_bytes()
    for create in (create_signing_key, create_wrap_key):
        with pytest.raises(ConflictError, match=r"key\.exists"):
            create(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["log.pem"]


def test_create__umask_open__still_only_the_owner(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_signing_key(tmp_path / "log.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "log.pem").stat().st_mode) == 0o600


def test_create__folder_can_not_be_made__plain_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"key\.unwritable"):
        create_signing_key(tmp_path / "file" / "log.pem")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o777])
def test_load__others_may_read__refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "log.pem"
    create_signing_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"key\.open_to_others"):
        load_signer(f"file:{path}")


def test_load__key_of_another_purpose__refused(tmp_path: Path) -> None:
    create_signing_key(tmp_path / "sign.pem")
    create_wrap_key(tmp_path / "wrap.pem")
    with pytest.raises(ConfigurationError, match=r"key\.purpose"):
        load_signer(f"file:{tmp_path}/wrap.pem")
    with pytest.raises(ConfigurationError, match=r"key\.purpose"):
        load_wrap_key(f"file:{tmp_path}/sign.pem")


@pytest.mark.parametrize("data", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_load__no_key_in_it__refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "log.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"key\.form"):
        load_signer(f"file:{path}")


@pytest.mark.parametrize(
    ("address", "code"),
    [("pkcs11:token", "key.scheme"), ("/etc/key", "key.scheme"), ("file:/nowhere/k", "key.unreadable")],
)
def test_load__address_of_nothing__refused(address: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_signer(address)
    assert caught.value.code == code


def test_signer__printed__public_half_only(tmp_path: Path) -> None:
    signer = create_signing_key(tmp_path / "log.pem")
    assert repr(signer) == f"Ed25519Signer({signer.public_key.hex()})"
