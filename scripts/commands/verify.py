"""`chuzheng verify`, `disclose`, `trust`: judging what somebody was handed, with a trust file and nothing else of ours.

The judging of one receipt starts no HTTP client, no web framework and no chain library unless the network is wanted.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import InputError, UnavailableError
from ledger.types import Millis
from scripts import output
from scripts.commands.files import SUFFIXES, beside, check_readable, read_file, replace_file, write_new
from scripts.commands.options import Home, Json, RpcUrl, Url
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from api.verifications.submission import Submission
    from notary.evidence import Presented
    from notary.report import Report
    from notary.trust_file import TrustFile

_IDENTIFIER = re.compile(r"1\.2\.156\.3005\.2\.[^/\\]+")
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


def register(app: App) -> None:
    app.command("verify")(verify)
    app.command("disclose")(disclose)
    app.add_typer(trust_app, name="trust")


def verify(
    what: Annotated[
        str, typer.Argument(help="文件、凭证、记录、披露件或证照标识 / file, receipt, record, disclosure, identifier")
    ],
    record: Annotated[Path | None, typer.Option(help="记录文件，默认取同名文件 / record, default: beside it")] = None,
    receipt: Annotated[Path | None, typer.Option(help="凭证文件，默认取同名文件 / receipt, default: beside it")] = None,
    disclosure: Annotated[Path | None, typer.Option(help="披露件 / disclosure that shows the file's digests")] = None,
    at: Annotated[
        str | None, typer.Option(help="核验日期 YYYY-MM-DD，默认现在 / date asked about, default: now")
    ] = None,
    trust: TrustOption = None,
    pin: PinOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="不联网 / ask nobody")] = False,
    rpc_url: RpcUrl = None,
    url: Url = None,
    shown: Annotated[
        str | None,
        typer.Option(
            help="个人证照：证件号后四位或签发日期 / person's certificate: last four digits, or date of issue"
        ),
    ] = None,
    json_: Json = False,
) -> int:
    """核验：结论在先，四问在后。退出码即结论。/ Verify; the exit code is the verdict."""
    if _IDENTIFIER.fullmatch(what) and not Path(what).exists():
        _instant(at)
        if offline:
            raise UsageError("cli.identifier_offline")
        return _ask_server(what, shown, at, url, as_json=json_)
    submission = _gather(Path(what), record, receipt, disclosure, at)
    believed = _read_trust(trust, pin)
    report = _judge(submission, believed, offline, rpc_url, url)
    return _show(report, as_json=json_)


def _gather(
    path: Path, record: Path | None, receipt: Path | None, disclosure: Path | None, at: str | None
) -> Submission:
    """What `path` is, and what lies beside it under the same name."""
    from api.verifications.submission import Submission, add_file

    found = Submission(at=_instant(at))
    paths = [path, *(p for p in (record, receipt, disclosure) if p is not None)]
    for each in paths:
        size = check_readable(each)
        if size == 0 and each.name.endswith(SUFFIXES):
            raise InputError("file.empty", path=str(each))
        with each.open("rb") as file:
            found = add_file(found, each.name, size, file)
    for suffix, have in (
        (".disclosure.json", found.disclosure or found.record or not found.file),
        (".receipt.json", found.receipt or found.disclosure),
        (".record.json", found.record or found.disclosure),
    ):
        neighbour = beside(path, suffix)
        if not have and neighbour.is_file() and neighbour not in paths:
            with neighbour.open("rb") as file:
                found = add_file(found, neighbour.name, neighbour.stat().st_size, file)
    return found.check()


def _instant(at: str | None) -> Millis | None:
    """A day or a time; UsageError names what was given."""
    from api.verifications.submission import instant

    try:
        return instant(at)
    except InputError:
        raise UsageError("cli.day", text=(at or "")[:40]) from None


def _judge(
    submission: Submission, trust: TrustFile | None, offline: bool, rpc_url: str | None, url: str | None
) -> Report:
    from api.verifications.submission import present
    from notary.evidence import Evidence
    from notary.verify import verify as judge

    presented = present(submission)
    now = Millis(time.time_ns() // 1_000_000)
    evidence = Evidence() if offline or trust is None else _collect(presented, trust, now, rpc_url, url)
    return judge(presented, evidence, trust, submission.at if submission.at is not None else now, now)


def _collect(presented: Presented, trust: TrustFile, now: Millis, rpc_url: str | None, url: str | None) -> Any:
    """Evidence from a chain node and, for what isn't included yet, from the log's own files over HTTP."""
    from api.settings import load
    from notary.collect import Collector
    from scripts.remote import chain_of, log_of

    settings = load({"rpc_url": rpc_url, "public_url": url}).settings
    return Collector(chain_of(settings.rpc_url, trust), log_of(settings.url)).collect(presented, trust, now)


def _show(report: Report, *, as_json: bool) -> int:
    from notary.report_json import to_json
    from notary.report_text import report_text

    if as_json:
        output.emit(json.loads(to_json(report)))
    else:
        print(report_text(report, output.language()))
    return report.exit_code


def _ask_server(identifier: str, shown: str | None, at: str | None, url: str | None, *, as_json: bool) -> int:
    """An identifier alone: the status answer of the server that keeps the log. The body, not the address, holds it."""
    from api.settings import load
    from scripts.client import connect

    asked = {"identifier": identifier, "shown": shown, "at": at}
    with connect(load({"public_url": url}).settings.url) as server:
        answer = server.post_json("verifications", {k: v for k, v in asked.items() if v is not None})
    text, code = answer.get(f"text_{output.language()}"), answer.get("exit_code")
    if not isinstance(text, str) or not isinstance(code, int):
        raise UnavailableError("cli.server_answer", url=server.url, status=200)
    output.result(answer, text, as_json=as_json)
    return code


def disclose(
    receipt: Annotated[Path, typer.Argument(help="含盐的凭证 / receipt with its salt")],
    fields: Annotated[str, typer.Option(help="要出示的成员，逗号分隔 / members to show, separated by commas")],
    record: Annotated[Path | None, typer.Option(help="记录文件，默认取同名文件 / record, default: beside it")] = None,
    out: Annotated[Path | None, typer.Option(help="输出文件 / file to write")] = None,
    json_: Json = False,
) -> None:
    """只出示部分内容，其余不可推知。/ Show a part of a record; the rest can't be guessed."""
    from notary.canonical import parse_record
    from notary.disclosure import make_disclosure
    from notary.receipt import parse_receipt

    if not receipt.name.endswith(".receipt.json") and beside(receipt, ".receipt.json").is_file():
        receipt = beside(receipt, ".receipt.json")
    source = record or beside(receipt, ".record.json")
    members, proof = parse_record(read_file(source)), parse_receipt(read_file(receipt))
    if proof.salt is None:
        raise InputError("cli.no_salt", path=str(receipt))
    names = [name.strip() for name in fields.replace("，", ",").split(",") if name.strip()]
    data = make_disclosure(members, proof.salt, names, proof)
    target = out or beside(receipt, ".disclosure.json")
    write_new(target, data)
    shown = ", ".join(member["name"] for member in json.loads(data)["members"])
    payload = output.message("chuzheng-disclosed/1", "cli.disclosed", path=str(target), shown=shown)
    output.finish({**payload, "path": str(target)}, as_json=json_)
    if proof.anchor is None:
        output.say("cli.disclosed.early", path=receipt)


