"""What the chain said, as the indexer wrote it down: adding a range, taking blocks back, reading it.

SQL only. Readers see whole ranges: blocks, events and cursor change in one transaction (nodes.md, Indexer).
"""

from ledger.store.index.events import IndexedEvent, ToldEvent
from ledger.store.index.finding import ObjectFinder
from ledger.store.index.objects import Memory
from ledger.store.index.reading import IndexReader
from ledger.store.index.writing import (
    add_blocks,
    add_events,
    clear_cursor,
    known_blocks,
    position,
    prune,
    set_cursor,
    take_back,
)

__all__ = [
    "IndexReader",
    "IndexedEvent",
    "Memory",
    "ObjectFinder",
    "ToldEvent",
    "add_blocks",
    "add_events",
    "clear_cursor",
    "known_blocks",
    "position",
    "prune",
    "set_cursor",
    "take_back",
]
