"""All tables of objects, in one list."""

from ledger.store.index.catalogue import CATALOGUE
from ledger.store.index.council import COUNCIL
from ledger.store.index.credits import CREDIT_CONTRIBUTORS, CREDIT_ITEMS
from ledger.store.index.departments import DEPARTMENTS
from ledger.store.index.keys import KEYS
from ledger.store.index.nodes import NODES
from ledger.store.index.objects import Projection
from ledger.store.index.shares import SHARES
from ledger.store.index.working_rules import AUTHORITIES, CALENDAR

PROJECTIONS: tuple[Projection, ...] = (
    *COUNCIL,
    *DEPARTMENTS,
    *KEYS,
    AUTHORITIES,
    *CALENDAR,
    *CATALOGUE,
    *SHARES,
    CREDIT_CONTRIBUTORS,
    CREDIT_ITEMS,
    NODES,
)
