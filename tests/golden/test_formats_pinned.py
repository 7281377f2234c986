"""Every format tag in the code has a golden file: what leaves a machine must be readable for decades.

A tag that is new needs a file in `tests/golden/v1` (made by `tests/golden/make.py`) and a line in PINNED here, or a
line in NOT_FILES that says why nobody will ever read such a file again.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent
TAG = re.compile(r"(chuzheng-[a-z-]+|erasure|checkpoint|heads)/[0-9]+")
PINNED: dict[str, tuple[str, ...]] = {
    "chuzheng-receipt/1": ("promised.receipt.json", "included.receipt.json", "anchored.receipt.json",
                           "evidenced.receipt.json"),
    "chuzheng-receipts/1": ("promised.receipts.json", "anchored.receipts.json"),
    "chuzheng-disclosure/1": ("part.disclosure.json",),
    "chuzheng-trust/1": ("trust.json",),
    "chuzheng-snapshot/1": ("snapshot.json", "full.snapshot.json"),
    "chuzheng-snapshot/2": ("snapshot.packed",),
    "chuzheng-event/1": ("grant.event.json",),
    "chuzheng-equivocation/1": ("two-roots.equivocation.json",),
    "chuzheng-erasures/1": ("erasures.json",),
    "chuzheng-bundle/1": ("evidence.bundle.zip",),
    "chuzheng-archive/1": ("items.archive.zip",),
    "chuzheng-salts/1": ("backfill.salts.json",),
    "erasure/1": ("erasure.entry",),
    "heads/1": ("heads.record.json",),
    "CZE1": ("document.envelope",),
    "c2sp.org/tlog-proof@v1": ("anchored.tlog-proof",),
}  # fmt: skip
UNTAGGED: dict[str, str] = {
    "checkpoint": "C2SP tlog-checkpoint, known by its origin line",
    "cosigned.checkpoint": "C2SP tlog-cosignature, a line under a checkpoint",
    "part.qr.txt": "CBOR, its first element the version",
    "copy.vc.jwt": "W3C vc+jwt, `typ` in its header",
    "suspension.status.jwt": "W3C vc+jwt with a BitstringStatusListCredential",
}
"""Files of formats that other standards name, or that are too short for a tag."""
NOT_FILES = {
    "chuzheng-report/1": "an answer: written for programs, read back by none of ours",
    "chuzheng-trust-seen/1": "this machine's memory, beside its trust file",
    "chuzheng-deployment/1": "read to be refused",
    "chuzheng-deployment/2": "this machine's record of addresses; what others need of it is in the trust file",
    "chuzheng-backfill/1": "a run's own folder, for as long as it runs; its bundles and salts are formats of their own",
    "chuzheng-index/1": "made anew from the entries (log reindex)",
    "chuzheng-reconciled/1": "a run's own folder, for as long as it runs",
    "chuzheng-tokens/1": "this machine's own list of whose tokens it takes",
    "chuzheng-status/1": "an answer: what the chain says at that moment",
    "chuzheng-erasure/1": "an answer: how far an order has come; what lasts of it is chuzheng-erasures/1",
    "chuzheng-credential-report/1": "an answer, as chuzheng-report/1",
    "chuzheng-bundle-report/1": "an answer, as chuzheng-report/1",
    "chuzheng-event-report/1": "an answer, as chuzheng-report/1",
    "chuzheng-proposal/1": "passes between members for days, and the chain has the proposal",
    "checkpoint/1": "a record like any other, kept by its notary: canonical.py reads it",
}


def tags() -> dict[str, str]:
    """Tag → where: string constants of ledger and notary, and whatever is called FORMAT or SCHEMA elsewhere."""
    found: dict[str, str] = {}
    for room in ("ledger", "notary", "gateways", "api", "scripts"):
        for file in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            nodes = ast.walk(tree) if room in ("ledger", "notary") else _formats(tree)
            for node in nodes:
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and TAG.fullmatch(node.value):
                    found.setdefault(node.value, f"{file.relative_to(ROOT)}:{node.lineno}")
    return found


def _formats(tree: ast.Module) -> list[ast.AST]:
    named = [node for node in tree.body if isinstance(node, ast.Assign)]
    return [n.value for n in named if any(isinstance(t, ast.Name) and t.id in ("FORMAT", "SCHEMA") for t in n.targets)]


def test_tags__each_in_the_code__has_a_golden_file_or_a_reason() -> None:
    missing = {tag: where for tag, where in tags().items() if tag not in PINNED and tag not in NOT_FILES}
    assert missing == {}, "add a golden file (tests/golden/make.py) and a line in PINNED, or a reason in NOT_FILES"


def test_tags__nothing_is_pinned_or_excused_that_the_code_lacks() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for room in ("ledger", "notary", "api", "scripts")
                     for file in (ROOT / room).rglob("*.py"))  # fmt: skip
    assert [tag for tag in (*PINNED, *NOT_FILES) if tag not in code] == []
    assert not PINNED.keys() & NOT_FILES.keys()


def test_golden__every_file__is_some_formats() -> None:
    named = {name for names in PINNED.values() for name in names} | UNTAGGED.keys()
    assert {path.name for path in GOLDEN.glob("v*/*")} == named


@pytest.mark.parametrize("tag", sorted(PINNED))
def test_golden__files_of_a_tag__are_there_and_say_so(tag: str) -> None:
    for name in PINNED[tag]:
        data = (GOLDEN / "v1" / name).read_bytes()
        assert name.endswith(".entry") or tag.encode() in data
