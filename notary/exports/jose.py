"""JSON Web Signatures in compact form, as our exports use them (RFC 7515, RFC 8037, RFC 7518 §3.4), and no others.

Pure. The algorithm follows from the key, never from the header: `alg` must name it. A header may hold `alg`, `typ`,
`cty` and `kid` and nothing else, so that no token brings its own key, address or rules along.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ledger.crypto.suites import INTL, verify
from ledger.errors import InputError, UnreadableError
from ledger.ports import Signer
from notary import members
from notary.canonical import MAX_DEPTH, canonicalise, parse_strict
from notary.evidence import DepartmentKey

MAX_BYTES = 32 << 20
_HEADER = frozenset({"alg", "typ", "cty", "kid"})
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ALGORITHMS: Mapping[int, str] = {32: "EdDSA", 65: "ES256"}
"""By the length of the raw public key."""


@dataclass(frozen=True, slots=True)
class Jws:
    """A token as read; nothing in it is believed before `verifies` says so."""

    algorithm: str
    type: str
    content_type: str
    key_id: str
    payload: Any
    signing_input: bytes
    signature: bytes

    def verifies(self, public_key: bytes) -> bool:
        """Whether `public_key` (raw, suite `intl`) made the signature, with the algorithm that the key has."""
        if _ALGORITHMS.get(len(public_key)) != self.algorithm:
            return False
        return verify(INTL, public_key, self.signature, self.signing_input)


def sign_jws(payload: Mapping[str, Any], signer: Signer, *, type_: str, content_type: str, key_id: str) -> str:
    """The token over JCS of `payload`. InputError for a key of another suite: JOSE has no SM2."""
    algorithm = _ALGORITHMS.get(len(signer.public_key)) if signer.suite == INTL else None
    if algorithm is None:
        raise InputError("jose.suite", suite=signer.suite)
    header = canonicalise({"alg": algorithm, "typ": type_, "cty": content_type, "kid": key_id})
    signing_input = f"{to_b64url(header)}.{to_b64url(canonicalise(payload))}"
    return f"{signing_input}.{to_b64url(signer.sign(signing_input.encode()))}"


def parse_jws(data: bytes, *, limit: int = MAX_BYTES) -> Jws:
    """Read a token strictly; one newline may end the file. UnreadableError `jose.form` for anything else."""
    if len(data) > limit:
        raise UnreadableError("format.too_long", where="JWS", member="file", limit=limit)
    text = data.removesuffix(b"\n").decode("ascii", "replace")
    parts = text.split(".")
    if len(parts) != 3:
        raise UnreadableError("jose.form")
    header, payload, signature = (from_b64url(part) for part in parts)
    names = members.check_names("JWS", parse_strict(header, limit=2048), _HEADER, _HEADER)
    algorithm, type_, content, key = (members.read_text("JWS", n, names[n], 1024) for n in ("alg", "typ", "cty", "kid"))
    if algorithm not in _ALGORITHMS.values() or len(signature) != 64:
        raise UnreadableError("jose.algorithm", found=algorithm[:20].encode("ascii", "replace").decode())
    value = parse_strict(payload, limit=limit, max_depth=MAX_DEPTH + 2)
    if canonicalise(value) != payload:
        raise UnreadableError("jose.form")
    return Jws(algorithm, type_, content, key, value, f"{parts[0]}.{parts[1]}".encode(), signature)


def controller_document(issuer: str, keys: Iterable[DepartmentKey]) -> dict[str, Any]:
    """The keys at the address that names the issuer, as other programs find them (Controlled Identifiers v1.0)."""
    own = [key for key in keys if key.suite == INTL and len(key.public_key) in _ALGORITHMS]
    methods = [_method(issuer, key) for key in own]
    return {
        "@context": ["https://www.w3.org/ns/cid/v1"],
        "id": issuer,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def key_of_method(method: object) -> tuple[str, bytes] | None:
    """(key id, raw public key) of a verification method as `controller_document` writes it; None for anything else."""
    if not isinstance(method, dict) or not isinstance(method.get("publicKeyJwk"), dict):
        return None
    jwk, name = method["publicKeyJwk"], method.get("id")
    try:
        x, y = from_b64url(str(jwk.get("x"))), from_b64url(str(jwk.get("y", "AA")))
    except UnreadableError:
        return None
    raw = x if jwk.get("kty") == "OKP" else b"\x04" + x + y
    return (str(name).rpartition("#")[2], raw) if len(raw) in _ALGORITHMS else None


def _method(issuer: str, key: DepartmentKey) -> dict[str, Any]:
    raw = key.public_key
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": to_b64url(raw)}
    if len(raw) == 65:
        jwk = {"kty": "EC", "crv": "P-256", "x": to_b64url(raw[1:33]), "y": to_b64url(raw[33:])}
    found = {"id": f"{issuer}#{key.key_id}", "type": "JsonWebKey", "controller": issuer, "publicKeyJwk": jwk}
    stolen = [t for t in (key.compromised_since, key.claimed_since) if t is not None]
    ends = {"expires": key.until, "revoked": min(stolen, default=None)}
    return {**found, **{name: stamp(at) for name, at in ends.items() if at is not None}}


def stamp(at: int) -> str:
    """Unix seconds as credentials write them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_b64url(data: bytes) -> str:
    """RFC 4648 §5 without padding."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def from_b64url(text: str) -> bytes:
    """The bytes of what `to_b64url` wrote; UnreadableError for any other spelling."""
    if not _SEGMENT.fullmatch(text):
        raise UnreadableError("jose.form")
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        raise UnreadableError("jose.form") from None
    if to_b64url(data) != text:
        raise UnreadableError("jose.form")
    return data
