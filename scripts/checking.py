"""What `doctor` looks at on one machine. Each finding has a plain cause and a fix."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError, UnavailableError
from ledger.texts import Language, error_text, text
from ledger.types import Millis

if TYPE_CHECKING:
    from api.settings import Settings

LEAST_FREE_MIB = 1024
CLOCK_TOLERANCE = 10
"""Seconds between our clock and the newest block's time that are nothing to worry about."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: `name` and `case` choose the texts; `needed` ones decide the exit code."""

    name: str
    case: str = "ok"
    needed: bool = True
    params: dict[str, Any] = field(default_factory=dict)
    error: ChuzhengError | None = None
    texts: str = ""
    """Where the text of the case stands, if not among those of `doctor`; it is then said where all is well, too."""

    @property
    def ok(self) -> bool:
        return self.case == "ok" or self.case.startswith("ok_")

    @property
    def mark(self) -> str:
        return "[ OK ]" if self.ok else "[FAIL]" if self.needed else "[WARN]"

    def told(self, language: Language) -> str:
        name = text(f"cli.doctor.{self.name}", language)
        if self.ok and not self.params:
            return name
        params = {key: value[language] if isinstance(value, dict) else value for key, value in self.params.items()}
        why = error_text(self.error, language) if self.error else text(
            f"{self.texts or f'cli.doctor.{self.name}'}.{self.case}", language, **params
        )  # fmt: skip
        return f"{name}: {why}"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "ok": self.ok, "needed": self.needed, "case": self.case,
            "message_zh": self.told("zh"), "message_en": self.told("en"),
        }  # fmt: skip


Check = Callable[["Settings"], Finding | Iterable[Finding] | None]
"""Looks at one thing; None, or nothing, where all is well."""


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which one would mend what they find."""
    return [finding for name, look in CHECKS.items() for finding in _look(name, look, settings)]


def check_indexes(settings: Settings) -> list[ChuzhengError]:
    """The indexes of commitments, identifiers and answered keys against the rows that they are made from."""
    from api import wiring
    from notary.stores.index_check import check_entries, check_some

    with wiring.open_parts(settings, damaged=lambda path, error: None) as parts:  # fsck has told of them
        notary = parts.the_notary()
        return [*check_entries(notary.standing), *check_some(notary.names), *check_some(notary.answers)]


def remake_index(settings: Settings) -> int:
    """The indexes anew from their rows, while the service may run; how many entries."""
    from api import wiring

    with wiring.open_parts(settings) as parts:
        notary = parts.the_notary()
        notary.names.rebuild()
        notary.answers.rebuild()
        return notary.standing.rebuild()


def _look(name: str, look: Check, settings: Settings) -> list[Finding]:
    """What one check finds; one line that says so where it finds nothing."""
    try:
        found = look(settings)
        return ([found] if isinstance(found, Finding) else list(found or ())) or [Finding(name)]
    except ChuzhengError as error:
        return [Finding(name, error.code, error=error)]
    except OSError as error:
        return [Finding(name, "os", params={"reason": error.strerror or type(error).__name__})]


def _home(settings: Settings) -> Finding | None:
    if not settings.home.is_dir():
        return Finding("home", "missing", params={"path": settings.home})
    return None


def _keys(settings: Settings) -> Iterator[Finding]:
    """Every key is there, its owner's alone, whole, and the one that others know."""
    from scripts.key_files import troubles

    for case, params, needed in troubles(settings):
        yield Finding("keys", case, needed=needed, params=dict(params))


def _disk(settings: Settings) -> Finding | None:
    existing = next(p for p in [settings.home.absolute(), *settings.home.absolute().parents] if p.exists())
    free = shutil.disk_usage(existing).free >> 20
    return Finding("disk", "low", params={"free": free, "least": LEAST_FREE_MIB}) if free < LEAST_FREE_MIB else None


def _algorithms(settings: Settings) -> Finding | None:
    import hashlib

    return None if "sm3" in hashlib.algorithms_available else Finding("algorithms", "sm3")


