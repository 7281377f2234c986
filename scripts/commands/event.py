"""`chuzheng verify X.event.json`, `chuzheng chain events`: what a contract said, judged by the trust file alone.

Nobody is asked: the file holds the sealed header and the proof (ADR 0017). Exit codes are those of verdicts: 0 proven,
21 the proof is wrong, 20 it can't be said.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ChuzhengError, UnavailableError
from ledger.texts import Language, text
from ledger.types import Millis
from scripts import output
from scripts.commands.files import make_folder, read_file, write_new
from scripts.commands.options import Json, TokenFile, Url
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.event_proof import EventJudgement, EventProof
    from notary.trust_file import TrustFile
    from scripts.client import Client

SUFFIX = ".event.json"
SCHEMA = "chuzheng-event-report/1"
EXIT_WRONG = 21
"""As a verdict `proof_invalid`."""
WIDE = 50
"""Characters of a value that still stands beside its name."""
FIRST_TIME, LAST_TIME = 1_500_000_000, 4_102_444_800
"""Numbers between are read as seconds: no count or code of ours is so large, no time so small or far."""
_CONTRACT = re.compile(r"[A-Za-z]{1,40}", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
ZERO, NOTHING = "0x" + "00" * 32, "-"


def is_event(path: Path) -> bool:
    """Whether `path` is named as an event file, or is one under another name."""
    if path.name.endswith(SUFFIX):
        return True
    try:
        return b'"chuzheng-event/' in read_file(path, 1 << 20)[:200]
    except ChuzhengError:
        return False  # whoever reads it next says what is wrong with it


def judge_file(path: Path, trust: TrustFile | None, *, as_json: bool) -> int:
    """Judge the file and print what came of it; the exit code. UnreadableError if it is no event file."""
    from notary.event_proof import judge_event, parse_event

    proof = parse_event(read_file(path))
    judged = judge_event(proof, trust, Millis(time.time_ns() // 1_000_000))
    payload = _payload(proof, judged, trust)
    output.result(payload, _lines(proof, payload, output.language()), as_json=as_json)
    return int(payload["exit_code"])


def _payload(proof: EventProof, judged: EventJudgement, trust: TrustFile | None) -> dict[str, Any]:
    from notary.export_reports import event_message
    from notary.report import Outcome

    said = _said(proof)
    codes = {Outcome.PASS: output.EXIT_OK, Outcome.FAIL: EXIT_WRONG}
    return {
        "schema": SCHEMA,
        "ok": judged.outcome is Outcome.PASS,
        "code": f"event.{judged.code}",
        "outcome": judged.outcome.value,
        "exit_code": codes.get(judged.outcome, output.EXIT_CANNOT_ASK),
        "message_zh": event_message(judged, "zh"),
        "message_en": event_message(judged, "en"),
        "network": proof.network,
        "finality": None if trust is None else trust.finality,
        "contract": proof.name,
        "address": proof.place.contract,
        "event": None if said is None else said[0],
        "arguments": None if said is None else said[1],
        "block": {"number": proof.place.block_number, "hash": proof.place.block_hash, "time": proof.place.block_time},
    }


def _said(proof: EventProof) -> tuple[str, dict[str, Any]] | None:
    """(name, arguments) as the contract's ABI has them; None where this program knows no such contract or event."""
    from ledger.evm.artifacts import decode_event

    try:
        topics = ["0x" + topic.hex() for topic in proof.topics]
        found = decode_event(proof.name, topics, "0x" + proof.data.hex())
    except ChuzhengError:
        return None
    return None if found is None else (found[0], {name: _plain(value) for name, value in found[1].items()})


def _plain(value: Any) -> Any:
    """As JSON has it: bytes as hex, department codes (18 characters, filled up with zeros) as they are written."""
    match value:
        case bytes():
            head, rest = value[:18], value[18:]
            if len(value) == 32 and not any(rest) and head.isascii() and head.decode("ascii").isalnum():
                return head.decode("ascii")
            return "0x" + value.hex()
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value


