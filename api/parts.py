"""The assembled application: what every endpoint is handed, built by api.wiring and, in tests, by hand."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from api.auth import TokenStore
from api.certificates.gathered import Gathered
from api.event_files import EventFiles
from api.observing import Meters
from api.pace import Gate, Pace, network_of
from api.remembered import Remembered
from api.settings import Settings
from api.trusted import TrustSource
from ledger.errors import ConfigurationError, UnavailableError
from ledger.ports import ChainReader, Clock, ContentStore
from ledger.texts import Language
from ledger.types import Address, DepartmentCode, Origin

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from api.statuses.lists import StatusLists
    from ledger.evm.watch import NodeWatch
    from notary.collect import LogReader
    from notary.decisions import Decisions
    from notary.feed import Feed
    from notary.service import Notary
    from notary.stores.placed import Places
    from notary.trust_file import TrustFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Name:
    """A department's names and how to reach it, for people; not on the chain."""

    zh: str
    en: str
    contact: str

    def of(self, language: Language) -> str:
        """The name in `language`; Chinese where there is no English one."""
        return (self.en if language == "en" else self.zh) or self.zh


class Directory:
    """`departments.json` of the data folder: `{code: {"name_zh", "name_en"?, "contact"?}}`; absent: no names."""

    def __init__(self, names: dict[str, Name]) -> None:
        self._names = names

    @classmethod
    def read(cls, path: Path) -> Directory:
        """ConfigurationError `settings.directory_form` if the file is there and isn't of this form."""
        if not path.is_file():
            return cls({})
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls({code: _name(item) for code, item in found.items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (error.strerror or "") if isinstance(error, OSError) else type(error).__name__
            raise ConfigurationError("settings.directory_form", file=str(path), reason=reason) from None

    def get(self, code: str) -> Name | None:
        return self._names.get(code)

    def codes(self) -> list[str]:
        return sorted(self._names)


@dataclass
class Parts:
    """Everything that endpoints use. `notary` None: a server that only verifies."""

    settings: Settings
    clock: Clock
    tokens: TokenStore
    network: str
    chain: ChainReader | None = None
    remembered: Remembered | None = None
    """`chain`, with what many verifications of one block have in common"""
    node: NodeWatch | None = None
    notary: Notary | None = None
    member_logs: frozenset[Origin] = frozenset()
    log_reader: LogReader | None = None
    content: ContentStore | None = None
    places: Places | None = None
    """Where the files are; None where they have one place of their own (tests)"""
    trusted: TrustSource | None = None
    wrap_keys: Mapping[DepartmentCode, X25519PublicKey] = field(default_factory=dict)
    status_lists: StatusLists | None = None
    """None: a server that signs for no department"""
    outbox: Any = None
    decisions: Decisions | None = None
    events: EventFiles | None = None
    """None: a server without a chain that gives evidence"""
    feed: Feed | None = None
    operators: Mapping[DepartmentCode, Sequence[Address]] = field(default_factory=dict)
    engine: Any = None
    closing: Sequence[Callable[[], None]] = ()
    """What to call at the end, in order."""
    directory: Directory = field(default_factory=lambda: Directory({}))
    meters: Meters = field(default_factory=Meters)

    @cached_property
    def writes(self) -> Gate:
        """Writes that the notary works on."""
        return Gate(self.settings.max_writes)

    @cached_property
    def uploads(self) -> Gate:
        """Files that are coming in; slow ones mustn't keep quick writes out."""
        return Gate(self.settings.max_writes)

    @cached_property
    def _writers(self) -> CapacityLimiter:
        return CapacityLimiter(self.settings.max_writes)

    async def write(self, act: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Run a write on threads that reading can't use up; `server.busy` if `max_writes` run already."""
        with self.writes.pass_through():
            return await to_thread.run_sync(partial(act, *arguments, **named), limiter=self._writers)

    @cached_property
    def gathered(self) -> Gathered:
        """Single records, gathered; each holds a place among the `writes` meanwhile."""
        return Gathered(self.the_notary(), self._writers)

    @cached_property
    def lookups(self) -> Pace:
        return Pace(self._share(self.settings.lookups_per_minute))

    def _share(self, per_minute: int) -> int:
        """This process's part of what one address may ask of all of them; connections are spread evenly."""
        return max(1, per_minute // self.settings.api_processes)

    @cached_property
    def checks(self) -> Pace:
        return Pace(self._share(self.settings.checks_per_minute))

    def the_notary(self) -> Notary:
        """The notary; UnavailableError `server.no_notary` on a server that only verifies."""
        if self.notary is None:
            raise UnavailableError("server.no_notary")
        return self.notary

    def the_chain(self) -> ChainReader:
        """The chain; UnavailableError `server.no_chain` on a server that was started without one."""
        if self.chain is None:
            raise UnavailableError("server.no_chain", retry_after=10)
        return self.chain

    def chain_now(self) -> ChainReader | None:
        """The chain for one verification: its answers are all of one block; None: a server without a chain."""
        return self.chain if self.remembered is None else self.remembered.view()

    def close(self) -> None:
        """Let what waits finish, then let go of threads and connections."""
        for end in self.closing:
            end()

    @property
    def trust(self) -> TrustFile | None:
        """The trust file in force; ask once per request, it may change between two."""
        found = self.trusted.now() if self.trusted is not None else None
        return None if found is None else found.file

    @property
    def test_chain(self) -> bool:
        """Finality rule `none`: every surface says so (verification.md)."""
        trust = self.trust
        return trust is None or trust.finality == "none"


async def parts_of(request: Request) -> Parts:
    """FastAPI dependency; async, since a plain one would cross to a thread and back for every request."""
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(parts_of)]


def address_of(request: Request) -> str:
    """Whom a pace counts: the peer's address, IPv6 by its /64. What X-Forwarded-For says counts from the proxies of
    `trusted_proxies` only (app.run)."""
    return network_of(request.client.host) if request.client else "-"


def _name(item: dict[str, str]) -> Name:
    def tidy(text: str) -> str:
        return unicodedata.normalize("NFC", text).strip()

    return Name(tidy(item["name_zh"]), tidy(item.get("name_en", "")), tidy(item.get("contact", "")))
