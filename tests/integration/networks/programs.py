"""Where the nodes' programs are: given by a variable, or what scripts/geth.sh built."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

GETH_VERSION = "1.13.15"


class MissingError(Exception):
    """No program for this engine; the text says why, for the skip."""


def find_geth() -> Path:
    """CHUZHENG_GETH_BIN, else what scripts/geth.sh built."""
    if named := os.environ.get("CHUZHENG_GETH_BIN"):
        return _executable("CHUZHENG_GETH_BIN", named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chuzheng" / f"geth-{GETH_VERSION}"
    if os.access(cache / "geth", os.X_OK):
        return cache / "geth"
    with contextlib.suppress(OSError):
        raise MissingError(f"geth could not be built: {(cache / 'why').read_text(encoding='utf-8').strip()}")
    raise MissingError("no geth: scripts/test.sh builds it, or CHUZHENG_GETH_BIN names one")


def find_quorum() -> Path:
    """GoQuorum 24.4, given by CHUZHENG_QUORUM_BIN; it is under the LGPL/GPL and isn't part of this project."""
    return _given("CHUZHENG_QUORUM_BIN", "GoQuorum")


def find_besu() -> Path:
    """Besu's start script, given by CHUZHENG_BESU_BIN; it needs Java 25. No package registry has its distribution."""
    return _given("CHUZHENG_BESU_BIN", "Besu (no package registry has it; never tried with these tests)")


def _given(variable: str, what: str) -> Path:
    named = os.environ.get(variable)
    if not named:
        raise MissingError(f"no {what}: {variable} names no program")
    return _executable(variable, named)


def _executable(variable: str, named: str) -> Path:
    if not os.access(named, os.X_OK):
        raise MissingError(f"{variable} names {named}, which can't be run")
    return Path(named)
