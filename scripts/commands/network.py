"""`chuzheng up | demo | serve`: the embedded network and everything on it, in one command."""

from __future__ import annotations

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import ConfigurationError, UnavailableError
from scripts import output
from scripts.commands.options import Home

if TYPE_CHECKING:
    from api.settings import Settings
    from scripts.embedded import Network
    from scripts.supervisor import Supervisor

PARTS = ("indexer", "notary", "api")
READY_WITHIN = 60.0


def register(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("demo")(demo)
    app.command("serve", hidden=True)(serve)


def up(
    home: Home = None,
    port: Annotated[int | None, typer.Option(help="网页与接口的端口，默认 8420 / port of page and API")] = None,
    demo_: Annotated[
        bool, typer.Option("--demo", help="用样例数据走一遍主流程后退出 / run the main job once on samples, then exit")
    ] = False,
) -> int:
    """启动嵌入式网络和全部服务。/ Start the embedded network and everything on it."""
    from api.settings import load

    settings = load({"home": home, "port": port}).settings
    with _running(settings) as supervisor:
        if demo_:
            from scripts.demo import run_demo

            return run_demo(settings, while_waiting=supervisor.revive)
        output.say("cli.up.ready", url=settings.url, home=settings.home)
        supervisor.watch()
        output.say("cli.up.stopping")
    return output.EXIT_OK


def demo(home: Home = None) -> int:
    """在已启动的网络上装入样例并走一遍主流程。/ Load the samples into a running network and run the main job."""
    from api.settings import load
    from scripts.demo import run_demo

    return run_demo(load({"home": home}).settings)


def serve(part: Annotated[str, typer.Argument(help="api | notary | indexer")]) -> int:
    """一个服务进程。/ One process of the service; in production each runs by itself."""
    from api.settings import load
    from scripts.serving import serve_part

    if part not in PARTS:
        raise typer.BadParameter(", ".join(PARTS))
    return serve_part(part, load().settings)


@contextmanager
def _running(settings: Settings) -> Iterator[Supervisor]:
    """Everything started and answering; ended in order at the end, whatever happens."""
    from scripts.embedded import ChainProcess, prepare
    from scripts.supervisor import Served, Supervisor

    with _alone(settings.home):
        supervisor = Supervisor(on_death=lambda name, code: output.say("cli.up.died", name=name, code=code))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, supervisor.ask_to_stop)
        try:
            output.say("cli.up.chain")
            supervisor.add("chain", lambda: ChainProcess(settings))
            network = prepare(settings, say=lambda step: output.say(f"cli.up.{step}"))
            _show_tokens(network)  # at once: a start that fails later must not have swallowed them
            folder = settings.home / "log"
            folder.mkdir(exist_ok=True)
            output.say("cli.up.services")
            for part in PARTS:
                supervisor.add(part, lambda part=part: Served(part, settings, folder / f"{part}.log"))  # type: ignore[misc]
            _await_ready(settings, supervisor)
            yield supervisor
        finally:
            supervisor.stop()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One `up` per data folder: the kernel lets go of the lock when the process ends, however it ends."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError("cli.up.twice", home=str(home)) from None
        yield


def _await_ready(settings: Settings, supervisor: Supervisor) -> None:
    """Until the server says that it is ready; UnavailableError with the place of the logs otherwise."""
    import http.client

    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and not supervisor.stopping:
        supervisor.revive()
        connection = http.client.HTTPConnection(settings.host, settings.port, timeout=2)
        try:
            connection.request("GET", "/api/v1/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    if not supervisor.stopping:
        raise UnavailableError("cli.up.not_ready", log=str(settings.home / "log"))


def _show_tokens(network: Network) -> None:
    """New tokens, once; only their hashes are kept."""
    from scripts.samples import sample_network

    if not network.tokens:
        return
    names = {d.code: d.name for d in sample_network().departments}
    output.say("cli.up.tokens")
    for code, role, token in network.tokens:
        print(f"  {names.get(code, code)}  {role.name:<7} {token}", file=sys.stderr)