def _lines(proof: EventProof, payload: dict[str, Any], language: Language) -> str:
    from notary.checks.case import moment

    def line(key: str, value: object) -> str:
        return text("event.line", language, what=text(f"event.part.{key}", language), value=value)

    place, proven = proof.place, payload["ok"]
    lines = [text(f"event.word.{payload['outcome']}", language), payload[f"message_{language}"]]
    if payload["finality"] == "none":
        lines.append(text("report.test_chain", language))
    lines += ["", *([] if proven else [text("event.claimed", language)])]
    lines += [line("contract", proof.name), f"  {place.contract}"]
    if payload["event"] is None:
        lines += [line("unknown", ""), *(f"  0x{topic.hex()}" for topic in proof.topics)]
    else:
        lines += [line("event", payload["event"])]
        lines += _members(payload["arguments"], _words(proof.name, payload["event"], language), "  ")
    lines += [
        line("block", place.block_number), f"  {place.block_hash}", line("time", moment(place.block_time * 1000)),
        line("network", proof.network), *(["", text("event.only_then", language)] if proven else []),
    ]  # fmt: skip
    return "\n".join(lines)


Words = Callable[[str, Any], str]
"""(member, value) → the value as a person reads it"""


def _words(contract: str, event: str, language: Language) -> Words:
    """Decisions and states by their names, times as times, nothing as a dash; all else as it is."""
    from ledger.shares.grants import State
    from ledger.statuses import DecisionCode
    from notary.checks.case import moment

    coded: dict[tuple[str, str, str], tuple[type[IntEnum], str]] = {
        ("CertificateStatus", "Decided", "code"): (DecisionCode, "cli.status"),
        ("ShareAuthorisations", "Moved", "from"): (State, "share.state"),
        ("ShareAuthorisations", "Moved", "to"): (State, "share.state"),
    }

    def word(name: str, value: Any) -> str:
        kind, prefix = coded.get((contract, event, name), (None, ""))
        if kind is not None and value in set(kind):
            return f"{value} {text(f'{prefix}.{kind(value).name.lower()}', language)}"
        if type(value) is int and FIRST_TIME <= value <= LAST_TIME:
            return f"{value} ({moment(value * 1000)})"
        return NOTHING if value == ZERO else str(value)

    return word


def _members(arguments: dict[str, Any], word: Words, indent: str) -> list[str]:
    """A line each; a 32-byte value under its name, so that eighty columns hold it."""
    lines = []
    for name, value in arguments.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", *_members(value, word, indent + "  ")]
        elif len(told := word(name, value)) > WIDE:
            lines += [f"{indent}{name}", f"{indent}  {told}"]
        else:
            lines.append(f"{indent}{name}  {told}")
    return lines


def fetch_events(
    contract: Annotated[str, typer.Argument(help="合约名，如 ShareAuthorisations / contract")],
    key: Annotated[str, typer.Argument(help="链上编号，64 位十六进制 / id on the chain, 64 hex digits")],
    out: Annotated[Path, typer.Option(help="写入的文件夹 / folder for the files")] = Path("events"),
    url: Url = None,
    token_file: TokenFile = None,
    json_: Json = False,
) -> None:
    """取一项授权、信用记录等的事件文件，供离线核验。/ Event files of a grant, an item and the like, for offline use."""
    from api.settings import load
    from scripts.client import connect, read_token

    if not _CONTRACT.fullmatch(contract) or not _KEY.fullmatch(key):
        raise UsageError("audit.form")
    with connect(load({"public_url": url}).settings.url, read_token(token_file)) as server:
        written = write_events(server, f"audit/events/{contract}/{key}", out)
    payload = output.message("chuzheng-events-written/1", "cli.events.fetched", count=len(written))
    output.finish({**payload, "files": written}, as_json=json_)


def write_events(server: Client, place: str, folder: Path) -> list[str]:
    """The event files that the server has at `place`, one each, and how many there are; their paths."""
    from notary.event_proof import parse_event

    answer = server.get_json(place)
    found, key = answer.get("events"), answer.get("key")
    if not isinstance(found, list) or not isinstance(key, str) or not _KEY.fullmatch(key):
        raise UnavailableError("cli.server_answer", url=server.url, status=200)
    make_folder(folder)
    written = []
    for number, each in enumerate(found, 1):
        data = parse_event(json.dumps(each).encode()).to_json()  # what `verify` wouldn't read isn't written
        path = folder / f"{key[:16]}-{number:03d}{SUFFIX}"
        write_new(path, data)
        written.append(str(path))
    output.say("cli.events.written", count=len(written), folder=folder, waiting=answer.get("waiting", 0))
    return written
