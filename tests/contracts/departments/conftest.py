"""Tests of Departments name the contract and its council."""

from __future__ import annotations

import pytest


@pytest.fixture
def departments(world):
    return world.departments


@pytest.fixture
def council(world):
    return {"from": world.council}
