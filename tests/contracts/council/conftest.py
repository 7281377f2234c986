"""Tests of the Council have a house of three members, as their module made it."""

from __future__ import annotations

import pytest
from council_world import House


@pytest.fixture(scope="module")
def house(module_isolation):
    return House()


@pytest.fixture(scope="module")
def council(house):
    return house.council
