"""`chuzheng bundle make`, `chuzheng verify --bundle`: all that a matter rests on in one file, and its judging.

Every part is judged as if it had been given alone; the bundle's answer is its worst part's. The bundle's own snapshot
and events answer where nobody else is asked.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from ledger.errors import InputError
from ledger.texts import Language, text
from ledger.types import Digest, Millis, Origin
from scripts import output
from scripts.commands.files import new_file, open_file, read_file, write_new
from scripts.commands.judging import Asked, judge_presented
from scripts.commands.options import Erasures, Home, Json, RpcUrl, TokenFile, Url
from scripts.commands.trust import PinOption, TrustOption, believed, trust_path
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.exports.bundle_writing import Contents
    from notary.exports.evidence_bundle import EvidenceBundle
    from notary.report import Report
    from scripts.client import Client

bundle_app = App(help="证据包。/ Evidence bundles.")
_GRANT = re.compile(r"[0-9a-f]{64}", re.ASCII)
SHARES = "ShareAuthorisations"


def register(app: App) -> None:
    app.add_typer(bundle_app, name="bundle")


@bundle_app.command("make")
def make(
    out: Annotated[Path, typer.Argument(help="要写的证据包，如 a.bundle.zip / file to write")],
    what: Annotated[
        list[Path] | None, typer.Argument(help="披露件、凭证、事件文件 / disclosures, receipts, event files")
    ] = None,
    grant: Annotated[
        str | None, typer.Option(help="共享授权的链上编号，取其全部事件 / a grant's id: all its events")
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option(help="快照：离线时证明签发资格与状态 / snapshot, for issuer and status offline")
    ] = None,
    erasures: Erasures = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="不问服务器：决定的事件、删除清单 / ask no server: events, erasures")
    ] = False,
    home: Home = None, url: Url = None, token_file: TokenFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """把披露件、凭证（去盐）、决定及其证明装成一个证据包。/ Disclosures, receipts without salts, decisions
    with proofs, in one file."""
    from notary.exports.bundle_writing import write_bundle
    from scripts.erased import ask_at_hand

    if grant is not None and not _GRANT.fullmatch(grant):
        raise UsageError("audit.form")
    if grant is not None and offline:
        raise UsageError("cli.bundle.grant_offline")
    shown = _disclosed(what or [])
    origins = [origin for origin, _, _ in shown]
    lists = [*(erasures or []), *([] if snapshot is None else [snapshot])]
    asked = ask_at_hand(origins, lists, home, None if offline else (url, token_file))
    asked.refuse(shown)
    with new_file(out) as file, TemporaryFile() as kept:
        made = write_bundle(file, _contents(what or [], grant, snapshot, offline, url, token_file, kept))
        facts = {
            "path": str(out), "sha256": made.sha256.hex(), "disclosures": len(made.disclosures),
            "receipts": len(made.receipts), "events": len(made.events), "snapshot": made.snapshot is not None,
            "lacking": sorted(made.lacking), "erasures": asked.as_json(origins),
        }  # fmt: skip
    payload = output.message("chuzheng-bundle-made/1", "cli.bundle.made", path=str(out), sha256=facts["sha256"])
    output.finish({**payload, **facts}, as_json=json_)
    for each in sorted(made.lacking):
        output.say(f"cli.bundle.lacking.{each}")
    asked.say_unasked(origins)


def _disclosed(what: list[Path]) -> list[tuple[Origin, int, str]]:
    """(log, index, path) of every disclosure: what shows something of a record. A receipt without its salt doesn't, and
    proves the registration of an erased record too."""
    from notary.disclosure import parse_disclosure

    paths = [path for path in what if path.name.endswith(".disclosure.json")]
    receipts = [parse_disclosure(read_file(path)).receipt for path in paths]
    return [(receipt.origin, receipt.index, str(path)) for receipt, path in zip(receipts, paths, strict=True)]


def _contents(
    what: list[Path], grant: str | None, snapshot: Path | None, offline: bool, url: str | None, token: Path | None,
    kept: BinaryIO,
) -> Contents:  # fmt: skip
    """The files and, into `kept`, the events that the server has about them; each is read again when it is written."""
    from api.settings import load
    from notary.disclosure import parse_disclosure
    from notary.entry import parse_origin, status_key
    from notary.event_proof import parse_event
    from notary.exports.bundle_writing import Contents, Part
    from notary.receipt import parse_receipt
    from notary.snapshot import MAX_BYTES
    from scripts.client import connect, read_token

    disclosures, receipts, events, lacking = list[Part](), list[Part](), list[Part](), set[str]()
    places, networks = set[str](), list[str]()
    for path in what:
        data, part = read_file(path), partial(read_file, path)
        if path.name.endswith(".event.json"):
            events.append(part)
            networks.append(parse_event(data).network)
            continue
        if path.name.endswith(".disclosure.json"):
            disclosures.append(part)
            receipt = parse_disclosure(data).receipt
        elif path.name.endswith(".receipt.json"):
            receipts.append(part)
            receipt = parse_receipt(data)
        else:
            raise InputError("cli.bundle.kind", path=str(path))
        places.add(f"statuses/{status_key(receipt.entry.issuer, receipt.entry.sha256).hex()}/events")
        networks.append(parse_origin(receipt.origin).network)
    if offline:
        lacking.add("events_unasked")
    else:
        places |= set() if grant is None else {f"audit/events/{SHARES}/{grant}"}
        with connect(load({"public_url": url}).settings.url, read_token(token) if grant else None) as server:
            for place in sorted(places):
                found, waiting = _events(server, place)
                events += [_keep(kept, each) for each in found]
                networks += [parse_event(each).network for each in found[:1]]
                lacking |= {"events_waiting"} if waiting else set()
    if grant is not None:
        lacking.add("gateway_logs")
    if not networks:
        raise InputError("bundle.empty")
    return Contents(
        networks[0], disclosures, receipts, events,
        None if snapshot is None else partial(read_file, snapshot, MAX_BYTES),
        None if grant is None else Digest(bytes.fromhex(grant)), frozenset(lacking),
    )  # fmt: skip


def _keep(kept: BinaryIO, data: bytes) -> Callable[[], bytes]:
    """`data` behind what `kept` has, to be read from there."""
    begin = kept.seek(0, 2)
    kept.write(data)

    def again() -> bytes:
        kept.seek(begin)
        return kept.read(len(data))

    return again


def _events(server: Client, place: str) -> tuple[list[bytes], int]:
    from notary.event_proof import parse_event

    answer = server.get_json(place)
    found = answer.get("events")
    if not isinstance(found, list):
        return [], 0
    return [parse_event(json.dumps(each).encode()).to_json() for each in found], int(answer.get("waiting", 0))


@bundle_app.command("certificate")
def certificate(
    file: Annotated[Path, typer.Argument(help="证据包 / evidence bundle")],
    part: Annotated[str | None, typer.Option(help="证明哪个成员 / the member that the page is about")] = None,
    show: Annotated[
        str, typer.Option(help="印出披露件的哪些内容，逗号分隔，默认不印 / members to print, default: none")
    ] = "",
    operator: Annotated[
        str | None, typer.Option(help="运行单位，默认取设置 / the operator, default: as in the settings")
    ] = None,
    issuer_name: Annotated[str | None, typer.Option("--issuer-name", help="登记单位名称 / the issuer's name")] = None,
    english: Annotated[bool, typer.Option("--english", help="英文版 / in English")] = False,
    out: Annotated[Path | None, typer.Option(help="输出文件 / file to write")] = None,
    trust: TrustOption = None,
    pin: PinOption = None,
    snapshot: Annotated[Path | None, typer.Option(help="快照 / snapshot")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="不联网 / ask nobody")] = False,
    rpc_url: RpcUrl = None,
    url: Url = None,
    json_: Json = False,
) -> int:
    """出具一页存证证明（PDF），与证据包一并提交。/ One page about a part of a bundle, for a court or an audit (PDF)."""
    from notary.exports.evidence_bundle import read_bundle
    from scripts.commands.certificate import make_certificate

    asked = Asked(believed(trust, pin), trust_path(trust), snapshot, rpc_url, url, offline)
    names = [each.strip() for each in show.replace("，", ",").split(",") if each.strip()]
    with open_file(file) as opened:
        bundle = read_bundle(opened)
        name = _chosen(part, bundle)
        disclosure = bundle.disclosures.get(name)
        receipt = bundle.receipts[name] if disclosure is None else disclosure.receipt
        made = make_certificate(
            bundle, receipt, disclosure, asked=asked, names=names, operator=operator, issuer_name=issuer_name,
            english=english,
        )  # fmt: skip
    target = out or file.with_name(f"{file.name.removesuffix('.zip').removesuffix('.bundle')}.certificate.pdf")
    write_new(target, made.data)
    payload = output.message(
        "chuzheng-certificate/1", "cli.certificate.made", path=str(target), number=made.number, verdict=made.verdict
    )
    facts = {"path": str(target), "number": made.number, "part": name, "exit_code": made.code}
    output.finish({**payload, **facts}, as_json=json_)
    if not made.operator:
        output.say("cli.certificate.no_operator")
    return output.EXIT_OK


def _chosen(part: str | None, bundle: EvidenceBundle) -> str:
    """The member that was named; else the only disclosure, else the only receipt."""
    known = [*bundle.disclosures, *bundle.receipts]
    first = list(bundle.disclosures) or known
    if part in known:
        return str(part)
    if part is not None or len(first) != 1:
        raise UsageError("cli.certificate.which", count=len(known), names=", ".join(sorted(known)[:50]) or "-")
    return first[0]


def judge_bundle(path: Path, asked: Asked, at: Millis | None, *, as_json: bool) -> int:
    """Judge every part and print what came of it; the exit code is the worst part's."""
    from notary.event_proof import judge_event
    from notary.evidence import Presented
    from notary.export_reports import bundle_value
    from notary.exports.bundle_judging import worst
    from notary.exports.evidence_bundle import parts_of, read_bundle
    from notary.report import EXIT_CODES

    now = Millis(time.time_ns() // 1_000_000)
    reports: dict[str, Report] = {}
    with open_file(path) as opened:
        bundle = read_bundle(opened)
        for name, receipt, disclosure in parts_of(bundle):
            presented = Presented(receipt, disclosure=disclosure)
            reports[name] = judge_presented(presented, asked, at, bundle)[0]
        events = {name: (proof.name, judge_event(proof, asked.trust, now)) for name, proof in bundle.events.items()}
    found = worst(reports, (judged.outcome for _, judged in events.values()))
    payload = bundle_value(bundle, reports, events, output.EXIT_OK if found is None else EXIT_CODES[found])
    output.result(payload, _lines(payload, output.language()), as_json=as_json)
    return int(payload["exit_code"])


def _lines(payload: dict[str, Any], language: Language) -> str:
    lines = [payload[f"message_{language}"], f"sha256 {payload['sha256']}", ""]
    for each in payload["reports"]:
        report = each["report"]
        if not each["counts"]:
            lines.append(f"{each['name']}  {text('bundle.by_disclosure', language)}")
            continue
        lines.append(f"{each['name']}  {report[f'verdict_{language}']}")
        if not report["ok"]:
            lines.append(f"  {report[f'cause_{language}'] or report[f'message_{language}']}  [{report['code']}]")
    for each in payload["events"]:
        lines += [f"{each['name']}", f"  {each[f'message_{language}']}"]
    lines += [each[f"message_{language}"] for each in payload["lacking"]]
    return "\n".join(lines)
