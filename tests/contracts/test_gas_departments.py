"""What departments, their successions and their keys cost (conftest: `cost`).

What every write of every contract pays for knowing that its department wasn't succeeded is in AnchorLog's and
CertificateStatus' section.
"""

from __future__ import annotations

import pytest
from keys_world import BASIS, ED, FAR, P256, P256_POINT, SM2, SM2_POINT, KeysWorld, key
from world import ANCHOR, COMPETENT, DIVISION, ISSUER, NONE, OTHER, OUTSIDER, TYPE, digest, left

SECTION = "Departments and DepartmentKeys"
ROWS = 15


@pytest.fixture(scope="module")
def world(module_isolation):
    return KeysWorld()


def test_departments__noted(world, cost):
    departments, council = world.departments, {"from": world.council}
    cost("`admit`", departments.admit(left(OUTSIDER), DIVISION, BASIS, council))
    person = digest("person")
    tx = departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, FAR, person, council)
    cost("`appointOperator`", tx)
    tx = departments.accredit(left(ISSUER), left(TYPE), 1000, 0, BASIS, {"from": world.competent})
    cost("`accredit` by the competent department", tx)
    tx = departments.succeed(left(ISSUER), left(OTHER), 0, [], BASIS, council)
    cost("`succeed`, no parts", tx)
    tx = departments.withdrawAccreditation(left(OTHER), left(TYPE), 1, 1, BASIS, {"from": world.competent})
    cost("`withdrawAccreditation` of what came by succession", tx)


def test_succeed__twenty_parts__noted(world, cost):
    parts = [(digest(f"item {i}"), left(COMPETENT)) for i in range(20)]
    tx = world.departments.succeed(left(ISSUER), left(OTHER), 0, parts, BASIS, {"from": world.council})
    cost("`succeed`, 20 parts", tx)


def test_keys__noted(world, cost):
    keys, mine, second = world.keys, {"from": world.issuer}, {"from": world.second}
    first, rotated = digest("first"), digest("rotated")
    given = key(ED, certificate=digest("certificate"), certificateUntil=FAR)
    cost("`proposeKey`, Ed25519", keys.proposeKey(first, left(ISSUER), given, BASIS, mine))
    cost("`confirmKey`", keys.confirmKey(first, second))
    cost("`confirmKey` again, changing nothing", keys.confirmKey(first, second))
    for name, public_key, suite in (("P-256", P256_POINT, P256), ("SM2", SM2_POINT, SM2)):
        given = key(public_key, suite=suite, replaces=first)
        id_ = rotated if suite == SM2 else digest(name)
        cost(f"`proposeKey`, {name}", keys.proposeKey(id_, left(ISSUER), given, BASIS, mine))
    cost("`confirmKey`, rotating", keys.confirmKey(rotated, second))
    tx = keys.registerGateway(digest("gateway"), left(ISSUER), rotated, NONE, 0, FAR, BASIS, mine)
    cost("`registerGateway`", tx)
    cost("`compromiseKey` by the department, with an earlier date", keys.compromiseKey(rotated, 1, 1, BASIS, mine))
    cost("`endKey`", keys.endKey(rotated, 0, 1, BASIS, mine))
