"""A disclosure as a W3C Verifiable Credential 2.0, secured as `vc+jwt` (VC Data Model 2.0; Securing VCs with JOSE).

Pure. A copy for wallets and other countries' verifiers: the disclosure in `evidence` stays the original, and everything
else in the credential follows from it, from the server's address and from the time of signing. The reader makes the
credential again from those three and takes no other. It proves the record, not the person who presents it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ledger.errors import InputError, UnreadableError
from ledger.ports import Signer
from ledger.types import Kind
from notary.b64 import from_b64, to_b64
from notary.canonical import MAX_INTEGER, canonicalise
from notary.disclosure import MAX_BYTES as MAX_DISCLOSURE
from notary.disclosure import Disclosure, parse_disclosure, recompute
from notary.exports.jose import Jws, parse_jws, sign_jws
from notary.exports.status_place import place_of

TYPE, CONTENT_TYPE = "vc+jwt", "vc"
SUFFIX = ".vc.jwt"
MEDIA_TYPE = "application/vc+jwt"
CONTEXT_V2 = "https://www.w3.org/ns/credentials/v2"
PURPOSES = ("revocation", "suspension")
_VOCABULARY = "urn:chuzheng:vocab:"
_TERMS = {
    **{name: _VOCABULARY + name for name in ("CertificateCopy", "DocumentCopy", "ChuzhengDisclosure", "disclosure")},
    "record": {"@id": _VOCABULARY + "record", "@type": "@json"},
}
"""The members are one JSON value to other programs: `type` and `name` of ours aren't theirs."""
_TYPES = {Kind.CERTIFICATE: "CertificateCopy", Kind.DOCUMENT: "DocumentCopy"}
_BASE = re.compile(r"https?://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?(/[A-Za-z0-9._~-]{1,60}){0,5}", re.ASCII)
_ISSUER = re.compile(r"(.+)/api/v1/departments/([0-9A-Z]{18})/issuer", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TOLD = (
    ("zh", "副本，原件是 evidence 中的披露件及其登记凭证；只证明所示内容与登记一致，不证明持有人身份。"),
    ("en", "A copy: the original is the disclosure in evidence. It proves the record, not the person who presents it."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Credential:
    """What a token says it is; whose key signed it is judged apart. `issued_at` in Unix seconds, the signer's word."""

    disclosure: Disclosure
    base: str
    issued_at: int
    key_id: str
    jws: Jws

    @property
    def issuer(self) -> str:
        return issuer_of(self.base, self.disclosure.receipt.entry.issuer)


def issuer_of(base: str, department: str) -> str:
    """The identifier of a department as an issuer: where its keys are published."""
    return f"{base}/api/v1/departments/{department}/issuer"


def list_of(base: str, origin: str, number: int, purpose: str) -> str:
    """The address of a status list."""
    return f"{base}/api/v1/statuses/lists/{quote(origin, safe='')}/{number}/{purpose}"


def sign_credential(disclosure: bytes, base: str, signer: Signer, *, key_id: str, issued_at: int) -> bytes:
    """The token for a disclosure's bytes; `key_id` as the chain has it, `issued_at` in Unix seconds. InputError for a
    kind that has none, an address that isn't one, or a disclosure that doesn't hold."""
    parsed = parse_disclosure(disclosure)
    if recompute(parsed) != parsed.receipt.entry.sha256:
        raise InputError("vc.disclosure")
    claims = claims_of(parsed, disclosure, base, issued_at)
    key = f"{claims['issuer']}#{key_id}"
    return sign_jws(claims, signer, type_=TYPE, content_type=CONTENT_TYPE, key_id=key).encode() + b"\n"


def claims_of(disclosure: Disclosure, data: bytes, base: str, issued_at: int) -> dict[str, Any]:
    """The credential; `data` are the disclosure's own bytes."""
    receipt, shown = disclosure.receipt, disclosure.shown
    kind = _TYPES.get(receipt.entry.kind)
    if kind is None:
        raise InputError("vc.kind", kind=receipt.entry.kind.word)
    if not _BASE.fullmatch(base):
        raise InputError("vc.base", url=base[:100])
    origin, issuer = receipt.origin, issuer_of(base, receipt.entry.issuer)
    number, position = place_of(origin, receipt.index)
    return {
        "@context": [CONTEXT_V2, _TERMS],
        "id": f"{base}/api/v1/logs/{quote(origin, safe='')}/receipts/{receipt.index}",
        "type": ["VerifiableCredential", kind],
        "description": [{"@language": language, "@value": told} for language, told in _TOLD],
        "issuer": issuer,
        **_period(shown),
        "iat": issued_at,
        "credentialSubject": {"record": shown},
        "credentialStatus": [
            {
                "id": f"{list_of(base, origin, number, purpose)}#{position}",
                "type": "BitstringStatusListEntry",
                "statusPurpose": purpose,
                "statusListIndex": str(position),
                "statusListCredential": list_of(base, origin, number, purpose),
            }
            for purpose in PURPOSES
        ],
        "evidence": [{"type": ["ChuzhengDisclosure"], "disclosure": to_b64(data)}],
    }


def parse_credential(data: bytes) -> Credential:
    """Read a token strictly. UnreadableError where it isn't one of ours, or says anything that its disclosure doesn't
    (`vc.other_claims`); the signature isn't looked at."""
    jws = parse_jws(data)
    if (jws.type, jws.content_type) != (TYPE, CONTENT_TYPE):
        raise UnreadableError("vc.type", found=_shown(f"typ {jws.type}, cty {jws.content_type}"))
    value = jws.payload
    if not isinstance(value, dict):
        raise UnreadableError("vc.form")
    disclosed, issuer, issued_at = _disclosed(value), value.get("issuer"), value.get("iat")
    named = _ISSUER.fullmatch(issuer) if isinstance(issuer, str) else None
    if named is None or type(issued_at) is not int or not 0 <= issued_at <= MAX_INTEGER:
        raise UnreadableError("vc.form")
    disclosure = parse_disclosure(disclosed)
    try:
        again = claims_of(disclosure, disclosed, named[1], issued_at)
    except UnreadableError:
        raise
    except InputError as error:
        raise UnreadableError(error.code, **error.params) from None
    if canonicalise(again) != canonicalise(value):
        raise UnreadableError("vc.other_claims", member=_differing(again, value))
    issuer_url, mark, key_id = jws.key_id.partition("#")
    if issuer_url != issuer or not mark or not key_id:
        raise UnreadableError("vc.key_id")
    return Credential(disclosure, named[1], issued_at, key_id, jws)


def _disclosed(value: dict[str, Any]) -> bytes:
    evidence = value.get("evidence")
    one = evidence[0] if isinstance(evidence, list) and len(evidence) == 1 else None
    data = from_b64(one.get("disclosure")) if isinstance(one, dict) else None
    if data is None or len(data) > MAX_DISCLOSURE:
        raise UnreadableError("vc.form")
    return data


def _differing(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    names = sorted({*ours, *theirs})
    return _shown(next((n for n in names if n not in ours or n not in theirs or ours[n] != theirs[n]), "?"))


def _period(shown: dict[str, Any]) -> dict[str, str]:
    """Days of Asia/Shanghai, both ends included (formats.md §1)."""
    found = {}
    for name, member, time in (("validFrom", "valid_from", "00:00:00"), ("validUntil", "valid_to", "23:59:59")):
        day = shown.get(member)
        if day is None:
            continue
        if not isinstance(day, str) or not _DAY.fullmatch(day):
            raise InputError("vc.dates", member=member)
        found[name] = f"{day}T{time}+08:00"
    return found


def _shown(text: str) -> str:
    return text[:40].encode("ascii", "backslashreplace").decode()
