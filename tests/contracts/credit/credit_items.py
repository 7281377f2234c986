"""Items of CreditRecords in any state, as tests want them."""

from __future__ import annotations

from credit_world import (
    COUNTY,
    CRIME,
    FACT,
    FILES32,
    FRAUD,
    MERIT,
    NEGATIVE,
    POLICE,
    PROVINCE,
    SCHOOL,
    Told,
    today,
)
from world import NONE, now, some

ACTIVE, OBJECTED, CORRECTED, WITHDRAWN, REPAIRED, ARCHIVED = range(1, 7)
TERMS = Told()


def item(item_class=NEGATIVE, **changes) -> tuple:
    """`ItemInput`: a general negative item decided today, unless told otherwise."""
    negative = item_class not in (MERIT, FACT)
    given = {
        "file_class": FILES32,
        "item_class": item_class,
        "severity": 2 if negative else 0,
        "commitment": some(),
        "notice": some() if negative else NONE,
        "decision": some() if negative else NONE,
        "decided_at": today() if negative else 0,
        "event_end": today() if negative else 0,
        "publish_months": 0,
    }
    assert given.keys() >= changes.keys()
    return tuple((given | changes).values())


def added(world, item_class=NEGATIVE, by=None, **changes) -> bytes:
    owner = by or {MERIT: POLICE, FACT: SCHOOL, NEGATIVE: POLICE, FRAUD: COUNTY, CRIME: PROVINCE}[item_class]
    item_id = some()
    assert world.credits.add(item_id, item(item_class, **changes), world.by(owner)).return_value is True
    return item_id


def state(world, item_id: bytes) -> int:
    return world.credits.stateAt(item_id, now())


def objected(world, **changes) -> bytes:
    item_id = added(world, **changes)
    world.credits.objectTo(item_id, some(), today(), world.by(COUNTY))
    return item_id


def appealed(world, **changes) -> bytes:
    """Upheld by its owner, then taken to the authority."""
    item_id = objected(world, **changes)
    world.credits.uphold(item_id, some(), world.by(changes.get("by") or POLICE))
    world.credits.appeal(item_id, some(), today(), world.by(COUNTY))
    return item_id
