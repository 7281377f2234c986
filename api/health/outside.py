"""Probes of those outside: witnesses with k of n, and other operators' logs that keep our heads. Shared with `doctor`.

The loops of the notary's process write how they stand (notary.stores.outside); here it is read and said, with names and
since when. Nobody is asked anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from api.errors import message
from api.settings import Settings
from ledger.errors import ChuzhengError
from ledger.texts import LANGUAGES, Language, text
from ledger.types import Millis
from notary.checks.case import moment
from notary.network_heads import day_of
from notary.stores.outside import Outside, Standing
from notary.trust_file import TrustFile

Finding = tuple[str, dict[str, Any]]
SILENT = 20 * 60_000
"""Milliseconds after which nobody seems to be asking: the longest pause between two attempts is ten minutes."""
DAYS = 2
"""Days by which another log may be behind before somebody should look."""
ALARM = 4
OUTAGES = frozenset({"witness.unreachable", "witness.answer", "heads.unreachable"})
Says = Callable[[Language], str]


def witness_finding(settings: Settings, trust: TrustFile | None, now: Millis) -> Finding:
    """`witness_alarm`: a refusal that no outage explains; `witnesses_short`: fewer than the trust file needs;
    `witness_refuses`: one that says no; else in order, whoever can't be reached named."""
    names = list(settings.witness_urls)
    needed, known = (trust.witnesses_needed, len(trust.witnesses)) if trust is not None else (0, 0)
    if not names and not needed:
        return "ok", {}
    kept = [standing for standing in Outside(settings.outside_dir).all("witness") if standing.name in names]
    heard = {standing.name for standing in kept if not standing.subject and now - standing.at < SILENT}
    troubles = [standing for standing in kept if standing.code]
    bad = {standing.name for standing in troubles} | {name for name in names if name not in heard}
    have = len(set(names) - bad)
    params: dict[str, Any] = {"have": have, "needed": needed, "known": known or len(names)}
    silent = [name for name in names if name not in heard and name not in {t.name for t in troubles}]
    params["who"] = _told(troubles, silent)
    if any(standing.alarm for standing in troubles):
        return "witness_alarm", params
    if have < needed:
        return "witnesses_short", params
    if any(standing.code not in OUTAGES for standing in troubles):
        return "witness_refuses", params
    return ("ok_witnesses_but" if bad else "ok_witnesses"), params


def peer_finding(settings: Settings, now: Millis) -> Finding:
    """Every other operator's log with the last day that it has, the worst first: `peer_alarm` where the word of one was
    false, `peers_ill` where one refuses, is behind, or promised and hasn't anchored."""
    urls, found = settings.head_peer_urls, list[tuple[int, str, dict[str, Any]]]()
    if not urls:
        return "ok", {}
    kept = {standing.name: standing for standing in Outside(settings.outside_dir).all("heads")}
    for origin in urls:
        standing = kept.get(origin)
        if standing is None or now - standing.at >= SILENT:
            found.append((1, "silent", {"origin": origin}))
        else:
            found.append(_peer(standing, day_of(now)))
    found.sort(key=lambda each: -each[0])
    worst = found[0][0]
    case = "ok_peers" if worst == 0 else "peer_alarm" if worst == ALARM else "peers_ill"
    return case, {
        "logs": {x: "; ".join(_words(f"web.peer.{word}", x, **told) for _, word, told in found) for x in LANGUAGES}
    }


def _peer(standing: Standing, today: str) -> tuple[int, str, dict[str, Any]]:
    day = str(standing.facts.get("day") or "")
    days = _days(day, today)
    params: dict[str, Any] = {
        "origin": standing.name, "day": day or "-", "days": "-" if days is None else days,
        "since": moment(standing.since),
        "waiting": standing.facts.get("waiting", 0), "unproven": standing.facts.get("unproven") or "-",
        "why": {language: _why(standing)(language) for language in LANGUAGES},
    }  # fmt: skip
    if standing.alarm:
        return ALARM, "alarm", params
    if standing.code and standing.code not in OUTAGES and not standing.code.startswith("disk."):
        return 3, "refuses", params
    oldest = str(standing.facts.get("oldest") or "")
    if (_days(oldest, today) or 0) >= DAYS or (standing.code and days is None):
        return 2, "behind", params
    if (_days(str(standing.facts.get("unproven") or ""), today) or 0) >= DAYS:
        return 1, "unproven", params
    return 0, "behind" if standing.code else "day", params


def _told(troubles: Iterable[Standing], silent: Iterable[str]) -> dict[Language, str]:
    """Who, why and since when, in both languages; alarms first."""
    ordered = sorted(troubles, key=lambda standing: not standing.alarm)
    found: dict[Language, str] = {}
    for language in LANGUAGES:
        said = [
            text("web.witness.trouble", language, name=s.name, why=_why(s)(language), since=moment(s.since))
            for s in ordered
        ]
        said += [text("web.witness.silent", language, name=name) for name in silent]
        found[language] = "; ".join(said) or "-"
    return found


def _why(standing: Standing) -> Says:
    error = ChuzhengError(standing.code, **dict(standing.params)) if standing.code else None
    return lambda language: "" if error is None else message(error, language)


def _words(key: str, language: Language, **params: Any) -> str:
    return text(key, language, **{k: v[language] if isinstance(v, dict) else v for k, v in params.items()})


def _days(day: str, today: str) -> int | None:
    try:
        return (date.fromisoformat(today) - date.fromisoformat(day)).days
    except ValueError:
        return None
