"""All tables of objects, in one list, and which of one subject's objects each event is about."""

from ledger.store.index.catalogue import CATALOGUE
from ledger.store.index.council import COUNCIL
from ledger.store.index.credits import CREDITS
from ledger.store.index.departments import DEPARTMENTS
from ledger.store.index.events import IndexedEvent
from ledger.store.index.keys import KEYS
from ledger.store.index.logs import LOGS
from ledger.store.index.nodes import NODES
from ledger.store.index.objects import Projection, object_key
from ledger.store.index.shares import SHARES
from ledger.store.index.working_rules import AUTHORITIES, CALENDAR

PROJECTIONS: tuple[Projection, ...] = (
    *COUNCIL,
    *DEPARTMENTS,
    *KEYS,
    *LOGS,
    AUTHORITIES,
    *CALENDAR,
    *CATALOGUE,
    *SHARES,
    *CREDITS,
    NODES,
)
NO_OBJECT = frozenset(
    {
        ("AnchorLog", "LogCarried"),  # the anchors and the closing are those that the contract before told
        ("Catalogue", "ChangeRecorded"),  # the clock that it starts is told by `ClockSet`
        ("Catalogue", "UpdateExtended"),  # the same
        ("CertificateStatus", "Retired"),  # which version is in force the Council's registry tells
        ("CertificateStatus", "StatusCarried"),  # the decisions are those that the contract before told
        ("Departments", "OwnershipTransferStarted"),  # until it is accepted, the owner is who it was
    }
)
"""(contract, event) after which every row is what it was"""
_PARTS = {(p.contract, event): p.part for p in PROJECTIONS for event in p.events if p.part}


def key_of(event: IndexedEvent) -> bytes:
    """The key of the object that the event is about: its subject, unless that has several."""
    return object_key(event.subject, _PARTS.get((event.contract, event.event), ()), event.args)
