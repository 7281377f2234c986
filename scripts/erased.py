"""Which of the records that lie here were erased by order: asked of whatever list is at hand, and said where none was.

Lists only grow, so all that answer are taken together: files that were named, the data folder's, the server's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ledger.errors import ChuzhengError, ConflictError, DeniedError, UnavailableError, UnreadableError
from ledger.types import Millis, Origin
from scripts import output
from scripts.commands.files import read_file

if TYPE_CHECKING:
    from api.settings import Settings
    from notary.erasures import Erased
    from scripts.client import Client

_Since = Callable[[Origin, int], Millis | None]


@dataclass
class Asked:
    """What the lists say: order by log and index, and for each log who was asked (`file`, `folder`, `server`)."""

    orders: dict[tuple[Origin, int], str] = field(default_factory=dict)
    sources: dict[Origin, list[str]] = field(default_factory=dict)
    since: list[_Since] = field(default_factory=list)
    """Who may know when the entry that tells of an erasure was accepted; asked only where something is refused."""

    def hear(self, source: str, origin: Origin, erased: Iterable[Erased]) -> None:
        """A list of `origin`, from `source`."""
        self.sources.setdefault(origin, []).append(source)
        self.orders |= {(origin, each.index): each.order for each in erased}

    def refuse(self, items: Iterable[tuple[Origin, int, str]], code: str = "erased.copies") -> None:
        """ConflictError `code` if one of these (log, index, name for a person) was erased: it names the first, with
        order and day, and counts them."""
        found = [(origin, index, name) for origin, index, name in items if (origin, index) in self.orders]
        if found:
            raise self.refusal(*found[0], code, count=len(found))

    def refusal(self, origin: Origin, index: int, name: str, code: str = "erased.copy", **more: Any) -> ConflictError:
        """What is said of one that was erased."""
        told = {"order": self.orders[origin, index], "day": self._day(origin, index)}
        return ConflictError(code, name=name, origin=origin, index=index, **told, **more)

    def as_json(self, origins: Iterable[Origin]) -> list[dict[str, Any]]:
        """Who was asked about each log; nobody: an empty list."""
        return [{"origin": origin, "asked": self.sources.get(origin, [])} for origin in sorted(set(origins))]

    def say_unasked(self, origins: Iterable[Origin]) -> None:
        """A hint that names the logs whose list nobody was asked for, where there are any."""
        if unasked := [origin for origin in sorted(set(origins)) if origin not in self.sources]:
            output.say("cli.erased.not_asked", origins=", ".join(unasked))

    def _day(self, origin: Origin, index: int) -> str:
        from notary.erasures import day_of

        found = (at for known in self.since if (at := known(origin, index)) is not None)
        return day_of(next(found, None)) or "-"


def ask_at_hand(
    origins: Iterable[Origin],
    files: Sequence[Path] | None,
    home: Path | None,
    server: tuple[str | None, Path | None] | None,
    *,
    insist: bool = True,
) -> Asked:
    """`ask`, by what a command was given: a copy that lies here may be of a record that was erased. `server`: the
    address and the token's file, as they were given; None: it isn't asked. `insist`: an address that was given is one
    that must answer."""
    from api.settings import load
    from scripts.client import read_token

    url, token_file = server or (None, None)
    settings = load({"home": home, "public_url": url}).settings
    try:
        token = None if server is None else read_token(token_file)
    except DeniedError:
        if token_file is not None:
            raise
        token = None  # most lists are public
    address = None if server is None else settings.url
    return ask(origins, settings, files=files or [], server=address, token=token, insist=insist and url is not None)


def ask(
    origins: Iterable[Origin],
    settings: Settings,
    *,
    files: Sequence[Path],
    server: str | None,
    token: str | None,
    insist: bool,
) -> Asked:
    """All lists at hand of these logs; `server`: its address, None: it isn't asked. A log whose list can't be had is
    missing in `sources`; `insist`: UnavailableError where the server doesn't answer."""
    from notary.snapshot import MAX_BYTES

    wanted, asked = sorted(set(origins)), Asked()
    for path in files:
        for origin, found in read_lists(read_file(path, MAX_BYTES)).items():
            asked.hear("file", origin, found)
    for origin in wanted:
        if (own := _own(settings, origin)) is not None:
            asked.hear("folder", origin, own)
            asked.since.append(partial(_since_own, settings))
    if server is not None:
        _ask_server(asked, wanted, server, token, insist=insist)
        asked.since.append(partial(_since_server, server, token))
    return asked


def read_lists(data: bytes) -> dict[Origin, list[Erased]]:
    """What a list of erasures or a snapshot names, by log; whoever runs this vouches for the file."""
    from notary.erasures import Erased, parse_erasures
    from notary.snapshot import parse_snapshot

    try:
        origin, found = parse_erasures(data)
    except UnreadableError as error:
        if error.code not in ("format.unknown", "format.member_missing", "format.member_unknown"):
            raise
        lists: dict[Origin, list[Erased]] = {}
        for (log, at), order in parse_snapshot(data).erasures.items():
            lists.setdefault(Origin(log), []).append(Erased(at, order))
        return lists
    return {origin: list(found)}


def _own(settings: Settings, origin: Origin) -> Iterable[Erased] | None:
    """The list of a log that this data folder keeps; None of another."""
    from notary.stores.erasure_list import read_list
    from notary.stores.tiles import TileLog

    folder = settings.logs_dir / quote(origin, safe="")
    return read_list(TileLog(folder, origin)) if folder.is_dir() else None


def _since_own(settings: Settings, origin: Origin, index: int) -> Millis | None:
    """When the entry was accepted that this data folder's list names for an erasure; None while there is none."""
    from notary.entry import Entry
    from notary.stores.tiles import TileLog

    item = next((each for each in _own(settings, origin) or () if each.index == index), None)
    if item is None or item.proof is None:
        return None
    folder = settings.logs_dir / quote(item.proof.origin, safe="")
    try:
        return Entry.from_bytes(TileLog(folder, item.proof.origin).entry(item.proof.index)).accepted_at
    except ChuzhengError:
        return None


def _since_server(url: str, token: str | None, origin: Origin, index: int) -> Millis | None:
    """The same at `url`; None too where it doesn't answer."""
    from scripts.client import Client

    with Client(url, token, attempts=1) as client:
        return since_client(client, origin, index)


def since_client(client: Client, origin: Origin, index: int) -> Millis | None:
    """The same of a server that is connected already."""
    from scripts.remote import RemoteLog

    try:
        found = RemoteLog(client).erased(origin, index)
    except ChuzhengError:
        return None
    return None if found is None else found.at


def _ask_server(asked: Asked, origins: Iterable[Origin], url: str, token: str | None, *, insist: bool) -> None:
    """Each log's list at `url`; one that it doesn't keep, or that doesn't come, is left out."""
    from scripts.client import Client

    with Client(url, token, attempts=1) as client:
        ask_client(asked, origins, client, insist=insist)


def ask_client(asked: Asked, origins: Iterable[Origin], client: Client, *, insist: bool = False) -> None:
    """The same of a server that is connected already."""
    from notary.erasures import parse_erasures

    for origin in origins:
        try:
            data = client.send("GET", f"logs/{quote(origin, safe='')}/erasures").content
            of, found = parse_erasures(data)
        except ChuzhengError as error:
            if insist and isinstance(error, UnavailableError):
                raise
            continue
        if of == origin:
            asked.hear("server", origin, found)
