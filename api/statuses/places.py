"""Where in a department's logs the entry of a status key stands: the notary's look-up, held to the caller's logs."""

from __future__ import annotations

from api.parts import Parts
from ledger.types import DepartmentCode, Digest, Origin
from notary.entry import parse_origin

Place = tuple[Origin, int]


def find_place(parts: Parts, department: DepartmentCode, key: Digest) -> Place | None:
    """(origin, index) of the entry in one of the department's logs here; None if it stands in none of them."""
    place = parts.the_notary().place_of(key)
    return place if place is not None and parse_origin(place[0]).issuer == department else None
