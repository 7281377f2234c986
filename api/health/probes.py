"""Probes: what `ready` and `deep` look at. Each returns the key of its finding and the finding's parameters."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from api.errors import message
from api.health.outside import peer_finding, witness_finding
from api.health.schemas import Test
from api.parts import Parts
from ledger.errors import ChuzhengError, UnavailableError
from ledger.texts import LANGUAGES, Language, text
from ledger.types import Millis
from notary.checkpoint import parse_checkpoint
from notary.cid import EMPTY_FILE
from notary.entry import log_id
from notary.stores.placed import Places

Finding = tuple[str, dict[str, Any]]
OK: Finding = ("ok", {})
LEAST_FREE = 64
"""MiB of the data folder's disk below which writes are about to fail."""
LONGEST_WRITE = 10
"""Seconds that a write may take before something is wrong: the slowest, 10,000 at once, takes about one."""

LONGEST_LAG = 15
"""Minutes that a file may be in one store only before somebody should look."""


@dataclass(frozen=True, slots=True)
class StoreOfFiles:
    """A store that answered: how many files it is behind the others, and for how long the oldest of them."""

    name: str
    files: int
    minutes: int

    @property
    def late(self) -> bool:
        return self.minutes >= LONGEST_LAG

    @property
    def params(self) -> dict[str, Any]:
        """For the words of a finding."""
        return asdict(self)


