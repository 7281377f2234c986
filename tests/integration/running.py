"""A network as people run it: `chuzheng up` on free ports, and the commands of somebody beside it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from scripts.cli import run
from tests.ports import free_port

ISSUER = "11420000MB9543829Q"
OTHER = "11420600009998671Q"
TYPE = "11100000009985328F011"
COMPANY = "某某餐饮𠮷|001|91420526MA9986781L"
PERSON = "张三|111|110101199003070011"
START_WITHIN = 300.0
ANCHORED_WITHIN = 180.0
SLOW_MACHINE = {"CHUZHENG_CHAIN_SLOW": "60"}
"""A node that answers after seconds is nothing to find fault with here."""


@dataclass
class Network:
    """A running `chuzheng up`, and the commands of somebody beside it."""

    home: Path
    port: int
    rpc_port: int
    process: subprocess.Popen[str] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def trust(self) -> Path:
        return self.home / "trust" / "trust.json"

    def start(self) -> None:
        """Until it is ready. What a killed supervisor left behind may keep a port for longer than `up` waits, where all
        is slow: then it is started once more, as people would."""
        end = time.monotonic() + START_WITHIN
        while True:
            self._launch()
            if self.told["ok"]:
                break
            assert self.told["code"] in ("cli.up.port_taken", "cli.up.rpc_port_taken"), self.told
            assert time.monotonic() < end, self.told
        self.tokens |= {(t["department"], t["role"]): t["token"] for t in self.told["tokens"]}

    def _launch(self) -> None:
        command = [sys.executable, "-m", "scripts.cli", "up", "--json", "--home", self.home, "--port", str(self.port)]
        environment = bare_environment() | SLOW_MACHINE
        environment |= {"CHUZHENG_RPC_URL": f"http://127.0.0.1:{self.rpc_port}"}
        log = self.home.with_suffix(".err").open("a", encoding="utf-8")
        self.process = subprocess.Popen(
            [str(c) for c in command], env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
        log.close()
        assert self.process.stdout is not None
        watch = threading.Timer(START_WITHIN, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        assert line, self.home.with_suffix(".err").read_text(encoding="utf-8")
        self.told = json.loads(line)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(180)

    def parts(self) -> dict[str, int]:
        """Process ids of the supervisor's children, by part."""
        assert self.process is not None
        found = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                words = (status.parent / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            # One that was just forked still has its parent's words, one that has ended none.
            if parent == self.process.pid and ("serve" in words or "anvil" in words[0]):
                found["chain" if "anvil" in words[0] else words[-2]] = int(status.parent.name)
        return found

    def left(self) -> list[int]:
        """Processes that work on this network's folder, whoever their parent is."""
        mine = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(self.home) in words:
                mine.append(int(path.name))
        return mine

    def run(
        self,
        *arguments: object,
        where: Path,
        token: str = "",
        expect: int | None = 0,
        online: bool = True,
        apart: bool = False,
    ) -> dict[str, Any]:
        """One command with --json; its object. Of the network it knows the address, and no more than it is given.

        `apart`: in a process of its own, as people start it; without, in this one, which saves most of the time.
        """
        environment = bare_environment() | SLOW_MACHINE | {"CHUZHENG_LANG": "en"}
        if online:
            environment |= {
                "CHUZHENG_RPC_URL": f"http://127.0.0.1:{self.rpc_port}", "CHUZHENG_PUBLIC_URL": self.url,
            }  # fmt: skip
        if token:
            environment["CHUZHENG_TOKEN"] = token
        words = [*map(str, arguments), "--json"]
        code, out, err = (_apart if apart else _here)(words, where, environment)
        assert "Traceback" not in err, err
        [line] = out.splitlines()
        told: dict[str, Any] = json.loads(line)
        assert {"schema", "ok", "code", "message_zh", "message_en"} <= told.keys()
        assert expect is None or code == expect, (code, told, err)
        return {**told, "exit": code}

    def verdict(self, what: object, *more: object, where: Path, expect: int | None) -> dict[str, Any]:
        return self.run("verify", what, "--trust", self.trust, *more, where=where, expect=expect)

    def doctored(self, *wrong: str, where: Path) -> None:
        """Waits until the doctor finds this wrong and nothing else: what is only just up may be behind for a moment."""
        deadline = time.monotonic() + ANCHORED_WITHIN
        while True:
            told = self.run("doctor", "--home", self.home, where=where, expect=None)
            found = [check["case"] for check in told["checks"] if check["needed"] and not check["ok"]]
            assert told["exit"] == (1 if found else 0)
            if found == list(wrong):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.5)

    def upgraded(self, *what: object, where: Path) -> None:
        """Waits until every receipt proves itself."""
        deadline = time.monotonic() + ANCHORED_WITHIN
        while set(self.run("receipt", "upgrade", *what, where=where)["stages"]) != {"anchored"}:
            assert time.monotonic() < deadline
            time.sleep(0.5)


@contextmanager
def whole_network(home: Path) -> Iterator[Network]:
    """A network of its own in `home`, that ends when it is told to and leaves no program behind."""
    made = Network(home, free_port(), free_port())
    made.start()
    yield made
    assert made.stop() == 0
    assert made.left() == []


def _apart(words: list[str], where: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cli", *words],
        cwd=where, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _here(words: list[str], where: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment, clear=True), chdir(where), redirect_stdout(out), redirect_stderr(err)
    ):  # fmt: skip
        code = run(words)
    return code, out.getvalue(), err.getvalue()


def bare_environment() -> dict[str, str]:
    """This environment without settings of ours; the source tree is where the program is."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHUZHENG_") or k == "CHUZHENG_ANVIL_BIN"}
    return {**kept, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def record(network: Network, desk: Path, name: str, *more: str, holder: str = COMPANY) -> str:
    """A certificate made with `record new`; its identifier."""
    made = network.run(
        "record", "new", "--type", TYPE, "--issuer", ISSUER, "--issuer-name", "湖北省市场监督管理局",
        "--name", "食品经营许可证", "--number", f"JY-{name}", "--holder", holder, "--issue-date", "2026-01-05",
        "--out", f"{name}.record.json", *more, where=desk,
    )  # fmt: skip
    return str(made["identifier"])
