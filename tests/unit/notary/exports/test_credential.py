"""W3C credentials and status lists: made, read by another implementation, judged; and everything else refused."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.crypto.keys import P256Signer
from ledger.errors import InputError, UnreadableError
from ledger.ports import Signer
from ledger.statuses import Decision, DecisionCode
from ledger.types import BlockTime, DepartmentCode, Kind, Millis
from notary.canonical import canonicalise
from notary.disclosure import make_disclosure, parse_disclosure
from notary.evidence import OFFLINE, DepartmentKey
from notary.exports.credential import PURPOSES, claims_of, parse_credential, sign_credential
from notary.exports.credential_checks import check_credential
from notary.exports.jose import controller_document, from_b64url, key_of_method, parse_jws, to_b64url
from notary.exports.status_credential import SUSPENSION, marked, parse_status_list, sign_status_list
from notary.exports.status_list import BITS
from notary.exports.status_place import place_of, places_of
from notary.report import Outcome
from tests.golden import make
from tests.golden.make import RECORD, SALT, SIGNER

BASE = "https://verify.example.gov.cn"
NOW = 1_790_000_100
KEY_ID = "ab" * 32
P256 = P256Signer(ec.derive_private_key(12345, ec.SECP256R1()))
DISCLOSURE = make_disclosure(RECORD, SALT, ["name", "holders"], make.receipt())
KEY = DepartmentKey(KEY_ID, "intl", SIGNER.public_key, BlockTime(0))
PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def token(signer: Signer = SIGNER, **changes: Any) -> bytes:
    return sign_credential(DISCLOSURE, BASE, signer, **{"key_id": KEY_ID, "issued_at": NOW, **changes})


def status_list(purpose: str, *indexes: int, signer: Signer = SIGNER, **changes: Any) -> bytes:
    arguments = {"base": BASE, "origin": make.ORIGIN, "number": 0, "key_id": KEY_ID, "made_at": NOW, **changes}
    return sign_status_list(indexes, purpose=purpose, signer=signer, **arguments)


def checks(
    data: bytes, *keys: DepartmentKey, lists: tuple[bytes, ...] = (), now: int = NOW + 5
) -> list[tuple[Any, str]]:
    found = check_credential(
        parse_credential(data), keys, [parse_status_list(each) for each in lists], Millis(now * 1000)
    )
    return [(check.outcome, check.case) for check in found]


def altered(data: bytes, header: dict[str, Any] | None = None, **claims: Any) -> bytes:
    """The token with other claims or header members, under the old signature."""
    first, second, signature = data.decode().strip().split(".")
    new_header = {**json.loads(from_b64url(first)), **(header or {})}
    payload = {**json.loads(from_b64url(second)), **claims}
    return f"{to_b64url(canonicalise(new_header))}.{to_b64url(canonicalise(payload))}.{signature}".encode()


@pytest.mark.parametrize("signer", [SIGNER, P256], ids=["Ed25519", "P-256"])
def test_credential__read_by_another_implementation__verifies_and_says_what_was_disclosed(signer: Signer) -> None:
    data = token(signer).decode().strip()
    header = jwt.get_unverified_header(data)
    assert (header["typ"], header["cty"]) == ("vc+jwt", "vc")
    algorithm = "EdDSA" if signer is SIGNER else "ES256"
    public = (
        Ed25519PublicKey.from_public_bytes(signer.public_key)
        if signer is SIGNER
        else ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), signer.public_key)
    )
    claims = jwt.decode(data, public, algorithms=[algorithm], options={"verify_iat": False})
    assert "vc" not in claims
    assert claims["credentialSubject"]["record"] == parse_disclosure(DISCLOSURE).shown
    assert claims["issuer"] == f"{BASE}/api/v1/departments/{make.ISSUER}/issuer"
    assert claims["validFrom"] == "2024-02-29T00:00:00+08:00"
    assert "validUntil" not in claims  # null: no end
    assert header["kid"] == f"{claims['issuer']}#{KEY_ID}"
    assert [s["statusPurpose"] for s in claims["credentialStatus"]] == list(PURPOSES)
    assert RECORD["number"] not in json.dumps(claims, ensure_ascii=False)
    key = replace(KEY, public_key=signer.public_key)
    assert checks(data.encode(), key)[0] == (PASS, "signed")


def test_credential__same_input__same_bytes() -> None:
    assert token() == token()
    assert token(P256) == token(P256)


def test_credential__key_in_the_controller_document__is_found_there() -> None:
    keys = [
        KEY,
        replace(KEY, key_id="cd" * 32, public_key=P256.public_key, until=BlockTime(NOW)),
        replace(KEY, suite="guomi"),
    ]
    document = controller_document(f"{BASE}/x", keys)
    assert [key_of_method(m) for m in document["verificationMethod"]] == [
        (KEY_ID, SIGNER.public_key),
        ("cd" * 32, P256.public_key),
    ]
    assert document["verificationMethod"][1]["expires"] == "2026-09-21T14:15:00Z"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (replace(KEY, key_id="cd" * 32), (FAIL, "no_key")),
        (replace(KEY, public_key=P256.public_key), (FAIL, "wrong")),
        (replace(KEY, suite="guomi"), (FAIL, "wrong")),
        (replace(KEY, until=BlockTime(NOW)), (FAIL, "key_time")),
        (replace(KEY, since=BlockTime(NOW + 1)), (FAIL, "key_time")),
        (replace(KEY, compromised_since=BlockTime(NOW + 1)), (UNKNOWN, "stolen")),
        (replace(KEY, claimed_since=BlockTime(NOW - 1)), (UNKNOWN, "stolen")),
        (replace(KEY, compromised_since=BlockTime(NOW)), (FAIL, "key_time")),
        (KEY, (PASS, "signed")),
    ],
)
def test_signature__by_the_keys_life__as_it_should(key: DepartmentKey, expected: tuple[Outcome, str]) -> None:
    assert checks(token(), key)[0] == expected


def test_signature__keys_couldnt_be_asked_or_it_is_of_the_future__unknown_and_fail() -> None:
    found = check_credential(parse_credential(token()), OFFLINE, [], Millis(NOW * 1000))
    assert (found[0].outcome, found[0].case) == (UNKNOWN, "unasked")
    assert checks(token(), KEY, now=NOW - 301)[0] == (FAIL, "in_future")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "none"}, "jose.algorithm"),
        ({"alg": "HS256"}, "jose.algorithm"),
        ({"alg": "ES256K"}, "jose.algorithm"),
        ({"typ": "JWT"}, "vc.type"),
        ({"jwk": {"kty": "OKP"}}, "format.member_unknown"),
        ({"crit": ["b64"], "b64": False}, "format.member_unknown"),
        ({"kid": "https://elsewhere.example/#" + KEY_ID}, "vc.key_id"),
        ({"kid": KEY_ID}, "vc.key_id"),
    ],
)
def test_parse__header_that_isnt_ours__refused(header: dict[str, Any], code: str) -> None:
    with pytest.raises(UnreadableError) as found:
        parse_credential(altered(token(), header))
    assert found.value.code == code


def test_parse__algorithm_of_another_key__signature_is_wrong() -> None:
    assert checks(altered(token(), {"alg": "ES256"}), KEY)[0] == (FAIL, "wrong")


@pytest.mark.parametrize(
    "claims",
    [
        {"credentialSubject": {"record": {**parse_disclosure(DISCLOSURE).shown, "name": "别的"}}},
        {"validFrom": "2020-01-01T00:00:00+08:00"},
        {"validUntil": "2099-01-01T23:59:59+08:00"},
        {"issuer": f"{BASE}/api/v1/departments/11429021009997812P/issuer"},
        {"credentialStatus": []},
        {"type": ["VerifiableCredential"]},
        {"exp": NOW},
        {"vc": {}},
    ],
)
def test_parse__claims_that_the_disclosure_doesnt_make__refused(claims: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError) as found:
        parse_credential(altered(token(), **claims))
    assert found.value.code == "vc.other_claims"


@pytest.mark.parametrize("claims", [{"evidence": []}, {"iat": 1.5}, {"iat": -1}, {"issuer": BASE}])
def test_parse__without_what_it_follows_from__refused(claims: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        parse_credential(altered(token(), **claims))


@given(st.data())
def test_parse__one_character_changed__refused_or_signature_wrong(data: st.DataObject) -> None:
    whole = bytearray(token())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.sampled_from(b"ABCabc012-_.=~ \n").filter(lambda c: c != whole[at]))
    try:
        outcome = checks(bytes(whole), KEY)[0][0]
    except UnreadableError:
        return
    assert outcome is FAIL


@pytest.mark.parametrize("data", [b"", b"a.b", b"a.b.c.d", b"..", b"e30.e30.", token() + b"\n"])
def test_parse_jws__not_one__refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_jws(data)


def test_sign__other_kind_base_or_disclosure__refused() -> None:
    parsed = parse_disclosure(DISCLOSURE)
    entry = replace(parsed.receipt.entry, kind=Kind.CREDIT)
    credit = replace(parsed, receipt=replace(parsed.receipt, entry=entry))
    with pytest.raises(InputError) as found:
        claims_of(credit, DISCLOSURE, BASE, NOW)
    assert found.value.code == "vc.kind"
    for base in ("ftp://x", "https://x/?q", "https://user@x", "x", "https://x#y"):
        with pytest.raises(InputError):
            sign_credential(DISCLOSURE, base, SIGNER, key_id=KEY_ID, issued_at=NOW)
    other = json.loads(DISCLOSURE)
    other["members"][0]["value"] = "x"
    with pytest.raises(InputError):
        sign_credential(json.dumps(other).encode(), BASE, SIGNER, key_id=KEY_ID, issued_at=NOW)


def test_places__of_one_list__a_permutation_that_scatters() -> None:
    origin = make.ORIGIN
    found = places_of(origin, 3, range(3 * BITS, 4 * BITS))
    assert found == set(range(BITS))
    assert place_of(origin, 3 * BITS + 5) == (3, next(iter(places_of(origin, 3, [3 * BITS + 5]))))
    near = [place_of(origin, index)[1] for index in range(50)]
    assert sum(abs(a - b) < 100 for a, b in pairwise(near)) < 3
    assert near != [place_of(origin + "/x", index)[1] for index in range(50)]


def test_list__marked_or_not__the_credential_is_told() -> None:
    clear = status_list("revocation"), status_list("suspension", 3)
    assert checks(token(), KEY, lists=clear)[1:] == [(PASS, "clear"), (PASS, "clear")]
    ended = status_list("revocation", 3, make.INDEX), status_list("suspension", make.INDEX)
    assert checks(token(), KEY, lists=ended)[1:] == [(FAIL, "marked"), (FAIL, "marked")]


@pytest.mark.parametrize(
    ("data", "case"),
    [
        (status_list("revocation", signer=P256), "list_not_believed"),
        (status_list("revocation", made_at=NOW - 3 * 86_400), "list_expired"),
        (status_list("revocation", number=1), "no_list"),
        (status_list("revocation", base="https://other.example"), "no_list"),
        (status_list("suspension"), "no_list"),
    ],
)
def test_list__not_to_be_believed_or_of_another__unknown(data: bytes, case: str) -> None:
    assert checks(token(), KEY, lists=(data,))[1] == (UNKNOWN, case)


def test_list__read__as_written_and_nothing_else() -> None:
    found = parse_status_list(status_list("revocation", 1, 2))
    assert (found.origin, found.number, found.purpose, found.made_at) == (make.ORIGIN, 0, "revocation", NOW)
    assert sum(byte.bit_count() for byte in found.bits) == 2
    others: list[dict[str, Any]] = [
        {"issuer": BASE},
        {"validUntil": "2020-01-01T00:00:00Z"},
        {"type": []},
        {"x": 1},
    ]
    for claims in others:
        with pytest.raises(UnreadableError):
            parse_status_list(altered(status_list("revocation"), **claims))
    with pytest.raises(UnreadableError):
        parse_status_list(token())
    with pytest.raises(UnreadableError):
        parse_credential(status_list("revocation"))


def test_marked__by_what_is_in_force__suspended_apart_from_ended() -> None:
    def decided(code: DecisionCode, **more: Any) -> Decision:
        arguments = {"effective_from": BlockTime(100), "recorded_at": BlockTime(100), **more}
        return Decision(1, code, 0, DepartmentCode(make.ISSUER), **arguments)

    history = {
        1: [decided(DecisionCode.REVOKED)],
        2: [decided(DecisionCode.SUSPENDED)],
        3: [decided(DecisionCode.SUSPENDED, until=BlockTime(150))],
        4: [decided(DecisionCode.REVOKED, annulled_at=BlockTime(120))],
        5: [decided(DecisionCode.SUPERSEDED)],
        6: [decided(DecisionCode.REVOKED, effective_from=BlockTime(500))],
    }
    assert marked(history, "revocation", BlockTime(200)) == [1, 5]
    assert marked(history, SUSPENSION, BlockTime(200)) == [2]
    assert marked(history, SUSPENSION, BlockTime(140)) == [2, 3]
