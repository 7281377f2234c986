"""All tables of objects, in one list."""

from ledger.store.index.objects import Projection

PROJECTIONS: tuple[Projection, ...] = ()
