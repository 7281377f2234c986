"""What follows from the lists: duties not connected, demands nobody serves, the negative list, rates; overdue. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.catalogue.records import Catalogue, ClockKind, Demand, Office, Resource, SharingClass, State
from ledger.types import BlockTime, DepartmentCode


@dataclass(frozen=True, slots=True)
class ConnectionRate:
    """How many of the resources that a department owes are connected; those not shared don't count."""

    owed: int
    connected: int

    @property
    def share(self) -> float | None:
        """None where nothing is owed."""
        return self.connected / self.owed if self.owed else None


def duties(known: Catalogue) -> Iterator[Resource]:
    """The responsibility list."""
    return (r for r in known.resources.values() if r.owed)


def duties_not_connected(known: Catalogue) -> Iterator[Resource]:
    """Duties whose resource can't be had, though it isn't one that isn't shared."""
    return (r for r in duties(known) if not _on_negative_list(r) and r.state is not State.CONNECTED)


def demands_without_provider(known: Catalogue) -> Iterator[Demand]:
    """Open demands that nobody answers yet."""
    return (d for d in known.demands.values() if not d.closed and d.provider is None)


def negative_list(known: Catalogue) -> Iterator[Resource]:
    """What is published as not shared, each with its basis."""
    return (r for r in known.resources.values() if _on_negative_list(r))


def connection_rate(known: Catalogue, provider: DepartmentCode, office: Office) -> ConnectionRate:
    """Of the department that carries the duties now."""
    mine = [r for r in duties(known) if not _on_negative_list(r) and office.carrier(r.provider, r.code) == provider]
    return ConnectionRate(len(mine), sum(r.state is State.CONNECTED for r in mine))


def overdue(known: Catalogue, at: BlockTime) -> Iterator[tuple[Resource, ClockKind]]:
    """Clocks that run past their deadline at `at`."""
    for resource in known.resources.values():
        for kind, clock in resource.clocks.items():
            if clock.runs and 0 < clock.deadline <= at:
                yield resource, kind


def _on_negative_list(resource: Resource) -> bool:
    version = resource.published
    return resource.is_open and version is not None and version.sharing_class is SharingClass.NOT_SHARED