def stores_of_files(places: Places, now: Millis) -> Iterator[StoreOfFiles]:
    """Every store of files, one after the other, each asked whether it answers; it raises what the store does."""
    for address, lag in places.lags().items():
        places.store(address).has(EMPTY_FILE)
        yield StoreOfFiles(address, lag.files, 0 if lag.since is None else (now - lag.since) // 60_000)


def keys(parts: Parts) -> Finding:
    """Tokens can be read, and at least one log can be signed where there is a notary."""
    parts.tokens.all()
    return ("no_keys", {}) if parts.notary is not None and not parts.notary.signers else OK


def database(parts: Parts) -> Finding:
    """A read through the same path as any other."""
    if parts.notary is not None:
        parts.notary.locate(commitment=bytes(32))
    return OK


def chain(parts: Parts) -> Finding:
    """The chain answers, and its newest block is young enough."""
    age = max(0, parts.clock.now() // 1000 - parts.the_chain().head().time)
    parts.meters.chain_age.set(age)
    limit = parts.settings.chain_max_age
    return ("chain_old", {"seconds": age, "limit": limit}) if age > limit else OK


def node(parts: Parts) -> Finding:
    """The node answers in time, and tells of the same chain as before, not of an older one."""
    if parts.node is None:
        return OK
    seen = parts.node.look()
    return seen.case, seen.params


def second_node(parts: Parts) -> Finding:
    """A second node, where there is one, knows the same blocks. Whether it answers is for `second_answers`."""
    try:
        return second_answers(parts)
    except UnavailableError:
        return OK


def second_answers(parts: Parts) -> Finding:
    """The second node can be asked: without it nobody would notice a node that lies."""
    if parts.node is None or not parts.node.has_second:
        return OK
    seen = parts.node.compare()
    return seen.case, seen.params


def sender(parts: Parts) -> Finding:
    """No transaction is one that the node refuses for ever: everything behind it in its lane would wait."""
    stuck = parts.outbox.stuck() if parts.outbox is not None else None
    return OK if stuck is None else ("node_refuses", {"intent": stuck.intent_key, "reason": stuck.reason})


def writes(parts: Parts) -> Finding:
    """No write hangs: a held database or a dying disk shows here, while reading still works."""
    seconds = int(parts.writes.longest())
    return ("waiting", {"seconds": seconds, "limit": LONGEST_WRITE}) if seconds > LONGEST_WRITE else OK


def heads(parts: Parts) -> Finding:
    """No log is behind what the chain or a high-water mark has of it: submissions to one that is are refused."""
    for error in parts.notary.held_back() if parts.notary is not None else ():
        raise error
    return OK


def store(parts: Parts) -> Finding:
    """The data folder's disk has room, and what is kept there has its place."""
    settings = parts.settings
    embedded = parts.content is not None and (parts.places is None or "embedded" in parts.places.reading())
    for folder in (settings.home, settings.logs_dir, *([settings.content_dir] if embedded else [])):
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            return "no_folder", {"name": folder.name}
    free = shutil.disk_usage(parts.settings.home).free >> 20
    return ("low_disk", {"found": free, "expected": LEAST_FREE}) if free < LEAST_FREE else OK


def content(parts: Parts) -> Finding:
    """Every store of files can be asked, and none is long behind."""
    for store in stores_of_files(parts.places, parts.clock.now()) if parts.places is not None else ():
        parts.meters.content_lag.labels(store.name).set(store.files)
        if store.late:
            return "content_behind", store.params
    return OK


def trust(parts: Parts) -> Finding:
    """The trust file is in force, the newest one was taken, and it speaks of the chain that we are connected to."""
    source = parts.trusted
    found = source.now() if source is not None else None
    if source is None or found is None:
        return "no_trust", {}
    if source.problem is not None:
        why = {language: message(source.problem, language) for language in LANGUAGES}
        return "trust_not_followed", {"sequence": found.file.sequence, "why": why}
    if found.file.expired(parts.clock.now()):
        return "trust_expired", {}
    reader = parts.the_chain()
    if reader.chain_id() != found.file.chain_id or reader.genesis_hash() != found.file.genesis_hash:
        return "other_chain", {}
    return OK


def logs(parts: Parts) -> Finding:
    """Every log extends what the chain holds of it: append-only, seen from outside."""
    reader = parts.the_chain()
    for origin, files in (parts.notary.logs if parts.notary is not None else {}).items():
        # The chain first: what it holds was sealed before, whatever is sealed and anchored while it answers.
        head = reader.log_head(log_id(origin))
        note = files.checkpoint_note()
        size = parse_checkpoint(note).size if note else 0
        parts.meters.log_size.labels(origin).set(size)
        if head is None or head[0] == 0:
            continue
        if head[0] > size:
            return "behind", {"origin": origin, "found": size, "expected": head[0]}
        if files.root(head[0]) != head[1]:
            return "other_root", {"origin": origin, "size": head[0]}
    return OK


def witnesses(parts: Parts) -> Finding:
    """Enough witnesses cosign, and none says that there are two histories."""
    return witness_finding(parts.settings, parts.trust, parts.clock.now())


def peers(parts: Parts) -> Finding:
    """Other operators' logs keep our network's heads, and what they answered is true."""
    return peer_finding(parts.settings, parts.clock.now())


READY: tuple[Callable[[Parts], Finding], ...] = (
    keys, database, writes, heads, chain, node, second_node, sender, store,
)  # fmt: skip
DEEP: tuple[Callable[[Parts], Finding], ...] = (*READY, second_answers, content, trust, logs, witnesses, peers)


def run(parts: Parts, probes: tuple[Callable[[Parts], Finding], ...]) -> list[Test]:
    """Run each probe; whatever it raises is a finding, since a probe that can't look hasn't seen it in order."""
    return [_run(parts, probe) for probe in probes]


def _run(parts: Parts, probe: Callable[[Parts], Finding]) -> Test:
    started = time.perf_counter()
    try:
        case, params = probe(parts)
        zh, en = (text(f"web.health.{case}", language, **_spoken(params, language)) for language in LANGUAGES)
    except ChuzhengError as error:
        case, zh, en = error.code, message(error, "zh"), message(error, "en")
    except Exception as error:  # the door of a probe: its failure is an answer, not a crash
        case, kind = "odd", type(error).__name__
        zh, en = text("web.health.odd", "zh", kind=kind), text("web.health.odd", "en", kind=kind)
    took = round((time.perf_counter() - started) * 1000, 1)
    name_zh, name_en = text(f"web.health.{probe.__name__}", "zh"), text(f"web.health.{probe.__name__}", "en")
    return Test(
        name=probe.__name__,
        ok=case == "ok" or case.startswith("ok_"),
        milliseconds=took,
        message_zh=f"{name_zh}：{zh}",
        message_en=f"{name_en}: {en}",
    )


def _spoken(params: dict[str, Any], language: Language) -> dict[str, Any]:
    """Parameters that are words themselves, in this language."""
    return {name: value[language] if isinstance(value, dict) else value for name, value in params.items()}
