"""Status lists as credentials: one signed bit for each of 131,072 entries, for revocation and for suspension.

Pure (Bitstring Status List v1.0). What the bits say follows from the chain's decisions at `made_at`; the receipt's own
verification asks for the decisions themselves and counts more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from ledger.errors import InputError, UnreadableError
from ledger.ports import Signer
from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime
from notary import members
from notary.canonical import canonicalise
from notary.entry import parse_origin
from notary.exports.credential import CONTENT_TYPE, CONTEXT_V2, PURPOSES, TYPE, issuer_of, list_of
from notary.exports.jose import Jws, parse_jws, sign_jws, stamp
from notary.exports.status_list import BITS, decode_status_list, encode_status_list, is_set
from notary.exports.status_place import places_of

TTL = 900
"""Seconds that a copy may be kept."""
VALID_FOR = 24 * 3_600
SUFFIX = ".status.jwt"
REVOCATION, SUSPENSION = PURPOSES
_ID = re.compile(r"(.+)/api/v1/statuses/lists/([^/]{1,300})/(0|[1-9][0-9]{0,10})/(revocation|suspension)", re.ASCII)
_NAMES = frozenset({"@context", "id", "type", "issuer", "validFrom", "validUntil", "credentialSubject"})
_SUBJECT = frozenset({"id", "type", "statusPurpose", "encodedList", "ttl"})


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list as read; times in Unix seconds. Who signed it is judged apart."""

    base: str
    origin: str
    number: int
    purpose: str
    made_at: int
    valid_until: int
    bits: bytes
    key_id: str
    jws: Jws

    def marks(self, position: int) -> bool:
        """Whether the bit is on."""
        return is_set(self.bits, position)


def marked(decisions: Mapping[int, Iterable[Decision]], purpose: str, at: BlockTime) -> list[int]:
    """The indexes of entries that the list marks at `at`: suspended, or ended in any other way (revocation)."""
    found = []
    for index, history in decisions.items():
        now = status_at(tuple(history), at, at)
        if now is None or now.code is DecisionCode.RESUMED:
            continue
        if (now.code is DecisionCode.SUSPENDED) == (purpose == SUSPENSION):
            found.append(index)
    return found


def sign_status_list(
    indexes: Iterable[int], *, base: str, origin: str, number: int, purpose: str, signer: Signer, key_id: str,
    made_at: int,
) -> bytes:  # fmt: skip
    """The list credential in which the entries at `indexes` are marked; `made_at` in Unix seconds."""
    issuer = issuer_of(base, parse_origin(origin).issuer)
    address = list_of(base, origin, number, purpose)
    claims = {
        "@context": [CONTEXT_V2],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": stamp(made_at),
        "validUntil": stamp(made_at + VALID_FOR),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encode_status_list(places_of(origin, number, indexes)),
            "ttl": TTL * 1000,
        },
    }
    token = sign_jws(claims, signer, type_=TYPE, content_type=CONTENT_TYPE, key_id=f"{issuer}#{key_id}")
    return token.encode() + b"\n"


def parse_status_list(data: bytes) -> StatusList:
    """Read a list strictly; the signature isn't looked at."""
    jws = parse_jws(data)
    if (jws.type, jws.content_type) != (TYPE, CONTENT_TYPE):
        raise UnreadableError("vc.form")
    claims = members.check_names(SUFFIX, jws.payload, _NAMES, _NAMES)
    subject = members.check_names(SUFFIX, claims["credentialSubject"], _SUBJECT, _SUBJECT)
    named = _ID.fullmatch(claims["id"]) if isinstance(claims["id"], str) else None
    if named is None:
        raise UnreadableError("vc.form")
    base, origin, number, purpose = named[1], unquote(named[2]), int(named[3]), named[4]
    try:
        issuer = issuer_of(base, parse_origin(origin).issuer)
    except InputError:
        raise UnreadableError("vc.form") from None
    made_at, until = _moment(claims["validFrom"]), _moment(claims["validUntil"])
    encoded = members.read_text(SUFFIX, "encodedList", subject["encodedList"], 1 << 25)
    again = {
        **claims,
        "@context": [CONTEXT_V2],
        "id": list_of(base, origin, number, purpose),
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "credentialSubject": {
            "id": f"{claims['id']}#list", "type": "BitstringStatusList", "statusPurpose": purpose,
            "encodedList": encoded, "ttl": members.read_count(SUFFIX, "ttl", subject["ttl"]),
        },
    }  # fmt: skip
    if canonicalise(again) != canonicalise(claims) or until <= made_at:
        raise UnreadableError("vc.form")
    issuer_url, mark, key_id = jws.key_id.partition("#")
    if issuer_url != issuer or not mark or not key_id:
        raise UnreadableError("vc.key_id")
    bits = decode_status_list(encoded)
    if len(bits) * 8 != BITS:
        raise UnreadableError("status_list.short", found=len(bits) * 8, minimum=BITS)
    return StatusList(base, origin, number, purpose, made_at, until, bits, key_id, jws)


def _moment(text: object) -> int:
    try:
        found = datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise UnreadableError("vc.form") from None
    if stamp(int(found.timestamp())) != text:
        raise UnreadableError("vc.form")
    return int(found.timestamp())
