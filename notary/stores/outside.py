"""How we stand with those outside whom we depend on: witnesses, and other operators' logs that keep our heads.

Written by the loops that ask them, read by health and `doctor` in other processes. One small file each, replaced by
rename; since when something is as it is outlives restarts. Nothing here decides anything: losing it loses that date.

    <role>/<name>[@<subject>].json     {"name", "subject", "since", "at", "code", "params", "alarm", "facts"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ledger.types import Millis
from notary.stores.disk import Disk, translated

REPEAT = 60_000
"""Milliseconds after which an unchanged standing is written again, so that `at` shows that somebody still asks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """With whom, about what (a log; "" for all), since when, last looked at when (Unix ms). `code` is "" where
    all is well, else the error's; `alarm`: no outage explains it. `since` is the store's to say."""

    name: str
    at: Millis
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    alarm: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    since: int = 0


class Outside:
    """The folder. Each (role, name, subject) is written by one loop only."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder, self._disk = folder.absolute(), disk or Disk()
        self._written: dict[Path, Standing] = {}

    def note(self, role: str, now: Standing) -> None:
        """Write how it stands; `since` is kept as long as the code stays the same."""
        path = self._path(role, now.name, now.subject)
        before = self._written.get(path) or _read(self._disk, path)
        same = before is not None and (before.code, before.alarm) == (now.code, now.alarm)
        found = replace(now, since=before.since if same and before is not None else now.at)
        if same and before is not None and before.facts == found.facts and 0 <= found.at - before.at < REPEAT:
            return
        with translated():
            for folder in (self.folder, path.parent):
                self._disk.make_folder(folder)
            self._disk.replace(path, json.dumps(asdict(found), ensure_ascii=False, default=str).encode())
        self._written[path] = found

    def clear(self, role: str, name: str, subject: str = "") -> None:
        """It is over."""
        path = self._path(role, name, subject)
        self._written.pop(path, None)
        with translated():
            self._disk.remove(path)

    def all(self, role: str) -> list[Standing]:
        """Every standing of a role, by name and subject; one that can't be read is passed over."""
        folder = self.folder / role
        names = [name for name in self._disk.names(folder) if name.endswith(".json") and not name.startswith(".")]
        found = [standing for name in sorted(names) if (standing := _read(self._disk, folder / name)) is not None]
        return sorted(found, key=lambda standing: (standing.name, standing.subject))

    def _path(self, role: str, name: str, subject: str) -> Path:
        about = f"@{quote(subject, safe='')}" if subject else ""
        return self.folder / role / f"{quote(name, safe='')}{about}.json"


def _read(disk: Disk, path: Path) -> Standing | None:
    try:
        return Standing(**json.loads(disk.read(path)))
    except (OSError, ValueError, TypeError):
        return None
