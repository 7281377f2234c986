"""The guard of tests/leftovers.py: what a file leaves is named, and what it may leave isn't."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from tests import leftovers
from tests.fakes.notary import Rig
from tests.leftovers import lasting, nothing_left


@contextmanager
def working(name: str) -> Iterator[threading.Event]:
    """A thread that goes on until it is told to end, or the test is over."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name=name)
    thread.start()
    try:
        yield end
    finally:
        end.set()
        thread.join()


def test_thread__goes_on__named_with_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE", 0.0)
    guard = nothing_left()
    guard.__enter__()
    with working("forgotten"), pytest.raises(AssertionError, match=r"(?s)forgotten.*in wait"):
        guard.__exit__(None, None, None)


def test_thread__told_to_end_and_about_to__waited_for() -> None:
    with nothing_left():
        threading.Timer(0.2, lambda: None).start()


def test_thread__of_a_shared_fixture__goes_on() -> None:
    with working("before"), nothing_left(), lasting():
        end = threading.Event()
        threading.Thread(target=end.wait).start()
    end.set()


def test_notary__not_closed__its_threads_end_with_the_file(tmp_path: Path) -> None:
    with nothing_left():
        rig = Rig(tmp_path)
    assert not any(thread.is_alive() for thread in rig.notary.acceptance._threads)


@pytest.mark.parametrize("name", ["environment", "folder", "umask", "garbage collection"])
def test_setting__changed__named(name: str, tmp_path: Path) -> None:
    before, umask = os.getcwd(), os.umask(0o022)
    try:
        with pytest.raises(AssertionError, match=name), nothing_left():
            {
                "environment": lambda: os.environ.update(CHUZHENG_LEFT="1"),
                "folder": lambda: os.chdir(tmp_path),
                "umask": lambda: os.umask(0o077),
                "garbage collection": gc.disable,
            }[name]()
    finally:
        os.environ.pop("CHUZHENG_LEFT", None)
        os.chdir(before)
        os.umask(umask)
        gc.enable()


def test_logs__set_up_by_an_application__as_before() -> None:
    configured, level = structlog.get_config(), logging.getLogger("uvicorn.error").level
    with nothing_left():
        structlog.configure(processors=[])
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    assert (structlog.get_config(), logging.getLogger("uvicorn.error").level) == (configured, level)
