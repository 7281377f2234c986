"""Addresses of content stores: `embedded` (the data folder), `folder:/path`, `kubo` (at `ipfs_api`), `kubo:/ip4/…`.

The one form of an address that is written down (settings may shorten it) is what the database knows a store by.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.settings import Settings
from ledger.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from notary.stores.blocks import CheckedStore
    from notary.stores.placed import Places

EMBEDDED = "embedded"


def store_address(text: str, settings: Settings) -> str:
    """The full address of a store as settings or a person name it. ConfigurationError `content.address`,
    `content.no_ipfs_api`."""
    kind, _, rest = text.strip().partition(":")
    if kind == EMBEDDED and not rest:
        return EMBEDDED
    if kind == "folder" and Path(rest).is_absolute():
        return f"folder:{Path(rest)}"
    if kind == "kubo":
        from notary.stores.kubo import multiaddr_of

        if not rest and settings.ipfs_api is None:
            raise ConfigurationError("content.no_ipfs_api")
        return f"kubo:{multiaddr_of(rest or str(settings.ipfs_api))}"
    raise ConfigurationError("content.address", found=text[:120])


def open_store(address: str, settings: Settings) -> CheckedStore:
    """The store of a full address; nothing is asked of it yet."""
    kind, _, rest = address.partition(":")
    if kind == "kubo":
        from notary.stores.kubo import KuboStore

        return KuboStore(rest)
    from notary.stores.content import EmbeddedStore

    folder = settings.content_dir if kind == EMBEDDED else Path(rest)
    if kind != EMBEDDED and not folder.is_dir():
        # Made by a person: a disk that isn't mounted must not look like an empty store.
        raise UnavailableError("content.no_folder", retry_after=60, path=str(folder))
    return EmbeddedStore(folder)


def content_places(settings: Settings, records: Any) -> Places:
    """All places of this machine's files, as settings and past moves say; `records` is the notary's RecordStore."""
    from notary.stores.content_index import ContentIndex
    from notary.stores.placed import Places

    second = store_address(settings.content_second, settings) if settings.content_second else None
    configured = store_address(settings.content_store, settings)
    places = Places(ContentIndex(records), lambda address: open_store(address, settings), configured, second)
    if EMBEDDED in (configured, second):
        places.store(EMBEDDED)  # its folder is there from the start: one that is missing later is a fault
    return places
