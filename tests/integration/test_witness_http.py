"""Real witnesses on loopback: ours as a process that is killed, and litewitness (Go) where one is named.

CHUZHENG_LITEWITNESS_BIN names a litewitness built from FiloSottile/torchwood (ISC); it isn't part of this project.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.witness_client import ask_over_http
from ledger.types import Digest
from notary.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, parse_note, sign_checkpoint
from notary.cosignature import cosigners, parse_witness_vkey
from notary.cosigning import LOOK, Cosigner
from notary.equivocation import What, parse_equivocation
from notary.trust_file import WitnessKey
from notary.witnessing import format_submission
from tests.fakes.notary import ISSUER, ORIGIN, Rig, document
from tests.ports import free_port

WITHIN = 120.0


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended"
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("it doesn't listen")


class Served:
    """`chuzheng witness serve` on a free port."""

    def __init__(self, folder: Path, log: VerifierKey) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "logs.txt").write_text(f"# logs\n{log.text()}\n")
        run = [sys.executable, "-m", "scripts.cli", "witness"]
        name, key = ["--name", "witness.example/w1"], ["--key", str(folder / "w1.pem")]
        made = subprocess.run([*run, "key", *name, *key], check=True, capture_output=True)
        self.known = parse_witness_vkey(made.stdout.decode().strip().splitlines()[-1])
        self._command = [
            *run, "serve", *name, *key, "--state", str(folder / "state"), "--logs", str(folder / "logs.txt"),
            "--port", str(self.port),
        ]  # fmt: skip
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_port(self.port, self.process)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "notary")


@pytest.fixture
def served(tmp_path: Path, rig: Rig) -> Iterator[Served]:
    folder = tmp_path / "witness"
    folder.mkdir()
    made = Served(folder, VerifierKey(str(ORIGIN), rig.notary.signers[ORIGIN].public_key))
    yield made
    made.kill()


def grow(rig: Rig, n: int) -> str:
    rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
    rig.notary.seal(ORIGIN)
    return rig.log.checkpoint_note() or ""


def count(rig: Rig, known: WitnessKey) -> int:
    return len(cosigners(parse_note(rig.notary.prover.newest_note(ORIGIN) or ""), [known]))


def test_witness__killed_and_started_again__one_history_and_the_lines_served(rig: Rig, served: Served) -> None:
    rig.notary.prover._witnesses = lambda: (1, (served.known,))
    cosigner = Cosigner(rig.notary, served.known.name, lambda: served.known, ask_over_http("w1", served.url))
    for n in range(3):
        grow(rig, n)
        assert cosigner.round() == LOOK
        assert count(rig, served.known) == 1
    served.kill()
    note = grow(rig, 3)
    assert cosigner.round() > LOOK  # an outage: the log went on, the receipt is promised until a witness is back
    assert count(rig, served.known) == 0
    served.start()
    assert cosigner.round() == LOOK
    assert count(rig, served.known) == 1
    kept = httpx.get(f"{served.url}/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint", timeout=WITHIN).text
    assert parse_checkpoint(kept) == parse_checkpoint(note)


def test_witness__log_signs_a_second_history__refused_and_proof_on_disk(rig: Rig, served: Served) -> None:
    note = grow(rig, 1)
    head = parse_checkpoint(note)
    ask = ask_over_http("w1", served.url)
    assert ask(format_submission(0, [], note))[0] == 200
    other = sign_checkpoint(
        Checkpoint(ORIGIN, head.size, Digest(bytes(32))), str(ORIGIN), rig.notary.signers[ORIGIN]
    )  # what a thief of the key would show to somebody else
    assert ask(format_submission(head.size, [], other))[0] == 422
    assert ask(format_submission(0, [], other)) == (409, b"%d\n" % head.size)
    [path] = (served.folder / "state" / "equivocations").iterdir()
    assert parse_equivocation(path.read_bytes()).what is What.TWO_ROOTS
    served.kill(signal.SIGTERM)
    assert served.process.returncode in (0, -signal.SIGTERM)


@pytest.mark.parametrize("body", [b"", b"old 0\n\n", b"x" * 300_000])
def test_witness__nonsense__400(served: Served, body: bytes) -> None:
    assert httpx.post(f"{served.url}/add-checkpoint", content=body, timeout=WITHIN).status_code == 400


def test_litewitness__cosigns_our_log__and_its_lines_verify(rig: Rig, tmp_path: Path) -> None:
    """Another implementation reads our requests, our checkpoints and our consistency proofs; we read its lines."""
    binary, agent = os.environ.get("CHUZHENG_LITEWITNESS_BIN"), shutil.which("ssh-agent")
    if not binary or not agent or not shutil.which("ssh-add"):
        pytest.skip("CHUZHENG_LITEWITNESS_BIN names no litewitness, or there is no ssh-agent")
    key = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)
    public = key.public_key().public_bytes_raw()
    path = tmp_path / "key.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form))
    path.chmod(0o600)
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    fingerprint = sha256(b64decode(line.split()[1])).digest()
    database, socket_path = tmp_path / "w.db", tmp_path / "s"
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL)"
        )
        connection.execute("CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL)")
        empty = b64encode(sha256(b"").digest()).decode()
        connection.execute("INSERT INTO log VALUES (?, 0, ?)", (ORIGIN, empty))
        vkey = VerifierKey(str(ORIGIN), rig.notary.signers[ORIGIN].public_key).text()
        connection.execute("INSERT INTO key VALUES (?, ?)", (ORIGIN, vkey))
    connection.close()
    port = free_port()
    running = [subprocess.Popen([agent, "-a", str(socket_path), "-D"], stdout=subprocess.DEVNULL)]
    try:
        deadline = time.monotonic() + WITHIN
        while not socket_path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        env = {**os.environ, "SSH_AUTH_SOCK": str(socket_path)}
        subprocess.run(["ssh-add", "-q", str(path)], env=env, check=True)
        shown = "SHA256:" + b64encode(fingerprint).decode().rstrip("=")
        command = [
            binary, "-ssh-agent", str(socket_path), "-db", str(database), "-name", "example.com/lite", "-key", shown,
            "-listen", f"localhost:{port}",
        ]  # fmt: skip
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        await_port(port, running[1])
        known = WitnessKey("example.com/lite", public)
        rig.notary.prover._witnesses = lambda: (1, (known,))
        ask = ask_over_http("lite", f"http://localhost:{port}")
        cosigner = Cosigner(rig.notary, known.name, lambda: known, ask)
        for n in range(20):
            note = grow(rig, n)
            assert cosigner.round() == LOOK
            assert count(rig, known) == 1
        # A fresh cosigner asks with old 0, is told the size (409), and goes on from there.
        note = grow(rig, 99)
        assert Cosigner(rig.notary, known.name, lambda: known, ask).round() == LOOK
        assert count(rig, known) == 1
        other = Checkpoint(ORIGIN, parse_checkpoint(note).size + 1, Digest(bytes(32)))
        forged = sign_checkpoint(other, str(ORIGIN), rig.notary.signers[ORIGIN])
        assert ask(format_submission(parse_checkpoint(note).size, [], forged))[0] == 422
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(60)
