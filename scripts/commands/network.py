"""`chuzheng up | demo | serve`: the embedded network and everything on it, in one command."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ConfigurationError, UnavailableError
from scripts import output
from scripts.commands.options import Home, Json
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from api.listening import Listener
    from api.settings import Settings
    from scripts.embedded import Network
    from scripts.supervisor import Supervisor

PARTS = ("indexer", "notary", "api")
READY_WITHIN = 120.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: App) -> None:
    app.command("up")(up)
    app.command("demo")(demo)
    app.command("serve", hidden=True)(serve)


def up(
    home: Home = None,
    port: Annotated[int | None, typer.Option(help="网页与接口的端口，默认 8420 / port of page and API")] = None,
    demo_: Annotated[
        bool, typer.Option("--demo", help="用样例数据走一遍主流程后退出 / run the main job once on samples, then exit")
    ] = False,
    json_: Json = False,
) -> int:
    """启动嵌入式网络和全部服务。/ Start the embedded network and everything on it."""
    from api.settings import load

    settings = load({"home": home, "port": port}).settings
    with _running(settings, quiet=json_ and not demo_) as (supervisor, network):
        if demo_:
            from scripts.demo import run_demo

            return run_demo(settings, while_waiting=supervisor.revive, as_json=json_)
        with contextlib.suppress(KeyboardInterrupt):
            if json_:
                with supervisor.whole():  # who has read it may end this at once
                    output.emit(_ready(settings, network))
                    _keep_tokens(settings)
            else:
                output.say("cli.up.ready", url=settings.url, home=settings.home)
            supervisor.watch()
        output.say("cli.up.stopping")
    return output.EXIT_OK


def demo(home: Home = None, json_: Json = False) -> int:
    """在已启动的网络上装入样例并走一遍主流程。/ Load the samples into a running network and run the main job."""
    from api.settings import load
    from scripts.demo import run_demo

    settings = load({"home": home}).settings
    if not settings.deployment_path.is_file():
        raise ConfigurationError("settings.no_deployment", file=str(settings.deployment_path))
    if not _is_ready(settings):
        raise UnavailableError("cli.demo.not_running", url=settings.url)
    return run_demo(settings, as_json=json_)


def serve(part: Annotated[str, typer.Argument(help="api | notary | indexer")]) -> int:
    """一个服务进程。/ One process of the service; in production each runs by itself."""
    from api.settings import load
    from scripts.serving import serve_part

    if part not in PARTS:
        raise UsageError("cli.usage.value", name="part", reason=" | ".join(PARTS))
    return serve_part(part, load().settings)


@contextmanager
def _running(settings: Settings, *, quiet: bool) -> Iterator[tuple[Supervisor, Network]]:
    """Everything started and answering; ended in order at the end, whatever happens.

    An interrupt ends the start or the demo where it is: every step is made to be run again.
    """
    from scripts.embedded import ChainProcess, end_chain, prepare
    from scripts.ports import await_free, patience
    from scripts.supervisor import Served, Supervisor

    with _alone(settings.home):
        supervisor = Supervisor(on_death=lambda name, code: output.say("cli.up.died", name=name, code=code))
        shared: list[Listener] = []
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, supervisor.interrupt)
        try:
            if not await_free(settings.host, settings.port, patience(settings)):
                raise ConfigurationError("cli.up.port_taken", port=settings.port)
            output.say("cli.up.chain")
            supervisor.add("chain", lambda: ChainProcess(settings), slow=True)
            network = prepare(settings, say=lambda step: output.say(f"cli.up.{step}"))
            if not quiet:
                with supervisor.whole():
                    _show_tokens(network)  # at once: who waits for the rest may copy them meanwhile
                    _keep_tokens(settings)
            folder = settings.home / "log"
            folder.mkdir(exist_ok=True)
            output.say("cli.up.services")
            for part in PARTS:
                if part != "api" or settings.api_processes == 1:
                    supervisor.add(part, lambda p=part: Served(p, settings, folder / f"{p}.log"))  # type: ignore[misc]
            if settings.api_processes > 1:
                shared.append(_share_port(settings, supervisor, folder))
            _await_ready(settings, supervisor)
            yield supervisor, network
        finally:
            try:
                for number in _ENDING:
                    signal.signal(number, signal.SIG_IGN)  # what is being ended in order isn't interrupted again
            finally:
                for listener in shared:
                    listener.close()  # first: what comes now is refused instead of waiting for nobody
                supervisor.stop()
                end_chain(settings)  # one whose start was interrupted


def _share_port(settings: Settings, supervisor: Supervisor, folder: Path) -> Listener:
    """Open the port and start the API processes that share it; one that dies is started again in its place."""
    from api.listening import Listener
    from scripts.supervisor import Served

    try:
        listener = Listener(settings.host, settings.port, settings.api_processes)
    except OSError:
        raise ConfigurationError("cli.up.port_taken", port=settings.port) from None

    def start(place: int, name: str) -> Served:
        return Served("api", settings, folder / f"{name}.log", listener.files, listener.environment(place))

    for place in range(settings.api_processes):
        name = f"api-{place + 1}" if place else "api"
        supervisor.add(name, lambda p=place, n=name: start(p, n))  # type: ignore[misc]
    return listener


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One `up` per data folder: the kernel lets go of the lock when the process ends, however it ends."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = (home / "up.lock").open("a")
    except OSError as error:
        raise ConfigurationError("cli.up.home", home=str(home), reason=error.strerror or "?") from None
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError("cli.up.twice", home=str(home)) from None
        yield


def _await_ready(settings: Settings, supervisor: Supervisor) -> None:
    """Until the server says that it is ready; UnavailableError with the place of the logs otherwise.

    A log that takes nothing for now (it was restored from an older copy) is told, and keeps nobody from verifying.
    """
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        supervisor.revive()
        failing = _failing(settings)
        if failing is not None and all(test["name"] == "heads" for test in failing):
            for test in failing:
                output.say("cli.up.held", reason=test[f"message_{output.language()}"])
            return
        time.sleep(0.2)
    raise UnavailableError("cli.up.not_ready", log=str(settings.home / "log"))


def _is_ready(settings: Settings) -> bool:
    return _failing(settings) == []


def _failing(settings: Settings) -> list[dict[str, Any]] | None:
    """The tests of health/ready that fail; None if the server gives no such answer."""
    import http.client
    import json

    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=2)
    try:
        connection.request("GET", "/api/v1/health/ready")
        answer = json.loads(connection.getresponse().read())
        return [test for test in answer["tests"] if not test["ok"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def _ready(settings: Settings, network: Network) -> dict[str, Any]:
    """`up --json`: where it is, whom to trust, and new tokens, once."""
    from notary.trust import trust_hash

    return {
        **output.message("chuzheng-up/1", "cli.up.ready", url=settings.url, home=settings.home),
        "url": settings.url, "home": str(settings.home), "network": network.deployment.network,
        "trust": str(settings.trust_path), "trust_hash": trust_hash(network.trust).hex(),
        "tokens": [{"department": code, "role": role.name, "token": token} for code, role, token in network.tokens],
    }  # fmt: skip


def _keep_tokens(settings: Settings) -> None:
    """New tokens were shown. A start that ends before this has swallowed none: the next one makes them again."""
    from api.auth import TokenStore, tokens_shown

    tokens_shown(TokenStore(settings.tokens_path))


def _show_tokens(network: Network) -> None:
    """New tokens, once; only their hashes are kept."""
    from scripts.samples import sample_network

    if not network.tokens:
        return
    names = {d.code: d.name for d in sample_network().departments}
    output.say("cli.up.tokens")
    for code, role, token in network.tokens:
        print(f"  {names.get(code, code)}  {code}  {role.name:<7} {token}", file=sys.stderr)
