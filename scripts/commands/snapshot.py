"""`chuzheng snapshot make|fetch|show`: what the chain says, signed and in one file, for halls without a line.

`make` runs where the index is and beside the snapshot key; a hall needs `fetch` now and then, and `verify --snapshot`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.types import Millis
from scripts import output
from scripts.commands.files import pieces_of, replace_by
from scripts.commands.options import Home, Json, Url
from scripts.commands.trust import PinOption, TrustOption, believed, moment
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.snapshot import Snapshot
    from notary.snapshot_packed import PackedSnapshot

snapshot_app = App(help="快照：供离线核验签发资格与状态。/ Snapshots: issuers and statuses for who is offline.")
DAY = 24 * 3_600_000
Packed = Annotated[
    bool,
    typer.Option("--packed", help="紧凑格式，供决定很多的全省使用 / for very many decisions"),
]


def register(app: App) -> None:
    app.add_typer(snapshot_app, name="snapshot")


@snapshot_app.command("make")
def make(
    key: Annotated[
        Path | None, typer.Option("--key", help="快照私钥文件，默认本机的 / snapshot key, default: this machine's")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="有效天数 / days that it stands")] = 30,
    out: Annotated[Path | None, typer.Option(help="另存一份 / write a copy here, too")] = None,
    packed: Packed = False,
    home: Home = None,
    json_: Json = False,
) -> None:
    """由本机索引制作新快照并签名，序号加一。/ Make the next snapshot from this machine's index, signed."""
    from api.settings import load
    from api.snapshots import make_packed, make_snapshot
    from ledger.crypto.keys import load_signer

    settings = load({"home": home}).settings
    signer = None if key is None else load_signer(f"file:{key}")
    found: Snapshot | PackedSnapshot
    found, path = (make_packed if packed else make_snapshot)(settings, signer, valid_for=days * DAY)
    if out is not None:
        replace_by(out, pieces_of(path))
    facts = _facts(found)
    payload = output.message("chuzheng-snapshot-made/1", "cli.snapshot.made", path=str(out or path), **_few(facts))
    output.finish({**payload, "path": str(out or path), **facts}, as_json=json_)


@snapshot_app.command("fetch")
def fetch(
    out: Annotated[Path, typer.Argument(help="写入的文件 / file to write")] = Path("snapshot.json"),
    packed: Packed = False,
    url: Url = None,
    trust: TrustOption = None,
    pin: PinOption = None,
    json_: Json = False,
) -> None:
    """取最新快照；不可信或更旧的不替换原有的。/ Fetch the newest; one that isn't believed replaces
    nothing."""
    from api.settings import load
    from ledger.errors import InputError
    from notary.snapshot_facts import why_not
    from notary.snapshot_packed import PackedSnapshot
    from scripts.client import connect
    from scripts.snapshots import opened_snapshot

    trusted = believed(trust, pin)
    if trusted is None:
        raise UsageError("cli.snapshot.no_trust")
    seen = None
    if out.is_file():
        with opened_snapshot(out) as before:
            seen = before.sequence
    draft = out.with_name(f".{out.name}.fetched")
    try:
        with connect(load({"public_url": url}).settings.url) as server:
            replace_by(draft, server.pieces("trust/snapshot/packed" if packed else "trust/snapshot"))
        with opened_snapshot(draft) as found:
            refused = why_not(found, trusted, Millis(time.time_ns() // 1_000_000), seen)
            if refused is not None:
                raise InputError("snapshot.not_believed", reason=refused)
            if isinstance(found, PackedSnapshot):
                found.check_all()
            facts = _facts(found)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    payload = output.message("chuzheng-snapshot-fetched/1", "cli.snapshot.fetched", path=str(out), **_few(facts))
    output.finish({**payload, "path": str(out), **facts}, as_json=json_)


@snapshot_app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="快照文件 / snapshot")] = Path("snapshot.json"),
    trust: TrustOption = None,
    pin: PinOption = None,
    json_: Json = False,
) -> int:
    """显示快照的内容概要，以及本机是否采信。/ What a snapshot holds, and whether it is believed here."""
    from ledger.texts import text
    from notary.snapshot_facts import why_not
    from notary.snapshot_packed import PackedSnapshot
    from scripts.snapshots import opened_snapshot

    trusted = believed(trust, pin)
    now = Millis(time.time_ns() // 1_000_000)
    with opened_snapshot(file) as found:
        refused = "no_trust" if trusted is None else why_not(found, trusted, now)
        if isinstance(found, PackedSnapshot) and not refused:
            found.check_all()
        facts = _facts(found)
    old = trusted is not None and now - found.time * 1000 > trusted.max_snapshot_age
    why = None if refused is None else f"reason.{refused}" if refused != "no_trust" else "cli.snapshot.no_trust_here"
    key = "cli.snapshot.refused" if refused else "cli.snapshot.old" if old else "cli.snapshot.believed"
    payload: dict[str, Any] = {
        "schema": "chuzheng-snapshot-shown/1", "ok": refused is None and not old, "code": key,
        **{f"message_{language}": text(key, language, **({} if why is None else {"why": text(why, language)}))
           for language in ("zh", "en")},
    }  # fmt: skip
    lines = [payload[f"message_{output.language()}"], *(f"{name:<13}{value}" for name, value in facts.items())]
    output.result({**payload, **facts, "reason": refused}, "\n".join(lines), as_json=json_)
    return output.EXIT_OK if payload["ok"] else output.EXIT_CANNOT_ASK


def _facts(found: Snapshot | PackedSnapshot) -> dict[str, Any]:
    checkpoints, decisions = found.counted
    return {
        "network": found.network,
        "sequence": found.sequence,
        "hash": found.hash.hex(),
        "block": found.block,
        "time": moment(found.time * 1000),
        "expires": moment(found.expires),
        "logs": len(found.complete_to),
        "checkpoints": checkpoints,
        "decisions": decisions,
        "departments": len(found.departments),
        "erasures": len(found.erasures),
    }


def _few(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("sequence", "block", "decisions")}