def _trust(settings: Settings) -> Finding | None:
    from api.trust_memory import seen_beside
    from notary.trust import read_trust
    from notary.trust_chain import check_seen

    if not settings.trust_path.is_file():
        return Finding("trust", "missing", params={"path": settings.trust_path})
    trust = read_trust(settings.trust_path.read_bytes())
    check_seen(trust, seen_beside(settings.trust_path))
    if trust.expired(time.time_ns() // 1_000_000):  # type: ignore[arg-type]
        return Finding("trust", "expired", params={"path": settings.trust_path})
    return None


def _database(settings: Settings) -> Finding | None:
    from api import wiring
    from ledger.store.engine import weak_promises

    with wiring.open_parts(settings) as parts:
        parts.the_notary().locate(commitment=bytes(32))
        wiring.require_own_records(parts.the_notary())
        weak = weak_promises(parts.engine) if parts.engine is not None else []
    return Finding("database", "weak", params={"names": ", ".join(weak)}) if weak else None


def _chain(settings: Settings) -> Finding | None:
    """The node answers, is the deployment's chain, and its clock and ours agree."""
    from ledger.evm.blocks import latest_block
    from ledger.evm.deployment import load_deployment, verify_deployment
    from ledger.evm.rpc import Rpc

    rpc = Rpc(settings.rpc_url)
    block = latest_block(rpc)
    verify_deployment(rpc, load_deployment(settings.deployment_path))
    age = int(time.time()) - block.time
    if age > settings.chain_max_age:
        return Finding("chain", "old", params={"age": age})
    if age < -CLOCK_TOLERANCE:
        return Finding("chain", "clock", params={"ahead": -age})
    return None


def _heads(settings: Settings) -> Finding | None:
    """No log is behind what the chain or a high-water mark has of it, as one restored from an older copy is."""
    from api import wiring

    with wiring.open_parts(settings) as parts:
        notary = parts.the_notary()
        for origin in notary.logs:
            with suppress(UnavailableError):  # that the chain is away is the line above this one
                notary.heads.hear(origin)
        for error in notary.held_back():
            raise error
    return None


def _node(settings: Settings) -> Finding | None:
    """The node answers in time and isn't behind what our index already holds."""
    from api import wiring

    with wiring.open_parts(settings) as parts:
        seen = parts.node.look() if parts.node is not None else None
    return None if seen is None or seen.case == "ok" else Finding("node", seen.case, params=seen.params)


def _second(settings: Settings) -> Finding | None:
    """A second node knows the same blocks."""
    from api import wiring

    if not settings.second_rpc_url:
        embedded = settings.engine_profile == "anvil"  # one process: there is no second node to ask
        return None if embedded else Finding("second", "none", needed=False)
    seen = wiring.watch_node(settings, None).compare()
    return None if seen.case == "ok" else Finding("second", seen.case, params=seen.params)


def _witnesses(settings: Settings) -> Finding | None:
    """As health tells it: k of n, who is missing and since when."""
    from api.health.outside import witness_finding
    from api.outside import trust_now

    case, params = witness_finding(settings, trust_now(settings.trust_path)(), _now())
    return Finding("witnesses", case, params=params, texts="web.health")


def _content(settings: Settings) -> Finding | None:
    """Every store of files answers, none is long behind, and no move was left half done."""
    from api import wiring
    from api.health.probes import stores_of_files

    with wiring.open_keeper(settings) as keeper:
        for store in stores_of_files(keeper.places, _now()):
            if store.late:
                return Finding("content", "behind", needed=False, params=store.params)
        for move in keeper.places.leaving():
            return Finding("content", "moving", needed=False, params={"source": move.source, "target": move.target})
    return None


def _peers(settings: Settings) -> Finding | None:
    """As health tells it: the last day that each other log has, and what it refused."""
    from api.health.outside import peer_finding

    case, params = peer_finding(settings, _now())
    return Finding("peers", case, params=params, texts="web.health")


def _now() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def _server(settings: Settings) -> Finding | None:
    try:
        socket.create_connection((settings.host, settings.port), timeout=2).close()
    except OSError:
        return Finding("server", "down", needed=False, params={"url": settings.url})
    return None


CHECKS: dict[str, Check] = {
    "home": _home, "keys": _keys, "disk": _disk, "algorithms": _algorithms, "trust": _trust,
    "database": _database, "chain": _chain, "heads": _heads, "node": _node, "second": _second,
    "content": _content, "witnesses": _witnesses, "peers": _peers, "server": _server,
}  # fmt: skip
