"""Tests of DepartmentKeys have its world, and name who sends: `mine`, `second` of the issuer, and the council."""

from __future__ import annotations

import pytest
from keys_world import KeysWorld


@pytest.fixture(scope="module")
def world(module_isolation):
    return KeysWorld()


@pytest.fixture
def keys(world):
    return world.keys


@pytest.fixture
def mine(world):
    return {"from": world.issuer}


@pytest.fixture
def second(world):
    return {"from": world.second}


@pytest.fixture
def council(world):
    return {"from": world.council}
