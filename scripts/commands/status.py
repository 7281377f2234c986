"""`chuzheng status …`: what is in force, and a department's decisions about what it issued.

A decision is durable once the server took it, and counts once the chain confirmed it; both are said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ledger.errors import ChuzhengError, UnavailableError
from ledger.texts import LANGUAGES, Language, error_text, text
from scripts import output
from scripts.commands.event import write_events
from scripts.commands.files import read_file
from scripts.commands.options import Json, TokenFile, Url
from scripts.help import App
from scripts.problems import ServerError, UsageError

if TYPE_CHECKING:
    from scripts.client import Client

PATIENCE = 60.0
"""Seconds that a command waits for the chain; the decision itself isn't lost then."""
SEALED_WITHIN = 3.0
_KEY = re.compile(r"[0-9a-f]{64}")

status_app = App(help="状态：查询与变更。/ Statuses: look up and decide.")

Target = Annotated[
    str, typer.Argument(help="凭证或披露文件、证照标识或状态键 / receipt or disclosure file, identifier or status key")
]
Cause = Annotated[int, typer.Option(help="事由代码，暂停时 1 暂扣 2 中止 / cause, for suspensions 1 or 2")]
Basis = Annotated[
    str | None, typer.Option(help="依据：决定书登记的承诺值（64 位十六进制）/ commitment of the order's entry")
]
From = Annotated[
    str | None, typer.Option("--from", help="生效日期，默认现在；start 为自始 / date of effect, default: now")
]
Shown = Annotated[
    str | None, typer.Option(help="个人证照：证件号后四位或签发日期 / person's: last four or date of issue")
]

DECISIONS: dict[str, str] = {
    "resume": "恢复。/ Resume.",
    "rescind": "撤销。/ Rescind.",
    "deregister": "注销。/ Deregister.",
    "lapse": "失效。/ Let lapse.",
    "transfer-out": "转出。/ Transfer out.",
    "transfer-in": "转入。/ Transfer in.",
    "revoke": "吊销。/ Revoke as a penalty.",
    "withdraw": "撤回。/ Withdraw for the public interest.",
}


def register(app: App) -> None:
    for word, explanation in DECISIONS.items():
        status_app.command(word, help=explanation)(_command(word))
    app.add_typer(status_app, name="status")


def _command(word: str) -> Callable[..., None]:
    def run(
        target: Target, cause: Cause = 0, basis: Basis = None, effective: From = None, shown: Shown = None,
        url: Url = None, token_file: TokenFile = None, json_: Json = False,
    ) -> None:  # fmt: skip
        wanted = {"decision": word, "cause": cause, "basis": basis, "effective_from": day(effective)}
        _submit(target, shown, wanted, url, token_file, as_json=json_)

    return run


