"""What a person at a terminal waits for: processes started anew each time, as installed, network off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from ledger.types import ChainHash, Contract, DepartmentCode, Kind, Millis
from notary.checkpoint import Checkpoint, sign_checkpoint
from notary.commitment import commit
from notary.entry import Entry, leaf_of, make_origin
from notary.merkle import inclusion_path, root_from_leaves
from notary.receipt import Inclusion, Receipt, ReceiptAnchor
from notary.trust import LogKey, make_trust
from tests.bench.figures import Figure, percentile
from tests.bench.records import certificate

ROOT = Path(__file__).resolve().parents[2]
ISSUER = DepartmentCode("11420000MB9543829Q")
ORIGIN = make_origin("bench", ISSUER)
CANNOT_CHECK = 20
"""Offline a record is at best `cannot_check` (verification.md): this exit code says that nothing failed."""


def run(scale: float) -> Iterator[Figure]:
    """One receipt, one record with its receipt, and the help text."""
    rounds = max(5, int(30 * scale))
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder)
        yield _timed(
            "chuzheng verify RECEIPT --trust T --offline", rounds, folder,
            ["verify", "alone.receipt.json", "--trust", "trust.json", "--offline"], expect=CANNOT_CHECK, target=0.5,
        )  # fmt: skip
        yield _timed(
            "chuzheng verify RECORD --trust T --offline (receipt beside it)", rounds, folder,
            ["verify", "paper.record.json", "--trust", "trust.json", "--offline"], expect=CANNOT_CHECK, target=0.5,
        )  # fmt: skip
        yield _timed("chuzheng --help", rounds, folder, ["--help"], expect=0, target=0.5)


def make_files(folder: Path) -> None:
    """A record, its receipt under a checkpoint of 1,000 entries with an anchor, and a trust file that names the log."""
    log, council = (Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)) for seed in (1, 2))
    salt, now = bytes(range(32)), Millis(time.time_ns() // 1_000_000)
    record = certificate(0, ISSUER)
    made = commit(record, salt)
    entry = Entry(Kind.CERTIFICATE, ISSUER, now, made.sha256, made.sm3)
    leaves = [leaf_of(entry.to_bytes()), *(bytes([n % 256]) * 32 for n in range(999))]
    note = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), root_from_leaves(leaves)), ORIGIN, log)
    genesis, contract = ChainHash("0x" + "ab" * 32), "0x" + "cd" * 20
    anchor = ReceiptAnchor(420_000, genesis, contract, genesis, 7, genesis, now // 1000)  # type: ignore[arg-type]
    inclusion = Inclusion(len(leaves), tuple(inclusion_path(leaves, 0)))
    receipt = Receipt(entry, ORIGIN, 0, salt, bytes(64), inclusion=inclusion, checkpoint=note, anchor=anchor)
    trust = make_trust(
        network="bench",
        chain_id=420_000,
        genesis_hash=genesis,
        finality="none",
        council=[("owner", council)],
        contracts=[Contract("AnchorLog", contract, genesis, 0)],  # type: ignore[arg-type]
        log_keys=[LogKey(ORIGIN, ORIGIN, log.public_key, Millis(0))],
        issued_at=Millis(0),
        expires=Millis(now * 2),
        as_of_block=0,
    )
    (folder / "trust.json").write_bytes(trust)
    (folder / "alone.receipt.json").write_bytes(receipt.to_json())
    (folder / "paper.receipt.json").write_bytes(receipt.to_json())
    (folder / "paper.record.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def _timed(what: str, rounds: int, folder: Path, arguments: Sequence[str], *, expect: int, target: float) -> Figure:
    program = Path(sys.executable).with_name("chuzheng")
    command = [str(program)] if program.exists() else [sys.executable, "-m", "scripts.cli"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CHUZHENG_")} | {"PYTHONPATH": str(ROOT)}
    took, memory = [], 0.0
    for number in range(rounds + 1):
        clock = time.perf_counter()
        process = subprocess.Popen(
            [*command, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != expect:
            raise RuntimeError(f"{what}: exit {process.returncode}\n{output.decode(errors='replace')}")
        memory = max(memory, usage.ru_maxrss / 1024)
        if number:  # the first one reads the program from the disk
            took.append(time.perf_counter() - clock)
    note = f"{rounds} starts, slowest {max(took):.2f} s"
    return Figure(what, percentile(took, 50), "s", target=target, note=note, memory=memory)
