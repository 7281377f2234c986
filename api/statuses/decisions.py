"""A department's decision as JSON → the notary's decision; an outbox row as JSON. The rules are the notary's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.digests import HEX
from api.errors import message
from api.parts import Parts
from api.statuses.places import Place, find_place
from ledger.errors import ChuzhengError, InputError, NotFoundError, UnavailableError
from ledger.statuses import REVERSIBLE, DecisionCode
from ledger.texts import LANGUAGES
from ledger.types import BlockTime, DepartmentCode, Digest
from notary.canonical import parse_strict
from notary.disclosure import Disclosure, parse_disclosure
from notary.entry import status_key

ANNUL = "annul"
CODES: dict[str, DecisionCode] = {
    "resume": DecisionCode.RESUMED,
    "transfer-in": DecisionCode.RESUMED,
    "suspend": DecisionCode.SUSPENDED,
    "rescind": DecisionCode.RESCINDED,
    "deregister": DecisionCode.DEREGISTERED,
    "lapse": DecisionCode.LAPSED,
    "transfer-out": DecisionCode.TRANSFERRED_OUT,
    "revoke": DecisionCode.REVOKED,
    "supersede": DecisionCode.SUPERSEDED,
    "withdraw": DecisionCode.WITHDRAWN,
    "other": DecisionCode.OTHER,
}
MEMBERS = frozenset(
    {"decision", "cause", "effective_from", "basis", "until", "ends", "number", "successor", "disclosure"}
)
INTENT = "chuzheng-intent/1"
MOST = 512 << 10
"""Of a request: a disclosure with its receipt and evidence fits."""


@dataclass(frozen=True, slots=True)
class NewOne:
    """A decision as asked for; `effective_from` None: from the newest block on."""

    code: DecisionCode
    cause: int = 0
    effective_from: BlockTime | None = None
    basis: Digest | None = None
    successor: Digest | None = None
    until: BlockTime | None = None
    ends: int | None = None
    disclosure: Disclosure | None = None
    """Of another department's certificate: the competent department decides on what it doesn't keep itself."""


@dataclass(frozen=True, slots=True)
class Annulment:
    """Decision `number` is to count as never made."""

    number: int
    basis: Digest | None = None


Wanted = NewOne | Annulment


def parse_decision(body: bytes) -> Wanted:
    """What the body asks for; InputError `request.…` names the member that is wrong."""
    value = parse_strict(body, limit=MOST)
    if not isinstance(value, dict):
        raise InputError("request.member", name="body", expected="{…}")
    for name in value:
        if name not in MEMBERS:
            raise InputError("request.unknown_member", name=str(name)[:40])
    word = value.get("decision")
    basis = _digest(value, "basis")
    if word == ANNUL:
        number = _integer(value, "number", 1, (1 << 32) - 1)
        if number is None:
            raise InputError("request.member", name="number", expected="1, 2, 3, …")
        return Annulment(number, basis)
    if not isinstance(word, str) or word not in CODES:
        raise InputError("request.member", name="decision", expected=", ".join([*CODES, ANNUL]))
    effective = _integer(value, "effective_from", 0, (1 << 53) - 1)
    until = _integer(value, "until", 1, (1 << 53) - 1)
    return NewOne(
        code=CODES[word],
        cause=_integer(value, "cause", 0, 65535) or 0,
        effective_from=None if effective is None else BlockTime(effective),
        basis=basis,
        successor=_digest(value, "successor"),
        until=None if until is None else BlockTime(until),
        ends=_integer(value, "ends", 1, (1 << 32) - 1),
        disclosure=_disclosure(value),
    )


def intent_body(parts: Parts, intent: str, department: DepartmentCode) -> dict[str, Any]:
    """chuzheng-intent/1: how far it has come; `done` once nothing more happens by itself. A department sees its own."""
    row = parts.outbox.status(intent) if parts.outbox is not None else None
    if row is None or row.sender not in parts.operators.get(department, ()):
        raise NotFoundError("status.intent_unknown", intent=intent[:80])
    waits = row.done and parts.decisions is not None and not parts.decisions.visible(row.block_number)
    error = None
    if row.error_code is not None:
        told = ChuzhengError(row.error_code, **row.error_params)
        error = {
            "code": row.error_code,
            "params": {k: str(v) for k, v in row.error_params.items()},
            **{f"message_{language}": message(told, language) for language in LANGUAGES},
        }
    return {
        "schema": INTENT,
        "intent": intent,
        "state": "mined" if waits else str(row.state),
        "done": bool(row.done) and not waits,
        "tx_hash": row.tx_hash,
        "block_number": row.block_number,
        "error": error,
        "test_chain": parts.test_chain,
    }


def _integer(value: dict[str, Any], name: str, least: int, most: int) -> int | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise InputError("request.member", name=name, expected=f"{least} … {most}")
    return found


def _digest(value: dict[str, Any], name: str) -> Digest | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not HEX.fullmatch(found):
        raise InputError("request.member", name=name, expected="64 × [0-9a-f]")
    return Digest(bytes.fromhex(found))


def _disclosure(value: dict[str, Any]) -> Disclosure | None:
    """A disclosure file comes as its text: nested, it would be deeper than a request may be."""
    found = value.get("disclosure")
    if found is None:
        return None
    if not isinstance(found, str):
        raise InputError("request.member", name="disclosure", expected='"{…chuzheng-disclosure/1…}"')
    return parse_disclosure(found.encode())


def submit(parts: Parts, department: DepartmentCode, key: Digest, wanted: Wanted) -> str:
    """Hand the decision to the outbox; the intent's key. The same decision again: the same intent."""
    decisions = parts.decisions
    if decisions is None:
        raise UnavailableError("server.no_notary")
    place = find_place(parts, department, key)
    shown = wanted.disclosure if isinstance(wanted, NewOne) and place is None else None
    if shown is not None:
        entry = shown.receipt.entry
        if status_key(entry.issuer, entry.sha256) != key:
            raise InputError("status.disclosure_other")
    elif place is None and not parts.the_chain().decisions(key):
        # Neither in this department's logs, as far as they are sealed, nor decided about by anybody.
        raise NotFoundError("status.entry_unknown")
    about: Digest | Place | Disclosure = place or shown or key
    if isinstance(wanted, Annulment):
        return decisions.annul(department, about, wanted.number, basis=wanted.basis)
    heir = None
    if wanted.successor is not None:
        heir = find_place(parts, department, wanted.successor)
        if heir is None:
            raise NotFoundError("status.successor_unknown")
    return decisions.decide(
        department,
        about,
        wanted.code,
        cause=wanted.cause,
        effective_from=wanted.effective_from,
        basis=wanted.basis,
        until=wanted.until,
        ends=wanted.ends or (last_to_end(parts, key) if wanted.code is DecisionCode.RESUMED else None),
        successor=heir,
    )


def last_to_end(parts: Parts, key: Digest) -> int | None:
    """The number of the newest decision that a decision 1 can end, for who doesn't name one."""
    found = [d for d in parts.the_chain().decisions(key) if d.code in REVERSIBLE and d.annulled_at is None]
    return found[-1].number if found else None
