"""Pace: how fast an address may ask, and how many writes are taken at once. Over it: 429 or 503 with Retry-After.

In memory and per process: a restart forgives. Addresses are kept as a keyed hash, never as such.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address

from ledger.errors import UnavailableError

_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
MOST_KEPT = 50_000


def network_of(host: str) -> str:
    """Whom to count an address for: IPv4 itself, IPv6 by its /64, which one subscriber has all of."""
    if _DOTTED.fullmatch(host):
        return host  # an IPv4 address is written in one way, and what only looks like one counts as it stands
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return host


class Pace:
    """Token buckets per key: `per_minute` on average, as many at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._burst = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        self._secret = os.urandom(16)
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count one request of `key`; UnavailableError `request.too_fast` with the seconds to wait."""
        digest = hashlib.blake2b(key.encode(), key=self._secret, digest_size=16).digest()
        now = self._clock()
        with self._lock:
            level, since = self._buckets.pop(digest, (self._burst, now))
            level = min(self._burst, level + (now - since) * self._rate)
            allowed = level >= 1
            self._buckets[digest] = (level - 1 if allowed else level, now)
            if len(self._buckets) > MOST_KEPT:
                self._buckets.popitem(last=False)
        if not allowed:
            wait = math.ceil((1 - level) / self._rate)
            raise UnavailableError("request.too_fast", retry_after=wait, seconds=wait)


class Gate:
    """At most `most` at once; a further one is refused rather than queued (interfaces.md, back-pressure)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._since: dict[int, float] = {}
        self._next = 0
        self._lock = threading.Lock()

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        """Hold one place; UnavailableError `server.busy` if all are taken."""
        with self._lock:
            if len(self._since) >= self._most:
                raise UnavailableError("server.busy", retry_after=1)
            self._next += 1
            place = self._next
            self._since[place] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._since[place]

    @property
    def inside(self) -> int:
        return len(self._since)

    def longest(self) -> float:
        """Seconds that the oldest inside has been there; 0 if there is none."""
        with self._lock:
            return time.monotonic() - min(self._since.values()) if self._since else 0.0
