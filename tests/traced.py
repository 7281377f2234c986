"""How much memory an act takes: in a process of its own, as tracemalloc counts what every thread of a process takes,
and threads that other tests left behind are none of the act's."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def traced_peak(act: Callable[..., object], *arguments: object) -> int:
    """The most bytes that Python objects took at one time while `act` ran, a function at the top of its module; it and
    its `arguments` can be pickled. Raises what it raises."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(_traced, act, arguments).result()


def _traced(act: Callable[..., object], arguments: tuple[object, ...]) -> int:
    tracemalloc.start()
    act(*arguments)
    return tracemalloc.get_traced_memory()[1]
