"""docs/benchmarks.md: one section per bench, each with the day and the machine that it was measured on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.machine import machine_line, software_line

HEAD = """\
# Benchmarks

性能数据：由 `python -m tests.bench` 实测并写入本文件，目标与实测并列，未达到的如实标注。

Written by `.venv/bin/python -m tests.bench`; don't edit. Each figure is the median over the runs of its bench, every
run a process of its own, with the extremes in brackets. Memory is the measured process's peak resident memory while
the figure was taken. Records have 12 members unless the line says otherwise; both digests (SHA-256 and SM3) are made.
"""
_SECTION = re.compile(r"^<!-- bench:(\w+) -->\n.*?^<!-- end:\1 -->\n", re.M | re.S)
TITLES = {
    "anchor": "Anchoring: from a submission to an anchored receipt",
    "archive": "Archive packages of large files",
    "bulk": "Back-fill: from a file to promised receipts",
    "chain": "The chain under load: four nodes, sender and indexer on one machine",
    "checks": "Verifying over HTTP, the status included",
    "command": "The command line",
    "content": "Large files in the content stores",
    "engine": "The engine: durable acceptance from 10^4 to 10^7 entries",
    "feed": "The outbound feed",
    "formats": "Formats: commitments, receipts, bundles",
    "http": "Submitting over HTTP",
    "log": "The log on disk",
    "notary": "The notary as a library",
    "peers": "Beside other systems",
    "reconcile": "Comparing the library with the ledger",
    "snapshots": "Snapshots",
    "verify": "Verifying offline",
}
BELOW = {"peers": Path(__file__).parent / "peers" / "published.md"}
"""What stands under a bench's table: words that no run changes."""


def number(value: float) -> str:
    """Three digits that matter, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def lines(figures: Sequence[Figure]) -> list[tuple[str, str, str, str, str]]:
    """Cells of each figure: what, measured, target, memory, note."""
    found = []
    for figure in figures:
        spread = ""
        if figure.low is not None and figure.high is not None and figure.low != figure.high:
            spread = f" ({number(figure.low)}–{number(figure.high)})"
        target = "" if figure.target is None else f"{'≥' if figure.more_is_better else '≤'} {number(figure.target)}"
        if figure.met is False:
            target += ", **below target**"
        memory = "" if not figure.memory else f"{figure.memory:.0f} MiB"
        found.append((figure.name, f"{number(figure.value)} {figure.unit}{spread}", target, memory, figure.note))
    return found


def table(figures: Sequence[Figure]) -> str:
    """For a terminal."""
    rows = [("", "measured", "target", "memory", "note"), *lines(figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    )


def section(name: str, figures: Sequence[Figure], *, runs: int, load: float | None) -> str:
    """A bench's part of the file, between its marks."""
    today = datetime.now(UTC).date().isoformat()
    cells = [("what", "measured", "target", "memory", "note"), ("---",) * 5, *lines(figures)]
    parts = [
        f"<!-- bench:{name} -->",
        f"## {TITLES[name]}",
        f"`python -m tests.bench {name}`, {today}, {runs} runs.  ",
        f"{machine_line()}.  ",
        f"{software_line()}.",
    ]
    if load is not None:
        parts[-1] += f"  \nThe machine wasn't quiet: load {load:.1f} before the first run."
    parts += ["", *("| " + " | ".join(row) + " |" for row in cells)]
    if name in BELOW:
        parts += ["", BELOW[name].read_text(encoding="utf-8").rstrip("\n")]
    parts.append(f"<!-- end:{name} -->")
    return "\n".join(parts) + "\n"


def update(file: Path, name: str, figures: Sequence[Figure], *, runs: int, load: float | None) -> None:
    """Put a bench's section into the file, in place of its older one; sections stand in the order of their names."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    sections = {found.group(1): found.group(0) for found in _SECTION.finditer(text)}
    sections[name] = section(name, figures, runs=runs, load=load)
    file.write_text("\n".join([HEAD, *(sections[key] for key in sorted(sections))]), encoding="utf-8")
