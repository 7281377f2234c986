"""`chuzheng trust`: whom a verifier believes, shown and updated along the chain of signed versions (formats.md §8).

Beside `trust.json` lie `trust.json.seen`, the highest version ever accepted, so that an older file put back is noticed,
and the versions that led to it. Two that contradict each other are both kept beside it, and nothing is replaced.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts import output
from scripts.commands.files import alone, read_file, replace_file
from scripts.commands.options import Home, Json
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.trust_chain import ForkedError
    from notary.trust_file import TrustFile

_PIN = re.compile(r"[0-9a-f]{64}")

trust_app = App(help="信任文件。/ The trust file: whom you believe.")

TrustOption = Annotated[
    Path | None, typer.Option("--trust", help="信任文件 / trust file", envvar="CHUZHENG_TRUST_FILE")
]
PinOption = Annotated[
    str | None,
    typer.Option(
        "--pin", help="信任文件的公告哈希（64 位十六进制）/ hash from the notice", envvar="CHUZHENG_TRUST_PIN"
    ),
]


@trust_app.command("show")
def trust_show(
    file: Annotated[
        Path | None, typer.Argument(help="信任文件，默认本机的 / trust file, default: this machine's")
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """显示信任文件内容与哈希，与官方公告核对。/ Show it and its hash, to compare with the official notice."""
    from api.trust_memory import seen_beside
    from notary.trust import read_trust, trust_hash
    from notary.trust_chain import check_seen

    path = file or default_trust(home)
    trust = read_trust(read_file(path))
    check_seen(trust, seen_beside(path))
    facts: dict[str, Any] = {
        "path": str(path), "hash": trust_hash(trust).hex(), "network": trust.network, "chain_id": trust.chain_id,
        "genesis_hash": trust.genesis_hash, "finality": trust.finality, "sequence": trust.sequence,
        "as_of_block": trust.as_of_block, "validators": len(trust.validators),
        "issued_at": moment(trust.issued_at), "expires": moment(trust.expires),
        "council": f"{trust.threshold}/{len(trust.council)}", "logs": len(trust.log_keys),
        "contracts": {c.name: c.address for c in trust.contracts},
    }  # fmt: skip
    payload = {**output.message("chuzheng-trust-shown/1", "cli.trust.compare"), **facts}
    lines = [f"{name:<13}{value}" for name, value in facts.items() if name != "contracts"]
    lines += [f"{'contract':<13}{name} {address}" for name, address in facts["contracts"].items()]
    lines.append(payload[f"message_{output.language()}"])
    output.result(payload, "\n".join(lines), as_json=json_)


@trust_app.command("update")
def trust_update(
    new: Annotated[
        list[Path],
        typer.Argument(
            help="新信任文件或装有各版的文件夹 / the new trust file, or a folder of versions; all between, too"
        ),
    ],
    current: TrustOption = None,
    pin: PinOption = None,
    json_: Json = False,
) -> None:
    """核对新文件由旧文件延续而来，再替换。/ Replace the trust file by one that provably follows it."""
    from api.trust_memory import seen_beside, seen_path
    from ledger.errors import InputError
    from notary.trust import parse_trust, read_trust, trust_hash
    from notary.trust_chain import ForkedError, Seen, follow

    path = current or default_trust(None)
    if current is None and not path.exists() and not path.parent.is_dir():
        path = Path("trust.json")  # a verifier without a data folder
    offered = {
        trust_hash(trust): (trust, data) for data in map(read_file, _files(new)) for trust in [parse_trust(data)]
    }
    if not offered:
        raise InputError("trust.none")
    # One after the other: who read the version before, and writes after a newer one came, would put an older one back.
    with alone(path.parent) if path.parent.is_dir() else nullcontext():
        seen = seen_beside(path)
        if path.exists():
            before = trust = read_trust(read_file(path))
        elif pin is None:
            raise UsageError("cli.trust.pin_needed")
        else:
            before, (trust, data) = None, _pinned(offered, _pin(pin))
            read_trust(data, pinned=_pin(pin))
        try:
            trust = follow(trust, [each for each, _ in offered.values()], seen)
        except ForkedError as fork:
            _keep_both(path, fork, {h: data for h, (_, data) in offered.items()})
            raise
        changed = before is None or trust_hash(trust) != trust_hash(before)
        # The memory first: a crash between the two leaves a file that is older than what was seen, which is told.
        replace_file(seen_path(path), Seen.of(trust).to_json())
        if before is not None:
            offered.setdefault(trust_hash(before), (before, read_file(path)))
        _keep_versions(path, trust, offered)
        if changed:
            replace_file(path, offered[trust_hash(trust)][1])
    payload = output.message(
        "chuzheng-trust-updated/1", "cli.trust.updated" if changed else "cli.trust.unchanged", path=str(path),
        sequence=trust.sequence, hash=trust_hash(trust).hex(),
    )  # fmt: skip
    output.finish({**payload, "path": str(path), "sequence": trust.sequence}, as_json=json_)


def _files(given: list[Path]) -> list[Path]:
    """The files named, and every `*.json` of the folders named."""
    return [file for path in given for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]


def _pinned(offered: dict[Any, tuple[TrustFile, bytes]], pin: bytes) -> tuple[TrustFile, bytes]:
    """The one that the notice names; where none is it, the oldest, whose hash is then told to be wrong."""
    oldest = min(offered.values(), key=lambda each: each[0].sequence)
    return offered.get(pin, oldest)


def _keep_versions(path: Path, newest: TrustFile, offered: dict[Any, tuple[TrustFile, bytes]]) -> None:
    """Keep the versions that lead to `newest`, each under its number, so that `--pin` of an earlier one still holds."""
    from api.trust_memory import version_path
    from notary.trust import trust_hash

    each: TrustFile | None = newest
    while each is not None and (known := offered.get(trust_hash(each))) is not None:
        if not (kept := version_path(path, each.sequence)).exists():
            replace_file(kept, known[1])
        each = next((t for t, _ in offered.values() if trust_hash(t) == known[0].previous), None)


def _keep_both(path: Path, fork: ForkedError, offered: dict[Any, bytes]) -> None:
    """Write both sides of a fork beside the trust file, named by sequence and hash, and say where they are."""
    from notary.trust import trust_hash

    for side in fork.pair:
        if side is None:
            continue
        digest = trust_hash(side)
        kept = path.with_name(f"{path.stem}-{side.sequence:06d}-{digest.hex()[:16]}.fork.json")
        replace_file(kept, offered[digest] if digest in offered else read_file(path))
        output.say("cli.trust.kept", path=kept)


def default_trust(home: Path | None) -> Path:
    """Where this machine's trust file is: `trust.json` here, else the data folder's."""
    here = Path("trust.json")
    if home is None and here.is_file():
        return here
    from api.settings import load

    return load({"home": home}).settings.trust_path


def trust_path(path: Path | None) -> Path:
    """The file that was named, or this machine's."""
    return path or default_trust(None)


def moment(at: int) -> str:
    """Milliseconds as Asia/Shanghai time with offset."""
    import datetime as dt

    return dt.datetime.fromtimestamp(at / 1000, dt.timezone(dt.timedelta(hours=8))).isoformat(timespec="seconds")


def believed(path: Path | None, pin: str | None) -> TrustFile | None:
    """The trust file that verification rests on; without one every check that rests on it is `unknown`."""
    from api.trust_memory import seen_beside, verify_pinned
    from notary.trust import parse_trust, read_trust

    chosen = path or default_trust(None)
    if path is None and not chosen.is_file():
        output.say("cli.trust.none")
        return None
    data = read_file(chosen)
    trust = read_trust(data) if pin is None else verify_pinned(chosen, parse_trust(data), _pin(pin))
    if (seen := seen_beside(chosen)) is not None:
        from notary.trust_chain import check_seen

        check_seen(trust, seen)
    return trust


def _pin(text: str) -> bytes:
    if not _PIN.fullmatch(text):
        raise UsageError("trust.pin_form")
    return bytes.fromhex(text)
