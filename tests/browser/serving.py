"""A house served on loopback; another house can move in while the address stays."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from api.app import assemble
from tests.fakes.house import House


@dataclass
class Site:
    """The house and its address."""

    house: House
    url: str
    app: FastAPI

    def move_in(self, house: House) -> None:
        """From now on the address answers for `house`."""
        self.house = house
        self.app.state.parts = house.parts
        self.app.state.tokens = house.parts.tokens


@contextmanager
def served(house: House) -> Iterator[Site]:
    app = assemble(house.parts)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 120
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        yield Site(house, f"http://127.0.0.1:{port}", app)
        server.should_exit = True
        thread.join(120)
