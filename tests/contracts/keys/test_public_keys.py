"""DepartmentKeys: what is a public key of a suite: its length, its form, and a point on the curve."""

from __future__ import annotations

import pytest
from keys_world import BASIS, ED, KEY, P256, P256_POINT, SIGN, SM2, SM2_POINT, key
from world import ISSUER, NONE, left, plain, reverts


@pytest.mark.parametrize(
    ("suite", "public_key", "reason"),
    [
        (0, ED, 1),
        (4, ED, 1),
        (1, ED[:31], 2),
        (1, ED + b"\0", 2),
        (1, NONE, 4),
        (1, P256_POINT, 2),
        (P256, ED, 2),
        (P256, P256_POINT[:64], 2),
        (P256, b"\x02" + P256_POINT[1:], 3),
        (P256, b"\x06" + P256_POINT[1:], 3),
        (P256, P256_POINT[:64] + bytes([P256_POINT[64] ^ 1]), 4),
        (P256, SM2_POINT, 4),
        (SM2, P256_POINT, 4),
        (SM2, b"\x07" + SM2_POINT[1:], 3),
        (SM2, b"\x04" + b"\xff" * 64, 4),
    ],
)
def test_propose__no_public_key_of_the_suite__denied(keys, mine, suite, public_key, reason):
    with reverts("DepartmentKeys_PublicKeyInvalid", suite, reason):
        keys.proposeKey(KEY, left(ISSUER), key(public_key, suite), BASIS, mine)


def test_propose__public_keys_of_every_suite__done(world, keys):
    for name, public_key, suite in (("p", P256_POINT, P256), ("s", SM2_POINT, SM2)):
        assert plain(keys.keyOf(world.add(name, public_key, suite=suite)))[2:5] == (suite, SIGN, public_key)
