"""The list of the index's runs: which files count, and up to which entry of each log they say everything.

Pure over bytes. The list is replaced by rename, so a crash leaves the old one or the new one; its own digest tells a
damaged one apart, and the runs' digests in it tell damaged runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.errors import IntegrityError

FORMAT = "chuzheng-index/1"


@dataclass(frozen=True, slots=True)
class RunName:
    """A file that counts: how many entries it has, and the SHA-256 of keys and positions, hex."""

    name: str
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Cover:
    """Entries of a log below index `upto` are in the runs; `last` is the key of the one before, hex: it must still
    stand there, or the database isn't the one that the runs were made from."""

    upto: int
    last: str


@dataclass(frozen=True, slots=True)
class RunList:
    """`covers` by the log's row number; `serial` rises with every list."""

    serial: int
    runs: tuple[RunName, ...]
    covers: Mapping[int, Cover]

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        body = {
            "format": FORMAT,
            "serial": self.serial,
            "runs": [[run.name, run.count, run.sha256] for run in self.runs],
            "logs": {str(log): [cover.upto, cover.last] for log, cover in sorted(self.covers.items())},
        }
        return json.dumps({**body, "check": _check(body)}, indent=1).encode() + b"\n"


EMPTY = RunList(0, (), {})


def parse_run_list(data: bytes) -> RunList:
    """IntegrityError `index.list` unless it is one, whole."""
    try:
        body = json.loads(data)
        check = body.pop("check")
        if body["format"] != FORMAT or check != _check(body):
            raise ValueError(body["format"])
        runs = tuple([RunName(str(name), int(count), str(digest)) for name, count, digest in body["runs"]])
        covers = {int(log): Cover(int(upto), str(last)) for log, (upto, last) in body["logs"].items()}
        return RunList(int(body["serial"]), runs, covers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError("index.list", found=len(data)) from error


def merge_due(counts: Sequence[int], *, base: int, fan: int) -> list[int]:
    """Which of the runs to merge into one: all of the smallest tier that has `fan` of them; none: nothing is due.

    A tier holds runs of about the same size, each `fan` times the one below: so an entry is written again once a tier,
    and a search looks into fewer than `fan` runs a tier.
    """
    tiers: dict[int, list[int]] = {}
    for number, count in enumerate(counts):
        tier = 0
        while count >= base * fan ** (tier + 1):
            tier += 1
        tiers.setdefault(tier, []).append(number)
    return next((tiers[tier] for tier in sorted(tiers) if len(tiers[tier]) >= fan), [])


def _check(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
