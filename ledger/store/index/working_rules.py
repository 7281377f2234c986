"""Who is in charge where, and which days are working days: from the events of `Authorities` and `WorkingCalendar`."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
from ledger.store.index.values import code
from ledger.store.object_tables import authorities, calendar_days, calendar_years


def _authority_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    """The department set last for each division of a domain; none where it was taken away."""
    set_: dict[int, Row] = {}
    for event in history:
        args = event.args
        row = {"domain": args["domain"], "division": args["division"], "department": code(args["department"])}
        set_[args["division"]] = row
    return [row for row in set_.values() if row["department"]]


def _year_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    """The bitmap with which a year was set; days changed since are rows of their own."""
    years = [event.args for event in history if event.event == "YearSet"]
    return [
        {"year": args["year"], "first": args["first"].to_bytes(32, "big"), "second": args["second"].to_bytes(32, "big")}
        for args in years
    ]


def _day_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    days = [event.args for event in history if event.event == "DaySet"]
    return [{"day_number": args["dayNumber"], "working": args["working"]} for args in days[-1:]]


AUTHORITIES = Projection("Authorities", authorities, _authority_rows)
CALENDAR = (
    Projection("WorkingCalendar", calendar_years, _year_rows),
    Projection("WorkingCalendar", calendar_days, _day_rows),
)
