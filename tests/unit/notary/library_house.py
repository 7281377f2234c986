"""Certificates registered and anchored, a library's file beside them, and a comparison of both."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.statuses import Decision, DecisionCode
from ledger.types import BlockTime, Digest, Origin
from notary.bulk.csv_source import CsvSource
from notary.bulk.sources import Source
from notary.entry import Entry, status_key
from notary.reconcile.compare import What
from notary.reconcile.run import Asked, Comparison, Done, Ledger
from notary.reconcile.words import WORDS
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, Rig, certificate

SECRET = b"s" * 32


@dataclass
class Chain:
    """Decisions by status key, and the index's other answers from the rig's chain."""

    rig: Rig
    made: dict[Digest, list[Decision]] = field(default_factory=dict)

    def decide(self, index: int, code: DecisionCode, origin: Origin = ORIGIN) -> None:
        entry = Entry.from_bytes(self.rig.notary.prover.entry(origin, index))
        at = BlockTime(self.rig.clock.at // 1000 - 10)
        history = self.made.setdefault(status_key(entry.issuer, entry.sha256), [])
        ends = len(history) if code is DecisionCode.RESUMED else None
        history.append(Decision(len(history) + 1, code, 0, ISSUER, BlockTime(0), at, ends=ends))

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]:
        return sorted(key for key in self.made if key > after)[:limit]

    def decisions(self, status_key: Digest) -> Sequence[Decision]:
        return self.made.get(status_key, [])

    def genesis(self) -> str:
        return "0x00"

    def since(self, block: int, log_index: int, limit: int) -> list[Any]:
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rig.index, name)


class Died(Exception):
    """The process ended here."""


class House:
    """Certificates 0…n-1 registered by ISSUER in the first of the logs, all but the last anchored; a library file to
    compare. `told` is called after each step, and may end the process."""

    def __init__(
        self, folder: Path, count: int = 40, database: str = "", origins: tuple[Origin, ...] = (ORIGIN, FOREIGN)
    ) -> None:
        self.folder = folder
        self.rig = Rig(folder / "home", origins=origins, database=database)
        self.chain = Chain(self.rig)
        self.count = count
        self.told: Callable[[Done, float], None] = lambda done, share: None
        notary, [log, *_] = self.rig.notary, origins
        notary.accept_records(ISSUER, log, [certificate(n) for n in range(count)], key="k")
        notary.catch_up(log)
        notary.seal(log)
        self.rig.chain.anchor(notary.log(log).log_id, count - 1, notary.logs[log].root(count - 1))

    def write(self, rows: list[tuple[str, str]], name: str = "library.csv") -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["holder", "identifier", "status"])
            writer.writerows([["张三（样例）", *row] for row in rows])
        return path

    def compare(self, source: Source, out: str = "out", **asked: Any) -> dict[str, Any]:
        """Run to the end; the report."""
        ledger = Ledger(self.rig.notary, self.chain, self.chain, self.rig.clock)
        (self.folder / out).mkdir(exist_ok=True)
        Comparison(self.folder / out, ledger, source, Asked(dict(WORDS), **asked)).run(self.told)
        found: dict[str, Any] = json.loads((self.folder / out / "report.json").read_bytes())
        return found

    def csv(self, path: Path) -> CsvSource:
        return CsvSource(path, None, SECRET, ("identifier", "status"))

    def lists(self, out: str = "out") -> dict[str, list[Any]]:
        """The lines of every list."""
        found = {}
        for what in What:
            lines = (self.folder / out / f"{what.value}.ndjson").read_text(encoding="utf-8").splitlines()
            found[what.value] = [json.loads(line) for line in lines]
        return found


def name(n: int) -> str:
    """The identifier of certificate n."""
    return str(certificate(n)["identifier"])
