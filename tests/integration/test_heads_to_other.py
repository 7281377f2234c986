"""Heads of the network in another operator's log: two notaries with their own keys, databases and folders, one chain.

The first is a whole `chuzheng up`; one department's keys are taken out of it and given to the second, which is three
processes of its own. A third "operator" is a server that answers lies. Processes are ended by their own ids.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from notary.receipt import parse_receipt
from tests.integration.running import ISSUER, OTHER, SLOW_MACHINE, Network, bare_environment, record
from tests.ports import free_port
from tests.servers import EndingServer

WITHIN = 240.0
LIAR = "11429021009997812P"


@dataclass
class Second:
    """The other operator: api, notary and indexer on a folder with one department's keys."""

    home: Path
    port: int
    rpc_port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return bare_environment() | {
            "CHUZHENG_HOME": str(self.home), "CHUZHENG_PORT": str(self.port),
            "CHUZHENG_RPC_URL": f"http://127.0.0.1:{self.rpc_port}", **SLOW_MACHINE,
        }  # fmt: skip

    def command(self, *words: str) -> dict[str, Any]:
        run = [sys.executable, "-m", "scripts.cli", *words, "--json"]
        done = subprocess.run(run, env=self.environment, capture_output=True, text=True, check=True)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def start(self, *parts: str) -> None:
        for part in parts:
            command = [sys.executable, "-m", "scripts.cli", "serve", part]
            with (self.home / f"{part}.log").open("ab") as log:
                self.running.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def stop(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(60)


class Lies(BaseHTTPRequestHandler):
    """Whatever it is asked to keep, it answers with one receipt, which is of something else."""

    answer = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@dataclass
class Two:
    first: Network
    second: Second
    origin: str
    liar: str


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, anvil_program: Path) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("heads")
    first = Network(folder / "one", free_port(), free_port())
    first.start()
    second = Second(folder / "two", free_port(), first.rpc_port)
    server = EndingServer(("127.0.0.1", 0), Lies)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    network = first.told["network"]
    origin, liar = (f"chuzheng/{network}/{code}" for code in (OTHER, LIAR))
    try:
        hand_over(first.home, second.home, OTHER)
        token = second.command("config", "token", OTHER, "--role", "HEADS")["token"]
        peers = f"{origin}=http://127.0.0.1:{second.port},{liar}=http://127.0.0.1:{server.server_port}"
        (first.home / "chuzheng.toml").write_text(f'head_peers = "{peers}"\n')
        tokens = first.home / "keys" / "peers"
        tokens.mkdir(mode=0o700)
        for name, secret in ((origin, token), (liar, "czt_any_thing")):
            (tokens / f"{quote(name, safe='')}.token").write_text(secret)
        restart(first)
        yield Two(first, second, origin, liar)
    finally:
        second.stop()
        server.shutdown()
        server.server_close()
        first.stop()


def hand_over(one: Path, two: Path, department: str) -> None:
    """One department's keys move to a folder of their own; of the rest it gets what every operator has."""
    for path in sorted(path for path in (one / "keys").rglob("*") if department in path.name):
        target = two / path.relative_to(one)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.rename(target)
    storage = two / "keys" / "storage.key"
    storage.write_text(os.urandom(32).hex())
    storage.chmod(0o600)
    shutil.copy(one / "deployment.json", two)
    shutil.copytree(one / "trust", two / "trust")


def restart(network: Network) -> None:
    """The parts end and are started again by the supervisor, with the keys that are left."""
    parts = network.parts()
    for part in ("api", "notary"):
        subprocess.run(["kill", "-TERM", str(parts[part])], check=True)
    until(lambda: not {parts["api"], parts["notary"]} & set(network.parts().values()) and answers(network.url))


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/health/live", timeout=WITHIN).status_code == 200
    except httpx.HTTPError:
        return False


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not done():
        assert time.monotonic() < deadline, "it doesn't happen"
        time.sleep(0.2)


def said(network: Network) -> str:
    """What health tells of other operators' logs, in English."""
    tests = httpx.get(f"{network.url}/api/v1/health/deep", timeout=WITHIN).json()["tests"]
    [found] = [test["message_en"] for test in tests if test["name"] == "peers"]
    return str(found)


def test_heads__other_operator_down_then_up__carried_verified_and_kept(two: Two, tmp_path: Path) -> None:
    first, kept = two.first, two.first.home / "outside" / "heads-sent" / quote(two.origin, safe="")
    record(first, tmp_path, "own")
    first.run("anchor", "own.record.json", where=tmp_path, token=first.tokens[ISSUER, "ANCHOR"])
    first.upgraded("own.receipt.json", where=tmp_path)
    until(lambda: any(kept.glob("*.record.json")))
    until(lambda: "can't be reached" in said(first))
    assert two.origin in said(first)  # nobody is there yet; the day is written and waits
    two.second.start("api", "notary", "indexer")
    until(lambda: any(kept.glob("*.receipt.json")))
    [path] = kept.glob("*.receipt.json")
    receipt = parse_receipt(path.read_bytes())
    assert (receipt.origin, receipt.anchor is not None, receipt.salt is not None) == (two.origin, True, True)
    # Anybody compares: the record in that log, and what the chain holds now.
    where = path.with_name(path.name.replace(".receipt.", ".record."))
    told = first.run("log", "check-heads", where, "--trust", first.trust, where=tmp_path)
    assert told["code"] == "cli.heads.one"
    assert told["kept_by"] == two.origin
    served = f"http://127.0.0.1:{two.second.port}/api/v1/logs/{quote(two.origin, safe='')}/checkpoint"
    assert httpx.get(served, timeout=WITHIN).status_code == 200


def test_heads__operator_that_lies__refused_and_named(two: Two, tmp_path: Path) -> None:
    first, kept = two.first, two.first.home / "outside" / "heads-sent" / quote(two.liar, safe="")
    if not Lies.answer:
        record(first, tmp_path, "more")
        first.run("anchor", "more.record.json", where=tmp_path, token=first.tokens[ISSUER, "ANCHOR"])
        Lies.answer = (tmp_path / "more.receipt.json").read_bytes()
    restart(first)  # with the pauses of its failures at the beginning again
    until(lambda: "ALARM" in said(first))
    assert two.liar in said(first)
    assert not list(kept.glob("*.receipt.json"))
    assert not list(kept.glob("*.promised.json"))
    doctor = first.run("doctor", "--home", first.home, where=tmp_path, expect=None)
    [line] = [check for check in doctor["checks"] if check["name"] == "peers"]
    assert (line["ok"], line["case"]) == (False, "peer_alarm")
