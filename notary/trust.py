"""Whom a verifier believes, from one trust file to the next: signing, pinning, the chain of versions. formats.md §8.

Pure: signers and bytes are arguments. A file counts when it is the pinned first one, or follows a file that counts
(sequence, `previous`) with enough distinct members of the old *and* the new council under it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from ledger.crypto import suites
from ledger.errors import InputError, IntegrityError, UnavailableError
from ledger.ports import Signer
from ledger.types import Digest, Millis
from notary.b64 import from_b64, to_b64
from notary.canonical import canonicalise
from notary.trust_file import (
    FORMAT,
    MAX_SNAPSHOT_AGE,
    TAG,
    Contract,
    LogKey,
    Member,
    TrustFile,
    TrustSignature,
    ValidatorSet,
    WitnessKey,
    parse_trust,
)

__all__ = [
    "Contract",
    "LogKey",
    "Member",
    "TrustFile",
    "ValidatorSet",
    "WitnessKey",
    "make_trust",
    "parse_trust",
    "read_trust",
    "sign_trust",
    "signed_by_council_of",
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


def make_trust(
    *,
    network: str,
    chain_id: int,
    genesis_hash: str,
    finality: str,
    council: Sequence[tuple[str, Signer]],
    contracts: Iterable[Contract],
    log_keys: Iterable[LogKey],
    issued_at: Millis,
    as_of_block: int,
    expires: Millis | None = None,
    threshold: int | None = None,
    max_delay: Mapping[str, int] | None = None,
    validators: Iterable[ValidatorSet] = (),
    witnesses_needed: int = 0,
    witnesses: Iterable[WitnessKey] = (),
    snapshot_key: bytes | None = None,
    max_snapshot_age: int = MAX_SNAPSHOT_AGE,
    after: TrustFile | None = None,
) -> bytes:
    """A trust file's bytes, signed by every `council` member (name, signer); the next version of `after`, or the first.

    Times in milliseconds. The signers of the old council sign by `sign_trust` where they aren't in the new one.
    """
    body: dict[str, object] = {
        "format": FORMAT,
        "network": network,
        "chain_id": chain_id,
        "genesis_hash": genesis_hash,
        "finality": finality,
        "council": {
            "threshold": len(council) if threshold is None else threshold,
            "members": [{"member": m, "suite": s.suite, "key": to_b64(s.public_key)} for m, s in council],
        },
        "contracts": [_contract(c) for c in contracts],
        "validators": [_validators(v) for v in validators],
        "log_keys": [_log_key(k) for k in log_keys],
        "max_delay": dict(max_delay or {}),
        "witnesses": {
            "needed": witnesses_needed,
            "keys": [{"name": w.name, "ed25519": to_b64(w.ed25519)} for w in witnesses],
        },
        "max_snapshot_age": max_snapshot_age,
        "issued_at": issued_at,
        "expires": issued_at + VALID_FOR if expires is None else expires,
        "as_of_block": as_of_block,
        "sequence": 1 if after is None else after.sequence + 1,
        "previous": None if after is None else trust_hash(after).hex(),
    }
    if snapshot_key is not None:
        body["snapshot_key"] = to_b64(snapshot_key)
    message = TAG + canonicalise(body)
    body["signatures"] = [_signature(member, signer, message) for member, signer in council]
    data = _file(body)
    parse_trust(data)  # what this wouldn't read, it doesn't write
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
    `trust.forked` where another file claims the old one's sequence number."""
    if new.network != old.network or new.genesis_hash != old.genesis_hash or new.chain_id != old.chain_id:
        raise InputError("trust.network", expected=old.network, found=new.network)
    if new.sequence == old.sequence and trust_hash(new) != trust_hash(old):
        raise IntegrityError("trust.forked", sequence=new.sequence)
    if new.sequence != old.sequence + 1:
        raise InputError("trust.sequence", expected=old.sequence + 1, found=new.sequence)
    if new.previous != trust_hash(old):
        raise InputError("trust.previous", expected=trust_hash(old).hex())
    _check_threshold(new, old)
    _check_threshold(new, new)


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


def _check_threshold(trust: TrustFile, council_of: TrustFile) -> None:
    """Enough distinct members of `council_of` signed `trust`. A signature is counted by the member whose key it is."""
    members = {(m.suite, m.key): m.member for m in council_of.council}
    signed = {
        members[s.suite, s.key]
        for s in trust.signatures
        if members.get((s.suite, s.key)) == s.member and _signed(trust, s)
    }
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
