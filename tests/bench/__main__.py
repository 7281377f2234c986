"""Runs the benches, prints a table and writes docs/benchmarks.md.

    python -m tests.bench                    all of them, full size, three runs each (a quarter of an hour)
    python -m tests.bench chain --minutes 10 how long its sustained run is; --engine quorum-qbft: on which network
    python -m tests.bench http log --trial   two of them, a tenth of the work, one run; nothing is written

Each run of each bench is a process of its own, so that peak memory is its own and nothing is warm from the run before.
Figures of a bench that isn't named stay in the file as they were, with the date on which they were measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, forget_peak, median_of, peak_mib
from tests.bench.machine import load, machine_line
from tests.bench.written import table, update

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "benchmarks.md"
TRIAL = 0.1
QUIET = 0.5
"""A load above this before a bench is written beside its figures: somebody else had the cores too."""


def names() -> list[str]:
    """Every bench there is: `bench_NAME.py` beside this file."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every target is met, 1 if one isn't, 2 if a bench failed."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", metavar="name", help=", ".join(names()))
    options.add_argument("--runs", type=int, default=3, help="runs of each bench; the median counts (default: 3)")
    options.add_argument("--scale", type=float, default=1.0, help="share of the full work (default: 1)")
    options.add_argument("--trial", action="store_true", help=f"one run, scale {TRIAL}, nothing is written")
    options.add_argument("--print-only", action="store_true", help="write nothing")
    options.add_argument("--minutes", type=float, help="length of the sustained run, for benches that have one")
    options.add_argument("--rows", type=int, help="the most rows, for benches that grow (default: a million)")
    options.add_argument("--source", help="one kind of source alone, for benches that have several (csv, parquet)")
    options.add_argument("--engine", help="network to measure on, for benches that have a choice")
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args(arguments)
    if chosen.one:
        return _one(
            chosen.one,
            chosen.scale,
            chosen.into,
            {"minutes": chosen.minutes, "engine": chosen.engine, "rows": chosen.rows, "source": chosen.source},
        )
    if unknown := set(chosen.names) - set(names()):
        options.error(f"no such bench: {', '.join(sorted(unknown))}")
    runs, scale = (1, TRIAL) if chosen.trial else (chosen.runs, chosen.scale)
    print(machine_line(), flush=True)
    failed, below = [], []
    for name in chosen.names or names():
        before = load()
        more = {"--minutes": chosen.minutes, "--engine": chosen.engine, "--rows": chosen.rows}
        figures = _measure(name, scale, runs, {**more, "--source": chosen.source})
        if figures is None:
            failed.append(name)
            continue
        below += [figure for figure in figures if figure.met is False]
        print(f"\n{name}" + (f" (load before: {before:.1f})" if before > QUIET else ""))
        print(table(figures), flush=True)
        if scale >= 1 and not chosen.print_only and not chosen.trial:
            update(FILE, name, figures, runs=runs, load=before if before > QUIET else None)
    for figure in below:
        print(f"below target: {figure.name}")
    for name in failed:
        print(f"failed: {name}")
    return 2 if failed else int(bool(below))


def _measure(name: str, scale: float, runs: int, more: dict[str, Any]) -> list[Figure] | None:
    """The median of `runs` processes; None if one failed."""
    found: list[list[Figure]] = []
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            into = Path(folder) / "figures.json"
            command = [sys.executable, "-m", "tests.bench", "--one", name, "--scale", str(scale), "--into", str(into)]
            command += [word for option, value in more.items() if value is not None for word in (option, str(value))]
            clock = time.monotonic()
            done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
            print(f"{name}: run {number} of {runs}, {time.monotonic() - clock:.0f} s", file=sys.stderr, flush=True)
            if done.returncode or not into.exists():
                return None
            found.append([Figure(**figure) for figure in json.loads(into.read_text(encoding="utf-8"))])
    return median_of(found)


def _one(name: str, scale: float, into: Path, more: dict[str, Any]) -> int:
    """One run in this process. A bench that yields its figures has the peak of each; one with a list that of all."""
    figures: list[Figure] = []
    bench = import_module(f"tests.bench.bench_{name}")
    forget_peak()
    known = signature(bench.run).parameters
    for figure in bench.run(scale, **{k: v for k, v in more.items() if v is not None and k in known}):
        mine = asdict(figure)
        if mine["memory"] is None:
            mine["memory"] = peak_mib()
        figures.append(Figure(**mine))
        forget_peak()
    into.write_text(json.dumps([asdict(figure) for figure in figures]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
