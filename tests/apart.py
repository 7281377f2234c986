"""Acts that are tried in a process of their own: what they are asked about, memory taken or answers remembered, is a
process's, and other tests' threads in this one are none of the act's."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")


def apart(act: Callable[..., T], *arguments: object) -> T:
    """What `act`, a function at the top of its module, returns in a process of its own, or raises there; all of it can
    be pickled."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(act, *arguments).result()


def traced_peak(act: Callable[..., object], *arguments: object) -> int:
    """The most bytes that Python objects took at one time while `act` ran, by the rules of `apart`."""
    return apart(_traced, act, arguments)


def _traced(act: Callable[..., object], arguments: tuple[object, ...]) -> int:
    tracemalloc.start()
    act(*arguments)
    return tracemalloc.get_traced_memory()[1]
