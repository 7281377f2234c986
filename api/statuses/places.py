"""Where in a department's logs the entry of a status key stands.

A key can't be turned back into a commitment, so the logs are read through, newest entries first: a decision is rare and
about something recent more often than not. Found places are remembered; the log never moves an entry.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from api.parts import Parts
from ledger.types import DepartmentCode, Digest, Origin
from notary.entry import parse_origin, status_key

Place = tuple[Origin, int]
AT_ONCE = 4096
MOST_KEPT = 10_000
_SHA256 = slice(28, 60)


class _Known:
    """Places found before, least recently used forgotten first."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[int, Digest], Place] = OrderedDict()
        self._lock = Lock()

    def get(self, notary: int, key: Digest) -> Place | None:
        with self._lock:
            place = self._places.get((notary, key))
            if place is not None:
                self._places.move_to_end((notary, key))
            return place

    def put(self, notary: int, key: Digest, place: Place) -> None:
        with self._lock:
            self._places[(notary, key)] = place
            if len(self._places) > MOST_KEPT:
                self._places.popitem(last=False)


_known = _Known()


def find_place(parts: Parts, department: DepartmentCode, key: Digest) -> Place | None:
    """(origin, index) of the entry in one of the department's logs here; None if it stands in none of them."""
    notary = parts.the_notary()
    place = _known.get(id(notary), key)
    if place is not None and parse_origin(place[0]).issuer == department:
        return place
    for origin, files in notary.logs.items():
        if parse_origin(origin).issuer != department:
            continue
        end = files.sealed_size()
        while end > 0:
            start = max(0, end - AT_ONCE)
            for offset, entry in enumerate(files.entries(start, end)):
                if status_key(department, entry[_SHA256]) == key:
                    found = (origin, start + offset)
                    _known.put(id(notary), key, found)
                    return found
            end = start
    return None
