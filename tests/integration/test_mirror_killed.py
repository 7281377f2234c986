"""`log mirror` over HTTP from any static server, killed at any moment; a lost log restored from its mirror."""

from __future__ import annotations

import functools
import http.server
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from ledger.types import Digest
from notary.checkpoint import VerifierKey
from notary.fsck import fsck
from notary.log import Head
from notary.rotation import LogKeys
from notary.stores.mirror import FolderSource, Mirror
from notary.stores.tiles import TileLog
from tests.fakes.log import ORIGIN, make_entries
from tests.fakes.notary import ISSUER, Rig, packed
from tests.fakes.notary import ORIGIN as OWN
from tests.servers import EndingServer

LOG = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
KEY = VerifierKey(str(ORIGIN), LOG.public_key)
SIZES = (3_000, 70_000)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Any web server that hands out files: what a C2SP log needs to be read."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        return


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(tmp_path / "log"))
    server = EndingServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def grow(folder: Path, size: int) -> None:
    log = TileLog(folder, ORIGIN)
    with log.appending() as appending:
        appending.append(appending.durable_size, make_entries(size)[appending.durable_size :])
    log.seal(LOG, str(ORIGIN))


def sound(folder: Path) -> int:
    report = fsck(TileLog(folder, ORIGIN), keys=LogKeys(KEY))
    assert report.sound, report.findings
    return report.sealed


def test_mirror__killed_at_random_moments__always_a_log_and_whole_in_the_end(tmp_path: Path, url: str) -> None:
    target, chance = tmp_path / "mirror", random.Random(7)
    command = [sys.executable, "-m", "scripts.cli", "log", "mirror", url, str(target), "--vkey", KEY.text()]
    grow(tmp_path / "log", SIZES[0])
    subprocess.run(command, check=True, capture_output=True)
    assert sound(target) == SIZES[0]
    grow(tmp_path / "log", SIZES[1])
    for _ in range(4):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until, begun = time.monotonic() + 60, target / "work" / "incoming"
            while not begun.exists() and running.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.5)
        finally:
            running.kill()
            running.wait(60)
        assert sound(target) in SIZES
    subprocess.run(command, check=True, capture_output=True)
    assert sound(target) == SIZES[1]
    assert not (target / "work" / "incoming").exists()
    for name in ("checkpoint", "tile/0/x000/000", "tile/entries/272", "tile/1/000", "tile/1/001.p/17"):
        if (tmp_path / "log" / name).exists():
            assert (target / name).read_bytes() == (tmp_path / "log" / name).read_bytes()


def test_restore__log_lost__from_its_mirror_and_the_records(tmp_path: Path) -> None:
    """docs/operations.md: mirror back into the log's folder, start the notary; what came after it is appended again."""
    rig = Rig(tmp_path / "notary")
    folder, mirror = rig.log.directory, tmp_path / "mirror"
    keys = [VerifierKey(str(OWN), rig.notary.signers[OWN].public_key)]
    rig.notary.accept_commitments(ISSUER, OWN, packed(600), key="a")
    Mirror(mirror, OWN, keys).update(FolderSource(folder))
    rig.notary.accept_commitments(ISSUER, OWN, packed(50, start=600), key="b")
    before, root = rig.entries(), rig.log.root(650)
    rig.notary.close()
    shutil.rmtree(folder)
    restored = Mirror(folder, OWN, keys).update(FolderSource(mirror))
    assert restored.size == 600
    again = rig.again()
    again.catch_up(OWN)
    again.seal(OWN)
    assert rig.entries() == before
    report = fsck(rig.log, keys=LogKeys(keys[0]), anchors=[Head(650, Digest(root))], rows=enumerate(before))
    assert report.sound, report.findings
    assert report.sealed == 650
