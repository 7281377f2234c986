"""Whom a verifier believes, from one trust file to the next: signing, pinning, the chain of versions. formats.md §8.

Pure: signers and bytes are arguments. A file counts when it is the pinned first one, or follows a file that counts
(sequence, `previous`) with enough distinct members of the old *and* the new council under it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Required, TypedDict, Unpack

from ledger.crypto import suites
from ledger.errors import InputError, IntegrityError, UnavailableError
from ledger.ports import Signer
from ledger.types import Contract, Digest, Millis
from notary.b64 import from_b64, to_b64
from notary.trust_file import (
    FORMAT,
    MAX_SNAPSHOT_AGE,
    LogKey,
    Member,
    TrustFile,
    TrustSignature,
    ValidatorSet,
    WitnessKey,
    parse_trust,
)

__all__ = [
    "LogKey",
    "Member",
    "TrustFile",
    "ValidatorSet",
    "WitnessKey",
    "check_follows",
    "draft_trust",
    "make_trust",
    "parse_trust",
    "read_trust",
    "sign_trust",
    "signed_by_council_of",
    "signers_of",
    "trust_hash",
    "verify_first",
    "verify_next",
    "verify_versions",
]

VALID_FOR = 365 * 24 * 3_600_000
"""Milliseconds that a file made here stands, unless it says otherwise."""


def trust_hash(trust: TrustFile) -> Digest:
    """H of the signed bytes: what notices print, what a first file is pinned by, what `previous` names."""
    return Digest(sha256(trust.signed_bytes).digest())


class Contents(TypedDict, total=False):
    """What a trust file says besides its council; times in milliseconds. `expires`: VALID_FOR after `issued_at` if not
    given. `after`: the version that it follows; None or absent: it is the first."""

    network: Required[str]
    chain_id: Required[int]
    genesis_hash: Required[str]
    finality: Required[str]
    contracts: Required[Iterable[Contract]]
    log_keys: Required[Iterable[LogKey]]
    issued_at: Required[Millis]
    as_of_block: Required[int]
    expires: Millis | None
    max_delay: Mapping[str, int] | None
    validators: Iterable[ValidatorSet]
    witnesses_needed: int
    witnesses: Iterable[WitnessKey]
    snapshot_key: bytes | None
    max_snapshot_age: int
    after: TrustFile | None


def draft_trust(*, members: Sequence[Member], threshold: int, **told: Unpack[Contents]) -> bytes:
    """A trust file's bytes that nobody signed yet; the next version of `after`, or the first."""
    after, issued_at, expires = told.get("after"), told["issued_at"], told.get("expires")
    body: dict[str, object] = {
        "format": FORMAT,
        "network": told["network"],
        "chain_id": told["chain_id"],
        "genesis_hash": told["genesis_hash"],
        "finality": told["finality"],
        "council": {
            "threshold": threshold,
            "members": [{"member": m.member, "suite": m.suite, "key": to_b64(m.key)} for m in members],
        },
        "contracts": [_contract(c) for c in told["contracts"]],
        "validators": [_validators(v) for v in told.get("validators", ())],
        "log_keys": [_log_key(k) for k in told["log_keys"]],
        "max_delay": dict(told.get("max_delay") or {}),
        "witnesses": {
            "needed": told.get("witnesses_needed", 0),
            "keys": [{"name": w.name, "ed25519": to_b64(w.ed25519)} for w in told.get("witnesses", ())],
        },
        "max_snapshot_age": told.get("max_snapshot_age", MAX_SNAPSHOT_AGE),
        "issued_at": issued_at,
        "expires": issued_at + VALID_FOR if expires is None else expires,
        "as_of_block": told["as_of_block"],
        "sequence": 1 if after is None else after.sequence + 1,
        "previous": None if after is None else trust_hash(after).hex(),
    }
    if (snapshot_key := told.get("snapshot_key")) is not None:
        body["snapshot_key"] = to_b64(snapshot_key)
    data = _file({**body, "signatures": []})
    parse_trust(data)  # what this wouldn't read, it doesn't write
    return data


def make_trust(
    *, council: Sequence[tuple[str, Signer]], threshold: int | None = None, **told: Unpack[Contents]
) -> bytes:
    """A trust file's bytes, signed by every `council` member (name, signer); `threshold` None: all of them.

    The signers of the old council sign by `sign_trust` where they aren't in the new one.
    """
    members = [Member(member, signer.suite, signer.public_key) for member, signer in council]
    data = draft_trust(members=members, threshold=len(members) if threshold is None else threshold, **told)
    for member, signer in council:
        data = sign_trust(data, member, signer)
    return data


def sign_trust(data: bytes, member: str, signer: Signer) -> bytes:
    """The same file with one more signature; a member's old signature is replaced."""
    trust = parse_trust(data)
    body = json.loads(trust.body)
    kept = [s for s in json.loads(data)["signatures"] if from_b64(s["key"]) != signer.public_key]
    body["signatures"] = [*kept, _signature(member, signer, trust.signed_bytes)]
    return _file(body)


