"""What anchors and decisions cost, with the longest proofs, held under the design's limits (conftest: `cost`).

Trees of 2^24 and 2^28 leaves are all of one entry, so that their nodes cost nothing to compute.
"""

from __future__ import annotations

import pytest
from brownie import AnchorLog
from certificates import KEYS, SIZE, TREE, UNTYPED, type_proof
from certificates import proof as proof_of
from world import ISSUER, NONE, Tree, digest, entry_of, key_of

COMMITMENT = digest("one of very many")
ENTRY = entry_of(ISSUER, COMMITMENT)
KEY = key_of(ISSUER, COMMITMENT)
BASIS = digest("basis")
MANY = 100
SECTION = "AnchorLog and CertificateStatus"
ROWS = 25


def longest(tree: Tree, size: int) -> tuple[int, list[bytes]]:
    """The head before `size` that needs the longest consistency proof."""
    before = max((size // 2 - 1, size // 2 + 1, size - 1, 2**20 + 1, 3), key=lambda m: len(tree.consistency(m, size)))
    return before, tree.consistency(before, size)


@pytest.mark.parametrize(("depth", "limit"), [(24, 110_000), (28, 115_000)])
def test_anchor__longest_proof__under_the_limit(world, cost, depth, limit):
    tree, size = Tree(repeat=ENTRY), 2**depth
    log = world.open(shard=f"gas-{depth}")
    first, proof = longest(tree, size)
    world.log.anchor(log, first, tree.root(first), [], {"from": world.issuer})
    tx = world.log.anchor(log, size, tree.root(size), proof, {"from": world.issuer})
    cost(f"`anchor` to 2^{depth} leaves, {len(proof)} nodes", tx, limit)
    # A size just above: as long a proof in a tree that isn't full.
    above = size + 2**10 + 1
    proof = tree.consistency(size, above)
    cost(
        f"`anchor` from 2^{depth} leaves to 1,025 more, {len(proof)} node",
        world.log.anchor(log, above, tree.root(above), proof, {"from": world.issuer}),
        limit,
    )
    repeated = world.log.anchor(log, above, tree.root(above), proof, {"from": world.issuer})
    cost(f"`anchor` again, changing nothing (2^{depth})", repeated)


def test_open_log__first__noted(world, cost):
    tx = world.log.openLog(f"chuzheng/{world.log.network()}/{ISSUER}/gas", {"from": world.issuer})
    cost("`openLog`", tx)


def decision(code: int, **changes) -> tuple:
    given = {
        "code": code,
        "cause": 2,
        "effectiveFrom": 1_700_000_000,
        "basis": BASIS,
        "successor": NONE,
        "until": 0,
        "ends": 0,
    } | changes
    return tuple(given.values())


@pytest.fixture
def anchored(world):
    tree, size = Tree(repeat=ENTRY), 2**24
    log = world.open(shard="decisions")
    world.log.anchor(log, size, tree.root(size), [], {"from": world.issuer})

    def proof(index: int) -> tuple:
        return (log, ENTRY, index, size, tree.path(index, size))

    return proof


def test_decisions__depth_24__under_the_limits(world, cost, anchored):
    mine = {"from": world.issuer}
    status = world.status
    first = anchored(2**24 - 1)
    assert len(first[4]) == 24
    cost("`decideFirst`, proof of 24 nodes", status.decideFirst(KEY, decision(2), first, UNTYPED, mine), 170_000)
    tx = status.decideFirst(KEY, decision(2), first, UNTYPED, mine)
    cost("`decideFirst` again, changing nothing", tx)
    cost("`decide` 1, resuming", status.decide(KEY, decision(1, ends=1), mine), 90_000)
    cost("`annul`", status.annul(KEY, 2, BASIS, mine))


LATER = {
    "rescinded": decision(3),
    "deregistered, which asks whether the department is suspended": decision(4),
    "rescinded, without a basis": decision(3, basis=NONE),
}


@pytest.mark.parametrize("name", LATER)
def test_later_decision__one_before__under_the_limit(world, cost, anchored, name):
    mine = {"from": world.issuer}
    world.status.decideFirst(KEY, decision(2, until=4_000_000_000), anchored(0), UNTYPED, mine)
    cost(f"`decide`, a later decision: {name}", world.status.decide(KEY, LATER[name], mine), 90_000)


def test_competent_department__later_decision__noted(world, cost):
    """Two reads and a slot more: its own name."""
    log = world.open(shard="typed")
    world.log.anchor(log, SIZE, TREE.root(SIZE), [], {"from": world.issuer})
    world.status.decideFirst(KEYS[0], decision(2), proof_of(log, 0), UNTYPED, {"from": world.issuer})
    cost("`proveType`, a record of 5 members", world.status.proveType(KEYS[0], type_proof(), {"from": world.competent}))
    tx = world.status.decide(KEYS[0], decision(3), {"from": world.competent})
    cost("`decide`, a later decision by the competent department", tx)


def test_competent_department__first_decision__noted(world, cost):
    log = world.open(shard="typed")
    world.log.anchor(log, SIZE, TREE.root(SIZE), [], {"from": world.issuer})
    tx = world.status.decideFirst(KEYS[0], decision(2), proof_of(log, 0), type_proof(), {"from": world.competent})
    nodes = len(proof_of(log, 0)[4])
    cost(f"`decideFirst` by the competent department with the type, proof of {nodes} nodes, record of 5 members", tx)


def test_closing_and_moving__noted(world, cost):
    council, mine = {"from": world.council}, {"from": world.issuer}
    logs = [world.open(shard=f"move-{i}") for i in range(10)]
    for log in logs:
        world.log.anchor(log, SIZE - 1, TREE.root(SIZE - 1), [], mine)
    cost("`closeLog`", world.log.closeLog(logs[9], SIZE - 1, BASIS, council))
    new = AnchorLog.deploy(world.departments, world.log.network(), world.log, council)
    cost("`retire`", world.log.retire(new, BASIS, council))
    cost("`carry`, 10 logs", new.carry(logs, council))
    tx = new.anchor(logs[0], SIZE, TREE.root(SIZE), TREE.consistency(SIZE - 1, SIZE), mine)
    cost(f"`anchor`, the first after the move, {len(TREE.consistency(SIZE - 1, SIZE))} nodes", tx, 110_000)
    cost("`followLog`", world.status.followLog(new, BASIS, council))
    tx = world.status.decideFirst(KEYS[3], decision(2), (logs[0], *proof_of(logs[0], 3)[1:]), UNTYPED, mine)
    cost(f"`decideFirst` after the move, proof of {len(proof_of(logs[0], 3)[4])} nodes", tx, 170_000)


def test_supersede__both_proofs__noted(world, cost, anchored):
    other = digest("another of very many")
    entry = entry_of(ISSUER, other)
    tree = Tree([entry])
    log = world.open(shard="successors")
    world.log.anchor(log, 1, tree.root(1), [], {"from": world.issuer})
    tx = world.status.supersede(KEY, decision(8), anchored(5), (log, entry, 0, 1, []), UNTYPED, {"from": world.issuer})
    cost("`supersede` first, proofs of 24 and 0 nodes", tx)


def test_decide_many__a_hundred_with_proofs__noted_each(world, cost):
    entries = [entry_of(ISSUER, digest(f"many {i}")) for i in range(MANY)]
    tree = Tree(entries)
    log = world.open(shard="many")
    world.log.anchor(log, MANY, tree.root(MANY), [], {"from": world.issuer})
    items = [
        (key_of(ISSUER, digest(f"many {i}")), decision(3), (log, entries[i], i, MANY, tree.path(i, MANY)), UNTYPED)
        for i in range(MANY)
    ]
    tx = world.status.decideMany(items, {"from": world.issuer})
    cost("`decideMany`, 100 first decisions with proofs of 7 nodes", tx)
