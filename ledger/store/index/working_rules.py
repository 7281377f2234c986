"""Who is in charge where, and which days are working days: from the events of `Authorities` and `WorkingCalendar`."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from ledger.authorities import Authorities
from ledger.calendar import DAY, OFFSET, Calendar, day_of, from_words
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, last
from ledger.store.index.values import code
from ledger.store.object_tables import authorities, calendar_days, calendar_years

NOBODY = Authorities()


def authorities_from(history: Sequence[ToldEvent], known: Authorities = NOBODY) -> Authorities:
    """What was set and not taken away since; `known`: before these events."""
    found = dict(known.departments)
    for event in history:
        place = event.args["domain"], event.args["division"]
        if department := code(event.args["department"]):
            found[place] = department
        else:
            found.pop(place, None)
    return Authorities(MappingProxyType(found))


def calendar_from(history: Sequence[ToldEvent]) -> Calendar:
    """The years as they were set, with the days changed since; from all that the contract said, in order."""
    years: dict[int, int] = {}
    for event in history:
        args = event.args
        if event.event == "YearSet":
            years[args["year"]] = from_words(args["first"], args["second"])
        elif event.event == "DaySet":
            day = day_of(args["dayNumber"] * DAY - OFFSET)
            place = 1 << (day.timetuple().tm_yday - 1)
            years[day.year] = years[day.year] | place if args["working"] else years[day.year] & ~place
    return Calendar(MappingProxyType(years))


def _authority_rows(_: bytes, found: Authorities) -> Sequence[Row]:
    return [
        {"domain": domain, "division": division, "department": department}
        for (domain, division), department in found.departments.items()
    ]


def _year_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    """The bitmap with which a year was set; days changed since are rows of their own."""
    first, second = (event.args[word].to_bytes(32, "big") for word in ("first", "second"))
    return ({"year": event.args["year"], "first": first, "second": second},)


def _day_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"day_number": event.args["dayNumber"], "working": event.args["working"]},)


AUTHORITIES = Projection(
    "Authorities", authorities, frozenset({"AuthoritySet"}), authorities_from, _authority_rows, part=("division",)
)
CALENDAR = (
    Projection("WorkingCalendar", calendar_years, frozenset({"YearSet"}), last, _year_rows),
    Projection("WorkingCalendar", calendar_days, frozenset({"DaySet"}), last, _day_rows),
)
