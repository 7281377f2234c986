"""What a node's steps cost (conftest: `cost`)."""

from __future__ import annotations

import pytest
from credit_world import COMPANY, COUNTY, DATA, CreditWorld
from test_nodes import node
from world import NONE, digest, left, some

SECTION = "Nodes"
ROWS = 7


@pytest.fixture(scope="module")
def world(module_isolation):
    return CreditWorld()


def test_steps__of_a_life__noted(world, cost):
    nodes, council, county = world.nodes, world.as_council, world.by(COUNTY)
    nodes.applyFor(some(), node(), county)  # the first of all pays for the list
    node_id, basis = some(), digest("basis")
    cost("`applyFor`", nodes.applyFor(node_id, node(), county))
    cost("`admit` by the sharing authority", nodes.admit(node_id, left(COMPANY), basis, world.by(DATA)))
    cost("`release`", nodes.release(node_id, basis, world.by(COMPANY)))
    cost("`acceptNode`", nodes.acceptNode(node_id, digest("report"), county))
    cost("`promote`", nodes.promote(node_id, NONE, council))
    cost("`demote`", nodes.demote(node_id, 1, NONE, council))
    cost("`retire`", nodes.retire(node_id, 1, NONE, county))