@trust_app.command("show")
def trust_show(
    file: Annotated[
        Path | None, typer.Argument(help="信任文件，默认本机的 / trust file, default: this machine's")
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """显示信任文件内容与哈希，与官方公告核对。/ Show it and its hash, to compare with the official notice."""
    from notary.trust import read_trust, trust_hash

    path = file or default_trust(home)
    trust = read_trust(read_file(path))
    facts: dict[str, Any] = {
        "path": str(path), "hash": trust_hash(trust).hex(), "network": trust.network, "chain_id": trust.chain_id,
        "genesis_hash": trust.genesis_hash, "finality": trust.finality, "sequence": trust.sequence,
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
        list[Path], typer.Argument(help="新信任文件；隔了几版就都给出 / the new trust file; all that came between, too")
    ],
    current: TrustOption = None,
    pin: PinOption = None,
    json_: Json = False,
) -> None:
    """核对新文件由旧文件延续而来，再替换。/ Replace the trust file by one that provably follows it."""
    from notary.trust import parse_trust, read_trust, trust_hash, verify_next

    path = current or default_trust(None)
    if current is None and not path.exists() and not path.parent.is_dir():
        path = Path("trust.json")  # a verifier without a data folder
    files = sorted(((parse_trust(data), data) for data in map(read_file, new)), key=lambda each: each[0].sequence)
    if path.exists():
        trust, data = read_trust(read_file(path)), b""
    elif pin is None:
        raise UsageError("cli.trust.pin_needed")
    else:
        _, data = files.pop(0)
        trust = read_trust(data, pinned=_pin(pin))
    for follower, its_bytes in files:
        if follower.sequence < trust.sequence or trust_hash(follower) == trust_hash(trust):
            continue  # an earlier one, or the one at hand again
        verify_next(trust, follower)
        trust, data = follower, its_bytes
    if data:
        replace_file(path, data)
    payload = output.message(
        "chuzheng-trust-updated/1", "cli.trust.updated" if data else "cli.trust.unchanged", path=str(path),
        sequence=trust.sequence, hash=trust_hash(trust).hex(),
    )  # fmt: skip
    output.finish({**payload, "path": str(path), "sequence": trust.sequence}, as_json=json_)


def default_trust(home: Path | None) -> Path:
    """Where this machine's trust file is: `trust.json` here, else the data folder's."""
    here = Path("trust.json")
    if home is None and here.is_file():
        return here
    from api.settings import load

    return load({"home": home}).settings.trust_path


def moment(at: int) -> str:
    """Milliseconds as Asia/Shanghai time with offset."""
    import datetime as dt

    return dt.datetime.fromtimestamp(at / 1000, dt.timezone(dt.timedelta(hours=8))).isoformat(timespec="seconds")


def _read_trust(path: Path | None, pin: str | None) -> TrustFile | None:
    """The trust file that verification rests on; without one every check that rests on it is `unknown`."""
    from notary.trust import read_trust

    chosen = path or default_trust(None)
    if path is None and not chosen.is_file():
        output.say("cli.trust.none")
        return None
    return read_trust(read_file(chosen), pinned=None if pin is None else _pin(pin))


def _pin(text: str) -> bytes:
    if not _PIN.fullmatch(text):
        raise UsageError("trust.pin_form")
    return bytes.fromhex(text)
