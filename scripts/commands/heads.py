"""`chuzheng log heads`, `log check-heads`: a network's heads as another log keeps them, handed out and compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ledger.errors import ConfigurationError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.types import Digest, Millis, Origin
from scripts import output
from scripts.commands.files import beside, make_folder, read_file, write_new
from scripts.commands.options import Home, Json, RpcUrl
from scripts.commands.trust import PinOption, TrustOption, believed
from scripts.help import App

if TYPE_CHECKING:
    from notary.evidence import Unavailable
    from notary.network_heads import HeadCheck, LogHead
    from notary.trust_file import TrustFile

    Told = Callable[[LogHead], Digest | Unavailable | None]

EXIT_WRONG = 21


def register(log_app: App) -> None:
    log_app.command("heads")(heads)
    log_app.command("check-heads")(check)


def heads(
    day: Annotated[str, typer.Argument(help="日期 YYYY-MM-DD / day")],
    out: Annotated[Path, typer.Option(help="输出目录 / folder to write into")] = Path("heads"),
    network: Annotated[str | None, typer.Option(help="网络名，默认本网络 / network, default: our own")] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """取出某日收录的全网日志头：记录和凭证，可交给任何人核对。/ A day's heads of the network, as head_log keeps them:
    record and receipt, for anybody to compare."""
    from api.settings import load
    from api.wiring import deployment_of, open_parts
    from notary.canonical import canonicalise
    from notary.head_keeping import kept_heads

    settings = load({"home": home}).settings
    if not settings.head_log:
        raise ConfigurationError("heads.no_log", origin="-")
    name = network or deployment_of(settings).network
    with open_parts(settings) as parts:
        found = kept_heads(parts.the_notary(), Origin(settings.head_log), name, day)
    make_folder(out)
    files = []
    for number, kept in enumerate(found, 1):
        part = f".{number}" if len(found) > 1 else ""
        path = out / f"{quote(name, safe='')}-{day}{part}.record.json"
        write_new(path, canonicalise(kept.record))
        write_new(beside(path, ".receipt.json"), kept.receipt.to_json())
        files.append(str(path))
    payload = output.message(
        "chuzheng-heads/1", "cli.heads.written", network=name, day=day, count=len(files), path=str(out)
    )
    output.finish({**payload, "files": files}, as_json=json_)


def check(
    record: Annotated[Path, typer.Argument(help="记录文件，旁边有其凭证 / record, its receipt beside it")],
    trust: TrustOption = None,
    pin: PinOption = None,
    kept_trust: Annotated[
        Path | None, typer.Option(help="收录方网络的信任文件，默认同 --trust / of the network that keeps it")
    ] = None,
    mirror: Annotated[list[Path] | None, typer.Option(help="镜像目录，可多个 / folders of mirrors")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="不问链，只用镜像 / mirrors only, no chain")] = False,
    rpc_url: RpcUrl = None,
    json_: Json = False,
) -> int:
    """收录的日志头与现在的链、镜像是否同一历史。/ Whether the kept heads and what is held now are one history.
    Exit 0 one, 21 rewritten, 20 can't be said."""
    from notary.canonical import parse_record
    from notary.network_heads import check_heads, kept_by, parse_heads
    from notary.receipt import parse_receipt
    from notary.report import Outcome

    trusted = believed(trust, pin)
    keeping = believed(kept_trust, None) if kept_trust is not None else trusted
    members, receipt = parse_record(read_file(record)), parse_receipt(read_file(beside(record, ".receipt.json")))
    if (why := kept_by(members, receipt)) is not None:
        raise InputError("heads.not_kept", reason=why)
    _require_signed(receipt.checkpoint or "", receipt.origin, keeping)
    found = parse_heads(members)
    told: list[Told] = [_mirror(path) for path in mirror or []]
    if not offline and trusted is not None:
        told.append(_chain(rpc_url, trusted))
    checks = list(check_heads(found.heads, told))
    by = {outcome: [c for c in checks if c.outcome is outcome] for outcome in Outcome}
    wrong, unknown = by[Outcome.FAIL], by[Outcome.UNKNOWN]
    key, count = ("cli.heads.differ", len(wrong)) if wrong else ("cli.heads.one", len(checks))
    if not wrong and (unknown or not checks):
        key, count = "cli.heads.unknown", len(unknown)
    code = {"cli.heads.differ": EXIT_WRONG, "cli.heads.one": output.EXIT_OK}.get(key, output.EXIT_CANNOT_ASK)
    payload = output.message(
        "chuzheng-heads-checked/1", key, ok=code == 0, day=found.day, count=count, origin=receipt.origin
    )
    lines = [f"{_MARKS[c.outcome.value]} {c.head.origin}  {c.head.size:,}" for c in checks]
    lines.append(payload[f"message_{output.language()}"])
    facts = {"network": found.network, "day": found.day, "block": found.block.number, "kept_by": receipt.origin,
             "index": receipt.index, "heads": [_json(c) for c in checks]}  # fmt: skip
    output.result({**payload, **facts}, "\n".join(lines), as_json=json_)
    return code


_MARKS = {"pass": "OK ", "fail": "!! ", "unknown": "?  ", "skipped": "-  "}


def _json(check: HeadCheck) -> dict[str, Any]:
    head = check.head
    found = None if check.found is None else check.found.hex()
    return {"origin": head.origin, "size": head.size, "root": head.root.hex(), "outcome": check.outcome.value,
            "found": found}  # fmt: skip


def _require_signed(note: str, origin: str, trust: TrustFile | None) -> None:
    from notary.checks.log import signed_by_log

    now = Millis(time.time_ns() // 1_000_000)
    if trust is None or trust.expired(now) or not signed_by_log(note, origin, trust):
        raise IntegrityError("heads.not_signed", origin=origin)


def _mirror(folder: Path) -> Told:
    """What a mirror has at a size; None for another log's head, or beyond what it has."""
    from notary.checkpoint import parse_checkpoint
    from notary.evidence import Unavailable
    from notary.stores.tiles import TileLog

    origin = Origin(parse_checkpoint(read_file(folder / "checkpoint").decode("utf-8", "replace")).origin)
    log = TileLog(folder, origin)

    def told(head: LogHead) -> Digest | Unavailable | None:
        if head.origin != origin:
            return None
        try:
            return log.root(head.size)
        except NotFoundError:
            return None
        except (IntegrityError, UnavailableError) as error:
            return Unavailable(error.code)

    return told


def _chain(rpc_url: str | None, trust: TrustFile) -> Told:
    """What the trust file's chain holds; everything unknown where it is another chain or doesn't answer."""
    from api.settings import load
    from notary.entry import log_id
    from notary.evidence import Unavailable
    from scripts.remote import chain_of

    chain = chain_of(load({"rpc_url": rpc_url}).settings.rpc_url, trust)
    try:
        same = (chain.chain_id(), chain.genesis_hash()) == (trust.chain_id, trust.genesis_hash)
        why = None if same else "chain.other"
    except UnavailableError as error:
        why = error.code

    def told(head: LogHead) -> Digest | Unavailable | None:
        if why is not None:
            return Unavailable(why)
        try:
            return chain.anchored_root(log_id(head.origin), head.size)
        except UnavailableError as error:
            return Unavailable(error.code)

    return told
