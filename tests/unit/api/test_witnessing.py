"""The witness over HTTP, against what another implementation's test expects, and its answers' form."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from api.witnessing import witness_app
from ledger.crypto.keys import Ed25519Signer
from ledger.types import Millis
from notary.checkpoint import VerifierKey, parse_checkpoint, parse_note
from notary.cosignature import cosigners, parse_lines, parse_witness_vkey, with_cosignatures
from notary.stores.witness import Witness
from notary.trust_file import WitnessKey

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "tlog_witness" / "litewitness.json"
OWN = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
NAME = "example.com/witness"


class Clock:
    def now(self) -> Millis:
        return Millis(1_770_000_000_000)


@pytest.fixture
def found() -> dict[str, object]:
    value: dict[str, object] = json.loads(VECTORS.read_text(encoding="utf-8"))
    return value


def client(folder: Path, log_key: bytes, origin: str) -> TestClient:
    key = VerifierKey(origin, log_key)
    return TestClient(witness_app(Witness(folder, NAME, OWN, lambda o: [key] if o == origin else None, Clock())))


def test_requests_of_litewitness__in_order__same_statuses(tmp_path: Path, found: dict[str, object]) -> None:
    requests = found["requests"]
    assert isinstance(requests, list)
    assert len(requests) == 9
    origin = requests[0]["body"].split("\n")[2]
    server = client(tmp_path / "state", bytes.fromhex(str(found["log_key"])), origin)
    cosigned = None
    for request in requests:
        body = request["body"]
        expected = request["status"]
        if "unknown log" in request["assert"]:
            expected = 404
        elif "invalid signature" in request["assert"]:
            expected = 400  # its last bits aren't canonical base64: unreadable here, decoded and refused there
        answer = server.post("/add-checkpoint", content=body.encode())
        assert answer.status_code == expected, body
        if expected == 409:
            assert answer.headers["content-type"] == "text/x.tlog.size"
            assert request["assert"] == f"== {json.dumps(answer.text)}"
        if expected == 200:
            note = body.partition("\n\n")[2]
            cosigned = with_cosignatures(note, parse_lines(answer.text))
            known = WitnessKey(NAME, OWN.public_key)
            assert cosigners(parse_note(cosigned), [known]) == [known]
    kept = server.get(f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
    assert kept.text == cosigned
    assert parse_checkpoint(kept.text).size == 5


def test_add__unreadable_or_too_large__400_and_nothing_kept(tmp_path: Path) -> None:
    server = client(tmp_path / "state", b"\x01" * 32, "x")
    assert server.post("/add-checkpoint", content=b"old 1").status_code == 400
    assert server.post("/add-checkpoint", content=b"x" * 200_000).status_code == 400
    assert server.get("/add-checkpoint").status_code == 405
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("digest", ["0" * 64, "x", "..%2f..", "A" * 64])
def test_checkpoint__unknown__404(tmp_path: Path, digest: str) -> None:
    assert client(tmp_path / "state", b"\x01" * 32, "x").get(f"/{digest}/checkpoint").status_code == 404


def test_root__its_verifier_key(tmp_path: Path) -> None:
    told = client(tmp_path / "state", b"\x01" * 32, "x").get("/").text
    assert parse_witness_vkey(told) == WitnessKey(NAME, OWN.public_key)


def test_add__disk_full__503_and_come_back(tmp_path: Path, found: dict[str, object]) -> None:
    requests = found["requests"]
    assert isinstance(requests, list)
    body = requests[0]["body"]
    origin = body.split("\n")[2]
    key = VerifierKey(origin, bytes.fromhex(str(found["log_key"])))
    witness = Witness(tmp_path / "state", NAME, OWN, lambda o: [key], Clock())
    real = witness._disk.create

    def full(files: object) -> None:
        raise OSError(28, "full")

    witness._disk.create = full  # type: ignore[method-assign]
    server = TestClient(witness_app(witness))
    answer = server.post("/add-checkpoint", content=body.encode())
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    witness._disk.create = real  # type: ignore[method-assign]
    assert server.post("/add-checkpoint", content=body.encode()).status_code == 200
