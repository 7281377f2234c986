"""What both persons are shown about an erasure: what goes, what no erasure reaches, whom to tell, which backups to end.

`acknowledge` is a digest of exactly that, so that nobody confirms what they weren't shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger.texts import LANGUAGES, text
from ledger.types import Millis
from notary.canonical import canonicalise
from notary.erasing import Target
from notary.erasures import ERASED

SCHEMA = "chuzheng-erasure/1"
BACKUP_DAYS = 35
"""Days that a backup of the database may be kept (formats.md §7)."""
NOT_RECALLED = ("receipts", "disclosures", "copies", "chain", "name", "backups")
_SHANGHAI = timezone(timedelta(hours=8))
_BACKUP = re.compile(r"backup-([0-9]{4}-[0-9]{2}-[0-9]{2})")


def erasure_body(target: Target, backups_dir: Path | None) -> dict[str, Any]:
    """`chuzheng-erasure/1` about one entry."""
    row = target.row
    erased = row is not None and row.state in ERASED
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "origin": target.origin,
        "index": target.index,
        "state": "none" if row is None else row.state.value,
        "order": None if row is None else row.order_code,
        "proposed_at": None if row is None else row.proposed_at,
        "erased_at": None if row is None else row.erased_at,
        "done_at": None if row is None else row.done_at,
        **_shown(target),
        "acknowledge": acknowledgement(target),
        "notices": [],
        "backups": None,
        "rewrite": None,
    }
    if row is not None and erased:
        told = {"origin": target.origin, "index": target.index, "order": row.order_code}
        notice = {f"message_{x}": text("erasure.notice", x, **told) for x in LANGUAGES}
        body["notices"] = [{"department": code, **notice} for code in row.readers]
    if row is not None and row.erased_at is not None:
        body["backups"] = backups_of(target.entry.accepted_at, row.erased_at, backups_dir)
        body["rewrite"] = _rewrite(target.only_freed, row.done_at or row.erased_at)
    return body


def acknowledgement(target: Target) -> str:
    """Hex digest of what is shown before either person acts, and of which proposal: a word that is sent again is none
    about a newer one, nor does it bring back what was withdrawn."""
    shown = {"origin": target.origin, "index": target.index, "proposed_at": last_proposal(target), **_shown(target)}
    return sha256(b"chuzheng/acknowledge/v2\0" + canonicalise(shown)).hexdigest()


def last_proposal(target: Target) -> int:
    """When it was made, withdrawn or not; 0: there was none."""
    return 0 if target.row is None else target.row.proposed_at


def backups_of(accepted_at: Millis, erased_at: Millis, folder: Path | None) -> dict[str, Any]:
    """Which days' backups may hold the record and when the last of them must be gone; `found`: those in `folder`."""
    last = _day(erased_at)
    first = max(_day(accepted_at), last - timedelta(days=BACKUP_DAYS))
    found = sorted(_found(folder, first, last)) if folder is not None else []
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "purge_by": (last + timedelta(days=BACKUP_DAYS)).isoformat(),
        "found": [{"name": name, "purge_by": (day + timedelta(days=BACKUP_DAYS)).isoformat()} for day, name in found],
    }


def _rewrite(tables: Sequence[str], since: Millis) -> dict[str, Any] | None:
    """What the database's operator runs where tables were too large to be written anew, unless that was done after the
    day `since`; nobody can tell afterwards whether it was."""
    if not tables:
        return None
    command = f"VACUUM FULL {', '.join(tables)};"
    return {"tables": list(tables), "command": command, "since": _day(since).isoformat()}


def _shown(target: Target) -> dict[str, Any]:
    return {
        "kept": target.kept,
        "file": target.file,
        "readers": list(target.readers),
        "not_recalled": [
            {"code": code, **{f"message_{x}": text(f"erasure.stays.{code}", x) for x in LANGUAGES}}
            for code in NOT_RECALLED
        ],
    }


def _found(folder: Path, first: date, last: date) -> Iterator[tuple[date, str]]:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    for name in names:
        match = _BACKUP.match(name)
        try:
            day = date.fromisoformat(match[1]) if match else None
        except ValueError:
            day = None
        if day is not None and first <= day <= last:
            yield day, name


def _day(time: Millis) -> date:
    return datetime.fromtimestamp(time // 1000, _SHANGHAI).date()
