"""`chuzheng log mirror`, `log judge`: a log copied and verified elsewhere; two views of a log held against each other.

Neither needs a data folder or a server of ours: a trust file says whose signature counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ledger.errors import IntegrityError, NotFoundError, UnreadableError
from ledger.types import Millis, Origin
from scripts import output
from scripts.commands.files import read_file
from scripts.commands.options import Json, TokenFile
from scripts.commands.trust import PinOption, TrustOption, believed
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.checkpoint import VerifierKey
    from notary.comparing import Side
    from notary.equivocation import Equivocation, Judgement
    from notary.stores.mirror import Source
    from notary.trust_file import TrustFile

EXIT_WRONG = 21
KeyOption = Annotated[
    str | None, typer.Option("--vkey", help="日志公钥（代替信任文件）/ the log's verifier key, instead of a trust file")
]
ProofsOption = Annotated[
    Path | None, typer.Option("--proofs", help="矛盾证据存放目录 / folder for proofs of contradictions")
]


def register(log_app: App) -> None:
    log_app.command("mirror")(mirror)
    log_app.command("judge")(judge)


def mirror(
    source: Annotated[str, typer.Argument(help="日志的地址或目录 / address or folder of a log")],
    target: Annotated[Path, typer.Argument(help="镜像目录 / folder of the mirror")],
    origin: Annotated[
        str | None,
        typer.Option(help="日志来源；此时地址是楚证服务器 / origin; then the address is a Chuzheng server"),
    ] = None,
    trust: TrustOption = None,
    pin: PinOption = None,
    vkey: KeyOption = None,
    recheck: Annotated[
        bool, typer.Option("--recheck", help="连同已有文件逐一复核并修复 / verify and mend what is there, too")
    ] = False,
    proofs: ProofsOption = None,
    token_file: TokenFile = None,
    json_: Json = False,
) -> None:
    """复制日志并边复制边核验：签名、每个哈希、与上次镜像的一致性；可随时中断再续。/ Copy a log, verifying all of it on
    the way; may be cut off and run again."""
    from notary.stores.equivocations import FOLDER, Equivocations
    from notary.stores.mirror import Mirror

    with opened(source, origin, token_file) as files:
        note = files.checkpoint()
        if note is None:
            raise NotFoundError("mirror.no_checkpoint", origin=origin or source)
        name, keys = keys_for(note, origin, vkey, None if vkey else believed(trust, pin))
        kept: list[Path] = []
        folder = Equivocations(proofs or target.absolute().parent / FOLDER)
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        with output.progress(name, None) as bar:
            task = bar.task_ids[0]
            try:
                done = Mirror(target, name, keys, keep=lambda found: kept.append(folder.keep(found))).update(
                    files, recheck=recheck, progress=lambda at, of: bar.update(task, completed=at, total=of)
                )
            except IntegrityError as error:
                if not kept:
                    raise
                raise IntegrityError("mirror.equivocation", origin=name, path=str(kept[-1])) from error
    payload = output.message(
        "chuzheng-mirrored/1", f"cli.mirror.{done.state}", origin=name, size=done.size, copied=done.copied,
        healed=len(done.healed),
    )  # fmt: skip
    facts = {
        "origin": done.origin, "state": done.state, "before": done.before, "size": done.size, "root": done.root.hex(),
        "copied": done.copied, "healed": list(done.healed), "path": str(target),
    }  # fmt: skip
    output.finish({**payload, **facts}, as_json=json_)


def judge(
    one: Annotated[
        Path, typer.Argument(help="凭证、检查点、镜像目录或矛盾证据 / receipt, checkpoint, mirror, or a kept proof")
    ],
    other: Annotated[
        Path | None, typer.Argument(help="另一方的凭证、检查点或镜像目录 / what somebody else was given")
    ] = None,
    trust: TrustOption = None,
    pin: PinOption = None,
    proofs: ProofsOption = None,
    json_: Json = False,
) -> int:
    """两份材料是否出自同一历史；有矛盾则把双方签名存为证据。/ One history or two: what a log gave two people, compared;
    or a kept proof, judged again. Exit 0 one history, 21 two, 20 can't be said."""
    from notary.comparing import compare
    from notary.equivocation import judge as judge_proof
    from notary.equivocation import parse_equivocation
    from notary.report import Outcome
    from notary.stores.equivocations import FOLDER, Equivocations

    trusted = believed(trust, pin)
    now = Millis(time.time_ns() // 1_000_000)
    if other is None:
        found = parse_equivocation(read_file(one))
        return _told(found, judge_proof(found, trusted, now), one, as_json=json_)
    first, second = read_side(one), read_side(other)
    if first.origin != second.origin:
        raise UsageError("cli.judge.two_logs", one=first.origin, other=second.origin)
    compared = compare(first.origin, first.side, second.side)
    if compared.found is None:
        same = compared.outcome is Outcome.PASS
        key = "cli.judge.one" if same else "cli.judge.unknown"
        payload = output.message("chuzheng-judged/1", key, ok=same, origin=first.origin)
        output.finish({**payload, "origin": first.origin, "outcome": compared.outcome.value}, as_json=json_)
        return output.EXIT_OK if same else output.EXIT_CANNOT_ASK
    judged = judge_proof(compared.found, trusted, now)
    path = one if judged.outcome is Outcome.FAIL else Equivocations(proofs or Path(FOLDER)).keep(compared.found)
    return _told(compared.found, judged, path, as_json=json_)


@dataclass(frozen=True, slots=True)
class Read:
    """What a path turned out to hold."""

    origin: Origin
    side: Side


def read_side(path: Path) -> Read:
    """A folder is a mirror or a log; a file a receipt, a disclosure's receipt or a checkpoint. UnreadableError else."""
    from notary.checkpoint import parse_checkpoint
    from notary.comparing import Side
    from notary.equivocation import SignedHead, pieces_of
    from notary.receipt import parse_receipt
    from notary.stores.tiles import TileLog

    if path.is_dir():
        note = read_file(path / "checkpoint").decode("utf-8", "replace")
        origin = Origin(parse_checkpoint(note).origin)
        return Read(origin, Side((SignedHead(note),), TileLog(path, origin)))
    data = read_file(path)
    if data.lstrip()[:1] == b"{":
        receipt = parse_receipt(data)
        return Read(receipt.origin, Side(tuple(pieces_of(receipt))))
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("note.form") from None
    return Read(Origin(parse_checkpoint(note).origin), Side((SignedHead(note),)))


def keys_for(
    note: str, origin: str | None, vkey: str | None, trust: TrustFile | None
) -> tuple[Origin, list[VerifierKey]]:
    """The log that the note is of, and the keys that may have signed it. UsageError where none is known."""
    from notary.checkpoint import VerifierKey, parse_checkpoint, parse_vkey

    found = parse_checkpoint(note).origin
    if origin is not None and origin != found:
        raise IntegrityError("log.origin", expected=origin, found=found)
    if vkey is not None:
        return Origin(found), [parse_vkey(vkey)]
    keys = [] if trust is None else [VerifierKey(key.name, key.ed25519) for key in trust.keys_of(found)]
    if not keys:
        raise UsageError("cli.mirror.no_key", origin=found)
    return Origin(found), keys


@contextmanager
def opened(source: str, origin: str | None, token_file: Path | None) -> Iterator[Source]:
    """A source of a log's files, by address or folder."""
    from notary.stores.mirror import FolderSource
    from scripts.client import read_token
    from scripts.log_source import HttpSource

    if not source.startswith(("http://", "https://")):
        folder = Path(source)
        if not folder.is_dir():
            raise UsageError("cli.mirror.no_source", path=source[:200])
        yield FolderSource(folder)
        return
    prefix = source if origin is None else f"{source.rstrip('/')}/api/v1/logs/{quote(origin, safe='')}"
    files = HttpSource(prefix, None if token_file is None else read_token(token_file))
    try:
        yield files
    finally:
        files.close()


def _told(found: Equivocation, judged: Judgement, path: Path, *, as_json: bool) -> int:
    from notary.report import Outcome

    key = f"cli.judge.proof.{judged.code}"
    payload: dict[str, Any] = output.message(
        "chuzheng-judged/1", key, ok=judged.outcome is Outcome.PASS, origin=found.origin, path=str(path)
    )
    lines = [f"{output.words(f'cli.judge.what.{found.what.value}')}", payload[f"message_{output.language()}"]]
    facts = {"origin": found.origin, "what": found.what.value, "outcome": judged.outcome.value, "path": str(path)}
    output.result({**payload, **facts}, "\n".join(lines), as_json=as_json)
    codes = {Outcome.PASS: EXIT_WRONG, Outcome.FAIL: output.EXIT_UNREADABLE}
    return codes.get(judged.outcome, output.EXIT_CANNOT_ASK)
