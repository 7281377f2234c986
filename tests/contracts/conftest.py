"""Every test starts from the world as its module made it."""

from __future__ import annotations

import pytest
from certificates import SIZE, TREE
from world import World, harness


@pytest.fixture(scope="module")
def world(module_isolation):
    return World()


@pytest.fixture(scope="module")
def library(module_isolation):
    return harness()


@pytest.fixture(autouse=True)
def isolation(fn_isolation):
    """Each test's transactions are undone."""


@pytest.fixture(scope="module")
def log(world):
    opened = world.open()
    world.log.anchor(opened, SIZE, TREE.root(SIZE), [], {"from": world.issuer})
    return opened


@pytest.fixture
def status(world, log):
    return world.status


@pytest.fixture
def mine(world):
    return {"from": world.issuer}
