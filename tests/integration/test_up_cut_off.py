"""A real `chuzheng up` told to end in each phase of its start: it does so at once, leaves nothing behind, and the next
start goes on from there. The phases are what it tells on stderr; inside them: tests/unit/scripts/test_up.py.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.texts import text
from scripts.output import EXIT_INTERRUPTED
from tests.integration.running import START_WITHIN, Network, bare_environment
from tests.ports import free_port

pytestmark = pytest.mark.usefixtures("anvil_program")

PHASES = {"chain": signal.SIGTERM, "departments": signal.SIGINT, "services": signal.SIGTERM}
QUICKLY = 60.0
"""Seconds in which it must be gone, wherever it was: twice what its parts may take (GRACE), and a slow machine."""


@contextmanager
def starting(network: Network) -> Iterator[subprocess.Popen[str]]:
    words = ["up", "--json", "--home", str(network.home), "--port", str(network.port)]
    environment = bare_environment() | {"CHUZHENG_LANG": "en", "CHUZHENG_CHAIN_SLOW": "60"}
    environment |= {"CHUZHENG_RPC_URL": f"http://127.0.0.1:{network.rpc_port}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    watch = threading.Timer(START_WITHIN, process.kill)
    watch.start()
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()
        watch.cancel()


def await_line(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    before = list[str]()
    for line in process.stderr:
        before.append(line)
        if words in line:
            return
    raise AssertionError("".join(before))


def test_up__told_to_end_in_each_phase__ends_at_once_leaves_nothing_and_starts_again(tmp_path: Path) -> None:
    network = Network(tmp_path / "home", free_port(), free_port())
    for phase, number in PHASES.items():
        with starting(network) as process:
            await_line(process, text(f"cli.up.{phase}", "en"))
            process.send_signal(number)
            out, err = process.communicate(timeout=QUICKLY)
        assert (process.returncode, out) == (EXIT_INTERRUPTED, ""), (phase, err)
        assert "Traceback" not in err, (phase, err)
        assert "czt_" not in err
        assert network.left() == [], phase
    with starting(network) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=QUICKLY)
    assert process.returncode == 0, err
    assert told["ok"], told
    assert {token["role"] for token in told["tokens"]} == {"ANCHOR", "STATUS"}  # of all starts, nobody had seen any
    assert network.left() == []
