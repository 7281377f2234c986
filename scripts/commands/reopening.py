"""`chuzheng log reopen`: after the Council closed a log, its good entries in a new shard (notary/reopening.py).

The new shard's key is made here; services take it up at their next start, which also opens the shard on the chain and
gives the trust file its key where this machine may do so (an embedded network).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.types import Origin
from scripts import output
from scripts.commands.files import read_file
from scripts.problems import UsageError

if TYPE_CHECKING:
    from api.settings import Settings
    from notary.reopening import Struck

ALL = "all"


def list_struck(origin: str, home: Path | None, *, as_json: bool) -> None:
    """What the closing struck out, for people to go through; nothing is written."""
    from api.backstage import open_backstage
    from notary.reopening import struck_out

    settings, last = _closed(origin, home)
    back = open_backstage(settings)
    try:
        struck = struck_out(back.notary, Origin(origin), last)
    finally:
        back.close()
    payload = output.message("chuzheng-struck-out/1", "cli.reopen.struck", origin=origin, size=last, count=len(struck))
    rows = [_row(one) for one in struck]
    lines = [f"{row['index']}  {row['kind']:<11} {row['accepted_at']}  {row['identifier'] or '-'}" for row in rows]
    text = "\n".join([*lines, payload[f"message_{output.language()}"]])
    output.result({**payload, "last_good_size": last, "entries": rows}, text, as_json=as_json)


def reopen_log(origin: str, shard: str, good: str, home: Path | None, *, as_json: bool) -> None:
    """Make the new shard's key, write its first entry and register the good entries again."""
    from api.backstage import open_backstage
    from api.keyring import Keyring
    from api.wiring import SystemClock
    from notary.entry import make_origin, parse_origin
    from notary.reopening import reopen, struck_out

    settings, last = _closed(origin, home)
    parsed = parse_origin(origin)
    new = make_origin(parsed.network, parsed.issuer, shard)
    chosen = None if good == ALL else _indexes(Path(good))
    Keyring(settings.keys_dir).make_department_keys(parsed.issuer, new, settings.lanes)
    back = open_backstage(settings)
    try:
        if chosen is None:
            chosen = [one.index for one in struck_out(back.notary, Origin(origin), last)]
        done = reopen(back.notary, SystemClock(), Origin(origin), new, last_good=last, good=chosen)
    finally:
        back.close()
    count = len(done.moved)
    payload = output.message("chuzheng-reopened/1", "cli.reopen.done", origin=new, count=count)
    moved = [{"from": old, "to": at} for old, at in sorted(done.moved.items())]
    output.finish({**payload, "origin": new, "last_good_size": last, "moved": moved}, as_json=as_json)


def _closed(origin: str, home: Path | None) -> tuple[Settings, int]:
    """Settings, and the size at which the chain says that the log was closed; ConflictError if it is open."""
    from api.keyring import Keyring
    from api.settings import load
    from ledger.evm.deployment import load_deployment
    from ledger.evm.profiles import profile_named
    from ledger.evm.reader import EvmChainReader
    from ledger.evm.rpc import Rpc
    from notary.entry import log_id

    settings = load({"home": home}).settings
    if Origin(origin) not in Keyring(settings.keys_dir).origins():
        raise NotFoundError("notary.no_log", origin=origin)
    deployment = load_deployment(settings.deployment_path)
    reader = EvmChainReader(Rpc(settings.rpc_url), profile_named(settings.engine_profile), deployment)
    last = reader.closed_at(log_id(origin))
    if last is None:
        raise ConflictError("cli.reopen.open", origin=origin)
    return settings, last


def _indexes(path: Path) -> list[int]:
    """One index a line; what follows it in the line isn't looked at, so that the list that was printed can be used."""
    found = []
    for number, line in enumerate(read_file(path).decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if not (words[0].isascii() and words[0].isdigit()):
            raise InputError("cli.reopen.line", path=str(path), line=number)
        found.append(int(words[0]))
    if len(set(found)) != len(found):
        raise UsageError("cli.usage.value", name="--good", reason=str(path))
    return found


def _row(one: Struck) -> dict[str, Any]:
    from scripts.commands.trust import moment

    entry = one.entry
    return {
        "index": one.index, "kind": entry.kind.word, "accepted_at": moment(entry.accepted_at),
        "commitment_sha256": entry.sha256.hex(), "identifier": one.identifier,
    }  # fmt: skip
