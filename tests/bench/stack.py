"""The whole machine as `chuzheng up` starts it, in a folder of its own: chain, server, worker, indexer on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from ledger.evm.deployment import load_deployment
from ledger.types import DepartmentCode, Origin, Role
from notary.entry import make_origin
from tests.bench.figures import cpu_seconds, process_stat
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
"""Seconds for a start, keys and contracts included."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running machine: where it listens, one issuing department, and a token of that department that may anchor."""

    home: Path
    port: int
    issuer: DepartmentCode
    origin: Origin
    token: str
    supervisor: int

    def parts(self) -> dict[str, int]:
        """Process id of each child of the supervisor, by what it serves; the chain's is `chain`."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                parent = int(process_stat(int(folder.name))[1])
            except (OSError, IndexError, ValueError):
                continue
            if parent == self.supervisor:
                part = command[command.index("serve") + 1] if "serve" in command else "chain"
                found[part if part not in found else f"{part}-2"] = int(folder.name)
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time that each part has used so far."""
        return {part: cpu_seconds(pid) for part, pid in self.parts().items()}


def spent(before: dict[str, float], after: dict[str, float], count: int) -> str:
    """Processor time per item of each part, in milliseconds, in words; it says the same on a busy machine."""
    each = {part: (after[part] - before.get(part, 0.0)) / count * 1000 for part in sorted(after)}
    return "CPU each: " + ", ".join(f"{part} {value:.{0 if value >= 10 else 2}f} ms" for part, value in each.items())


@contextmanager
def running(api_processes: int = 1, **settings: str) -> Iterator[Stack]:
    """A fresh machine, with these variables in its environment too; ended by its own pid."""
    from api.auth import TokenStore
    from scripts.samples import sample_network

    with TemporaryDirectory(prefix="chuzheng-bench-") as folder:
        home, port, rpc = Path(folder) / "data", free_port(), free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHUZHENG_")},
            "CHUZHENG_HOME": str(home),
            "CHUZHENG_PORT": str(port),
            "CHUZHENG_RPC_URL": f"http://127.0.0.1:{rpc}",
            "CHUZHENG_API_PROCESSES": str(api_processes),
            **settings,
        }
        output = Path(folder) / "up.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "scripts.cli", "up"],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip
        try:
            _await(process, port, output)
            issuer = sample_network().issuers[0].code
            origin = make_origin(load_deployment(home / "deployment.json").network, issuer)
            token = TokenStore(home / "keys" / "tokens.json").issue(issuer, int(Role.ANCHOR), "bench")
            yield Stack(home, port, issuer, origin, token, process.pid)
        except Exception:
            for log in sorted((home / "log").glob("*.log")):
                last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
                print(f"-- {log.name}", *last, sep="\n", file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"`chuzheng up` ended:\n{output.read_text(encoding='utf-8', errors='replace')[-4000:]}")
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/v1/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"not ready:\n{output.read_text(encoding='utf-8', errors='replace')[-4000:]}")
