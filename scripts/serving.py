"""The processes of the service: `api`, `notary` (seals, anchors, sends), `indexer`. Each restartable at any moment."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

from ledger.errors import UnavailableError
from scripts.supervisor import end_with_parent

if TYPE_CHECKING:
    from api.settings import Settings

FIRST_ANSWER = 5.0
"""Seconds that a start waits for the node."""
PROCESSES = os.cpu_count() or 1
"""Worker processes of the API for large bulk calls: they hash and sign, the server mostly waits for disks."""


def serve_part(part: str, settings: Settings) -> int:
    """Runs one part until it is told to stop. ConfigurationError before it begins where the node has another chain,
    genesis or code than the deployment record."""
    require_own_chain(settings)
    if part == "api":
        from api.app import run

        # Uvicorn handles the signal: it finishes what it is answering.
        end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
        run(settings, processes=max(1, PROCESSES // settings.api_processes))
        return 0
    return _serve_backstage(part, settings)


def require_own_chain(settings: Settings) -> None:
    """ConfigurationError that says what differs: chain id, genesis or a contract's code. A node that doesn't answer is
    no reason to stay down (an outage is waited out); what it says first is judged by each part then."""
    from ledger.evm.deployment import load_deployment, verify_deployment
    from ledger.evm.rpc import Rpc

    if settings.deployment_path.is_file():
        with contextlib.suppress(UnavailableError):
            verify_deployment(Rpc(settings.rpc_url, timeout=FIRST_ANSWER), load_deployment(settings.deployment_path))


def _serve_backstage(part: str, settings: Settings) -> int:
    from api.backstage import open_backstage
    from api.observing import set_up_logs

    set_up_logs(settings.log_level)
    logging.basicConfig(level=settings.log_level.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells at every start that nothing changed
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    end_with_parent(stop.set)
    back = open_backstage(settings)
    try:
        if part == "indexer":
            back.indexer.run(stop)
        else:
            # The sender waits for the chain; sealing must not wait with it.
            # Copying a large file takes minutes: nothing waits with that either.
            beside = [
                threading.Thread(target=_until_stopped, args=(run, stop), name=name)
                for name, run in (("sender", back.sender.run), ("keeper", back.keeper.run))
            ]
            # A thread for each: one that doesn't answer holds nobody else up.
            beside += [threading.Thread(target=c.run, args=(stop,), name="witness") for c in back.cosigners]
            beside += [threading.Thread(target=c.run, args=(stop,), name="heads") for c in back.couriers]
            for thread in beside:
                thread.start()
            try:
                back.worker.run(stop)
            finally:
                stop.set()
                for thread in beside:
                    thread.join()
    finally:
        back.close()
    return 0


def _until_stopped(run: object, stop: threading.Event) -> None:
    """A loop that ends by an error ends the process: the supervisor starts it again and the log says why."""
    try:
        run(stop)  # type: ignore[operator]
    finally:
        stop.set()