def verify_first(trust: TrustFile, pinned: bytes | None) -> None:
    """The first file of a verifier: its hash is the pinned one, and its own council signed it.

    `pinned` None: the person who names the file vouches for it. InputError `trust.pin` or `trust.signatures`.
    """
    if pinned is not None and trust_hash(trust) != pinned:
        raise InputError("trust.pin", expected=pinned.hex(), found=trust_hash(trust).hex())
    _check_threshold(trust, trust)


def verify_next(old: TrustFile, new: TrustFile) -> None:
    """`new` directly follows `old`, by the members of both councils. InputError `trust.*`, or IntegrityError
    `trust.forked` where another file with as many signatures claims the old one's sequence number."""
    if _chain(new) == _chain(old) and new.sequence == old.sequence and trust_hash(new) != trust_hash(old):
        _check_threshold(new, old)
        _check_threshold(new, new)
        raise IntegrityError("trust.forked", sequence=new.sequence)
    check_follows(old, new)
    _check_threshold(new, old)
    _check_threshold(new, new)


def check_follows(old: TrustFile, new: TrustFile) -> None:
    """`new` says of itself that it directly follows `old`, signatures aside. InputError `trust.*`."""
    if _chain(new) != _chain(old):
        raise InputError("trust.network", expected=_chain(old), found=_chain(new))
    if new.sequence != old.sequence + 1:
        raise InputError("trust.sequence", expected=old.sequence + 1, found=new.sequence)
    if new.previous != trust_hash(old):
        raise InputError("trust.previous", expected=trust_hash(old).hex())


def _chain(trust: TrustFile) -> str:
    return f"{trust.network} {trust.chain_id} {trust.genesis_hash}"


def verify_versions(files: Sequence[TrustFile], pinned: bytes) -> TrustFile:
    """The newest of `files`, oldest first, after the pin and every step were verified."""
    if not files:
        raise InputError("trust.none")
    verify_first(files[0], pinned)
    for i in range(1, len(files)):
        verify_next(files[i - 1], files[i])
    return files[-1]


def read_trust(data: bytes, *, pinned: bytes | None = None, earlier: TrustFile | None = None) -> TrustFile:
    """Read and verify one file: as a first file, or against an `earlier` one that counts (itself or its successor)."""
    trust = parse_trust(data)
    if earlier is None:
        verify_first(trust, pinned)
    elif trust_hash(trust) == trust_hash(earlier):
        _check_threshold(trust, trust)
    else:
        verify_next(earlier, trust)
    return trust


def signed_by_council_of(council_of: TrustFile, trust: TrustFile) -> None:
    """Enough distinct members of the council in `council_of` signed `trust`. InputError `trust.signatures`."""
    _check_threshold(trust, council_of)


def signers_of(council_of: TrustFile, trust: TrustFile) -> frozenset[str]:
    """Which members of the council in `council_of` signed `trust`. A signature is counted by whose key it is."""
    members = {(m.suite, m.key): m.member for m in council_of.council}
    return frozenset(
        members[s.suite, s.key]
        for s in trust.signatures
        if members.get((s.suite, s.key)) == s.member and _signed(trust, s)
    )


def _check_threshold(trust: TrustFile, council_of: TrustFile) -> None:
    signed = signers_of(council_of, trust)
    if len(signed) < council_of.threshold:
        raise InputError("trust.signatures", expected=council_of.threshold, found=len(signed))


def _signed(trust: TrustFile, signature: TrustSignature) -> bool:
    """Whether it verifies; one that this build can't verify isn't counted, as if it were absent."""
    try:
        return suites.verify(signature.suite, signature.key, signature.signature, trust.signed_bytes)
    except (InputError, UnavailableError):
        return False


def _signature(member: str, signer: Signer, message: bytes) -> dict[str, str]:
    return {
        "member": member,
        "key": to_b64(signer.public_key),
        "suite": signer.suite,
        "signature": to_b64(signer.sign(message)),
    }


def _contract(contract: Contract) -> dict[str, object]:
    fields = {
        "name": contract.name,
        "address": contract.address,
        "code_hash": contract.code_hash,
        "from_block": contract.from_block,
    }
    return _with_ends(fields, until_block=contract.until_block)


def _validators(group: ValidatorSet) -> dict[str, object]:
    fields = {"from_block": group.from_block, "validators": list(group.validators)}
    return _with_ends(fields, until_block=group.until_block, compromised_since=group.compromised_since)


def _log_key(key: LogKey) -> dict[str, object]:
    fields = {"origin": key.origin, "name": key.name, "ed25519": to_b64(key.ed25519), "from": key.since}
    return _with_ends(fields, until=key.until, sm2=None if key.sm2 is None else to_b64(key.sm2))


def _with_ends(fields: Mapping[str, object], **optional: object) -> dict[str, object]:
    return {**fields, **{name: value for name, value in optional.items() if value is not None}}


def _file(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, indent=2).encode() + b"\n"
