"""What lies beside a trust file: the highest version ever accepted there, and the versions that lead to it (ADR 0017).

`trust.json.seen` makes an older file put back show; `trust-000001.json`, … lead from the pinned version to the newest.
Command line and server keep both in one way, so that either may have written them.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ledger.errors import InputError
from notary.trust import parse_trust, trust_hash, verify_versions
from notary.trust_chain import Seen, parse_seen
from notary.trust_file import MAX_BYTES, TrustFile


def seen_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.seen")


def version_path(path: Path, sequence: int) -> Path:
    """Where version `sequence` of the trust file at `path` is kept."""
    return path.with_name(f"{path.stem}-{sequence:06d}.json")


def seen_beside(path: Path) -> Seen | None:
    """The highest version accepted at `path`; None where none is remembered. UnreadableError if it isn't that."""
    try:
        return parse_seen(seen_path(path).read_bytes())
    except FileNotFoundError:
        return None


def remember(path: Path, trust: TrustFile) -> None:
    """Remember `trust` as accepted, whole or not at all; where nobody may write, nothing is remembered."""
    target = seen_path(path)
    aside = target.with_name(f"{target.name}.{os.getpid()}.new")
    with contextlib.suppress(OSError):
        aside.write_bytes(Seen.of(trust).to_json())
        aside.replace(target)


def verify_pinned(path: Path, newest: TrustFile, pin: bytes) -> TrustFile:
    """`newest`, if the versions kept beside `path` lead to it from the pinned one. InputError `trust.pin` where none
    of them has that hash, and as verify_next."""
    kept = [*_kept(path, newest.sequence), newest]
    start = next((i for i, each in enumerate(kept) if trust_hash(each) == pin), None)
    if start is None:
        raise InputError("trust.pin", expected=pin.hex(), found=trust_hash(newest).hex())
    return verify_versions(kept[start:], pin)


def _kept(path: Path, below: int) -> list[TrustFile]:
    """The versions before `below` that lie there, as far back as there is no gap, oldest first."""
    found: list[TrustFile] = []
    for sequence in range(below - 1, 0, -1):
        try:
            with version_path(path, sequence).open("rb") as file:
                found.append(parse_trust(file.read(MAX_BYTES + 1)))
        except OSError:
            break
    return found[::-1]
