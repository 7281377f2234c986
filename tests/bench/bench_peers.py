"""Ours beside OpenAttestation (npm) on the same records, in the same run, in turns; figures that others published.

Its package is installed at a locked version into the user's cache, outside the repository: nothing of the program needs
it. What may be compared is said under the table (tests/bench/peers/published.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.types import DepartmentCode, Kind, Millis
from notary.canonical import parse_record
from notary.commitment import commit
from notary.entry import Entry, leaf_of
from notary.merkle import inclusion_path_from, parents, verify_inclusion
from tests.bench.bench_formats import ISSUER, sample_records
from tests.bench.figures import Figure, forget_peak, peak_mib

PEERS = Path(__file__).parent / "peers"
FILES = ("package.json", "package-lock.json", "open_attestation.mjs")
BATCH = 128
"""Documents of one tree; a power of two."""
NOW = Millis(1_790_000_000_000)
ROUNDS = 3
ISSUERS = [
    {
        "name": "样例单位",
        "documentStore": "0x" + "12" * 20,
        "identityProof": {"type": "DNS-TXT", "location": "example.com"},
    }
]
"""A document there must name its issuer so; ours has a code, which stays in it."""


class Ours:
    """The same work with our functions: from JSON to commitments, entries, a tree and paths; and back."""

    def __init__(self, raw: list[bytes]) -> None:
        self.raw = raw
        self.made: list[tuple[bytes, bytes, bytes, int, list[bytes], bytes]] = []

    def wrap(self) -> None:
        self.made = []
        for at in range(0, len(self.raw), BATCH):
            part, salts, entries = self.raw[at : at + BATCH], [], []
            for data in part:
                salts.append(os.urandom(32))
                found = commit(parse_record(data), salts[-1])
                made = Entry(Kind.CERTIFICATE, DepartmentCode(ISSUER), NOW, found.sha256, found.sm3)
                entries.append(made.to_bytes())
            levels: list[list[bytes]] = [[leaf_of(entry) for entry in entries]]
            while len(levels[-1]) > 1:
                levels.append(parents(levels[-1]))
            root = levels[-1][0]

            def node(level: int, index: int, levels: list[list[bytes]] = levels) -> bytes:
                return levels[level][index]

            for number, (data, salt, entry) in enumerate(zip(part, salts, entries, strict=True)):
                path = inclusion_path_from(len(part), number, node)
                self.made.append((data, salt, entry, number, list(path), root))

    def verify(self) -> None:
        for data, salt, entry, number, path, root in self.made:
            found = commit(parse_record(data), salt)
            held = Entry.from_bytes(entry)
            if (found.sha256, found.sm3) != (held.sha256, held.sm3):
                raise AssertionError("a record that should pass doesn't")
            if not verify_inclusion(number, BATCH, leaf_of(entry), path, root):
                raise AssertionError("a path that should pass doesn't")


class OpenAttestation:
    """A node process with the package loaded; its times are its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, act: str, **more: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"act": act, **more}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("OpenAttestation's process ended; what it said stands above")
        found: dict[str, Any] = json.loads(answer)
        return found


def run(scale: float) -> Iterator[Figure]:
    """Wrapping and verifying by both, round by round, so that what else the machine does meets both alike."""
    count = max(2, round(16 * scale)) * BATCH
    records = sample_records(1000)
    records = [{**records[n % len(records)], "issuer": ISSUER, "number": f"JY{n:08d}"} for n in range(count)]
    ours = Ours([json.dumps(record, ensure_ascii=False).encode() for record in records])
    with tempfile.TemporaryDirectory() as folder, open_attestation() as theirs:
        path = Path(folder) / "documents.ndjson"
        lines = (json.dumps({**record, "issuers": ISSUERS}, ensure_ascii=False) for record in records)
        path.write_text("\n".join(lines), encoding="utf-8")
        theirs.ask("load", path=str(path))
        version = json.loads((PEERS / "package.json").read_text("utf-8"))["dependencies"]["@govtechsg/open-attestation"]
        name, shape = f"OpenAttestation {version}", f"{count:,} records of 12 members, {BATCH} a tree, one core"
        for act, unit in (("wrap", "records"), ("verify", "records")):
            best = {"ours": float("inf"), "theirs": float("inf")}
            memory, answer = 0.0, {}
            for _ in range(ROUNDS):
                forget_peak()
                start = time.perf_counter()
                getattr(ours, act)()
                best["ours"] = min(best["ours"], time.perf_counter() - start)
                memory = max(memory, peak_mib())
                answer = theirs.ask(act, batch=BATCH)
                best["theirs"] = min(best["theirs"], answer["seconds"])
            verb = "committing" if act == "wrap" else "checking"
            doing = "wrapping" if act == "wrap" else "verifying"
            more = best["theirs"] / best["ours"]
            yield Figure(
                f"ours: {verb}, from JSON to paths" if act == "wrap" else f"ours: {verb} records and paths",
                count / best["ours"], f"{unit}/s", note=f"{shape}; SHA-256 and SM3", memory=memory,
            )  # fmt: skip
            yield Figure(
                f"{name}: {doing}", count / best["theirs"], f"{unit}/s",
                note=f"the same records and its issuer member; Keccak-256; ours does {more:.1f} times as many",
                memory=answer["mib"],
            )  # fmt: skip
        theirs.ask("spoil")


@contextmanager
def open_attestation() -> Iterator[OpenAttestation]:
    """The process, ended at the end; its package is installed first where it isn't yet."""
    folder = _installed()
    with subprocess.Popen(
        ["node", FILES[2]], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield OpenAttestation(process)
        finally:
            process.kill()


def _installed() -> Path:
    """A folder of the cache, named after what is locked; made aside and moved there whole."""
    digest = hashlib.sha256(b"".join((PEERS / name).read_bytes() for name in FILES)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chuzheng"
    folder = cache / f"peers-{digest}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as aside:
        made = Path(aside) / "peers"
        made.mkdir()
        for name in FILES:
            shutil.copy(PEERS / name, made)
        # Its packages run nothing of their own while they are installed.
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=made, check=True)
        made.rename(folder)
    return folder
