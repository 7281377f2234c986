"""The world with DepartmentKeys: two people and a machine of the issuer, and public keys of every suite."""

from __future__ import annotations

from brownie import DepartmentKeys, accounts
from world import ANCHOR, COMPETENT, ISSUER, NONE, OTHER, STATUS, World, digest, left

SIGN, WRAP = 1, 2
ED25519, P256, SM2 = 1, 2, 3
GATEWAY, NODE = 32, 64
FAR = 4_000_000_000
VALID, INVALID, UNKNOWN = 1, 2, 3
"""`validityAt`."""
KEY, BASIS = digest("key"), digest("basis")
"""The id of the key that a test is about, and what its acts rest on."""
ED = digest("some Ed25519 key")
# The base points: FIPS 186-4 D.1.2.3, GB/T 32918.5.
P256_POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
SM2_POINT = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)


def key(public_key: bytes = ED, suite: int = ED25519, purpose: int = SIGN, **changes) -> tuple:
    """KeyInput, with the fields that a test is about."""
    given = {
        "suite": suite,
        "purpose": purpose,
        "publicKey": public_key,
        "certificate": NONE,
        "certificateUntil": 0,
        "since": 0,
        "until": 0,
        "replaces": NONE,
    } | changes
    return tuple(given.values())


class KeysWorld(World):
    """`second` is the issuer's other person, `machine` its operator without one; OTHER has `other` and `other_two`."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = DepartmentKeys.deploy(self.departments, {"from": self.council})
        self.second, self.machine, self.other_two = accounts[4:7]
        for account, code, person in (
            (self.second, ISSUER, digest("second")),
            (self.machine, ISSUER, NONE),
            (self.other_two, OTHER, digest("other two")),
            (self.issuer, ISSUER, digest(ISSUER)),
            (self.other, OTHER, digest(OTHER)),
            (self.competent, COMPETENT, digest(COMPETENT)),
        ):
            self.departments.appointOperator(
                account, left(code), ANCHOR | STATUS | GATEWAY, 0, person, {"from": self.council}
            )

    def add(self, name: str, public_key: bytes | None = None, **changes) -> bytes:
        """A confirmed key of the issuer; its id."""
        id_ = digest(f"key {name}")
        given = key(digest(name) if public_key is None else public_key, **changes)
        self.keys.proposeKey(id_, left(ISSUER), given, NONE, {"from": self.issuer})
        self.keys.confirmKey(id_, {"from": self.second})
        return id_