@status_app.command("suspend", help="暂扣或中止。/ Suspend.")
def suspend(
    target: Target, cause: Cause = 1, until: Annotated[str | None, typer.Option(help="截止日期 / last day")] = None,
    basis: Basis = None, effective: From = None, shown: Shown = None, url: Url = None, token_file: TokenFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    end = day(until)
    wanted = {
        "decision": "suspend", "cause": cause, "basis": basis, "effective_from": day(effective),
        "until": None if end is None else end + 24 * 3600,
    }  # fmt: skip
    _submit(target, shown, wanted, url, token_file, as_json=json_)


@status_app.command("supersede", help="被新版本取代。/ Superseded by a newer version.")
def supersede(
    target: Target, successor: Annotated[str, typer.Argument(help="新证照 / the new one: receipt, identifier or key")],
    basis: Basis = None, effective: From = None, shown: Shown = None, url: Url = None, token_file: TokenFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    wanted = {"decision": "supersede", "basis": basis, "effective_from": day(effective), "successor": successor}
    _submit(target, shown, wanted, url, token_file, as_json=json_)


@status_app.command("annul", help="撤销一项决定，视为自始未作出。/ A decision counts as never made.")
def annul(
    target: Target, number: Annotated[int, typer.Argument(min=1, help="决定的序号，见 status show / its number")],
    basis: Basis = None, shown: Shown = None, url: Url = None, token_file: TokenFile = None, json_: Json = False,
) -> None:  # fmt: skip
    _submit(target, shown, {"decision": "annul", "number": number, "basis": basis}, url, token_file, as_json=json_)


@status_app.command("show", help="现行状态与全部决定。/ What is in force, and every decision.")
def show(
    target: Target, shown: Shown = None,
    events: Annotated[
        Path | None,
        typer.Option(help="把各项决定的事件文件写入此文件夹，供离线核验 / folder for the decisions' event files"),
    ] = None,
    url: Url = None, json_: Json = False,
) -> int:  # fmt: skip
    with _connect(url, None) as server:
        status = look_up(server, target, shown)
        written = [] if events is None else write_events(server, f"statuses/{status.get('key')}/events", events)
    known = status.get("status") != "unknown"
    try:
        payload = output.message("chuzheng-status/1", _word(status), ok=known)
        lines = _lines(status)
    except (KeyError, TypeError):
        raise UnavailableError("cli.server_answer", url=server.url, status=200) from None
    output.result({**status, **payload, **({} if events is None else {"files": written})}, lines, as_json=json_)
    return output.EXIT_OK if known else output.EXIT_CANNOT_ASK


def decide(server: Client, key: str, wanted: dict[str, Any], *, wait: float = PATIENCE) -> dict[str, Any]:
    """Sends one decision and waits until the chain confirmed or refused it; the intent's last state."""
    body = {name: value for name, value in wanted.items() if value is not None}
    deadline = time.monotonic() + wait
    intent = _send(server, key, body)
    while not intent["done"] and time.monotonic() < deadline:
        time.sleep(0.3)
        intent = server.get_json(f"statuses/intents/{quote(intent['intent'], safe='')}")
    return dict(intent)


def disclosure_in(target: str) -> str | None:
    """The text of a disclosure file; None for anything else that names a certificate."""
    from notary.disclosure import SUFFIX, parse_disclosure

    if not (target.endswith(SUFFIX) and Path(target).is_file()):
        return None
    content = read_file(Path(target))
    parse_disclosure(content)
    return content.decode()


def _send(server: Client, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """What was registered a moment ago is sealed within a second: until then the server doesn't find it in the log."""
    deadline = time.monotonic() + SEALED_WITHIN
    while True:
        try:
            return server.post_json(f"statuses/{key}/decisions", body)
        except ServerError as error:
            if error.code != "status.entry_unknown" or time.monotonic() > deadline:
                raise
        time.sleep(0.3)


def key_of(server: Client, target: str, shown: str | None) -> str:
    """The status key of a receipt or disclosure file, an identifier or a key."""
    from notary.disclosure import SUFFIX, parse_disclosure
    from notary.entry import status_key
    from notary.receipt import parse_receipt

    if _KEY.fullmatch(target):
        return target
    if Path(target).is_file():
        content = read_file(Path(target))
        receipt = parse_disclosure(content).receipt if target.endswith(SUFFIX) else parse_receipt(content)
        entry = receipt.entry
        return status_key(entry.issuer, entry.sha256).hex()
    return str(look_up(server, target, shown)["key"])


def look_up(server: Client, target: str, shown: str | None) -> dict[str, Any]:
    """The status as the server answers it to anyone."""
    if _KEY.fullmatch(target) or Path(target).is_file():
        return dict(server.get_json(f"statuses/{key_of(server, target, shown)}"))
    asked = {"identifier": target} | ({"shown": shown} if shown else {})
    return dict(server.post_json("statuses/lookups", asked))


def day(given: str | None) -> int | None:
    """First second of a day in Asia/Shanghai, Unix seconds; `start` is 0, from the start."""
    from ledger.certificates import first_second, parse_day

    if given is None:
        return None
    if given == "start":
        return 0
    parsed = parse_day(given)
    if parsed is None:
        raise UsageError("cli.day", text=given[:40])
    return int(first_second(parsed))


def _connect(url: str | None, token: str | None) -> Any:
    from api.settings import load
    from scripts.client import connect

    return connect(load({"public_url": url}).settings.url, token)


def _submit(
    target: str, shown: str | None, wanted: dict[str, Any], url: str | None, token_file: Path | None, *, as_json: bool
) -> None:
    from scripts.client import read_token

    with _connect(url, read_token(token_file)) as server:
        if "successor" in wanted:
            wanted["successor"] = key_of(server, wanted["successor"], shown)
        if wanted["decision"] != "annul":
            wanted["disclosure"] = disclosure_in(target)
        intent = decide(server, key_of(server, target, shown), wanted)
    if intent.get("error") is not None:
        raise refusal(intent["state"], intent["error"])
    if not intent["done"]:
        raise UnavailableError("cli.on_its_way", state=intent["state"])
    payload = output.message("chuzheng-decided/1", "cli.decided", block=intent["block_number"])
    output.finish({**payload, "intent": intent}, as_json=as_json)


def refusal(state: str, error: dict[str, Any]) -> ServerError:
    """What the chain said no with, in our words where we have some."""
    why: dict[Language, str] = {language: str(error.get("code")) for language in LANGUAGES}
    with suppress(KeyError, IndexError, ValueError):
        told = ChuzhengError(str(error["code"]), **dict(error.get("params") or {}))
        why = {language: error_text(told, language) for language in LANGUAGES}
    messages = {f"message_{x}": text("error.cli.refused", x, state=state, why=why[x]) for x in LANGUAGES}
    return ServerError(409, {"code": str(error.get("code", "cli.refused")), **messages})


def _word(status: dict[str, Any]) -> str:
    """The text's key. Of a bare status key only decisions are known, not whether anything is registered under it."""
    if status["status"] == "in_force" and not status.get("decisions") and "anchored" not in status:
        return "cli.status.no_decisions"
    return f"cli.status.{status['status']}"


def _lines(status: dict[str, Any]) -> str:
    """A status for a terminal."""
    first = output.words(_word(status)) + (f"  {output.words('cli.test_chain')}" if status.get("test_chain") else "")
    lines = [first]
    if "anchored" in status:
        lines.append(
            output.words(
                "cli.status.registered" if status["anchored"] else "cli.status.not_anchored",
                issuer=status["issuer"],
                at=_time(status["anchored_at"]),
            )
        )
    for decision in status.get("decisions") or ():
        word = output.words(f"cli.status.{decision['word']}")
        if decision["word"] == "suspended" and decision["cause"] in (1, 2):
            word += output.words(f"cli.status.suspended.{decision['cause']}")
        if decision.get("until"):
            word += output.words("cli.status.until", until=_time(decision["until"]))
        lines.append(
            output.words(
                "cli.status.line.annulled" if decision["annulled_at"] else "cli.status.line",
                number=decision["number"],
                word=word,
                effective=_time(decision["effective_from"]),
                recorded=_time(decision["recorded_at"]),
                department=decision["department"],
            )
        )
    return "\n".join(lines)


def _time(seconds: int | None) -> str:
    """A block time as Asia/Shanghai time; 0 is from the start."""
    from scripts.commands.trust import moment

    return moment(seconds * 1000) if seconds else "-" if seconds is None else output.words("cli.status.from_start")
