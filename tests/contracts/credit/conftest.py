"""Tests of CreditRecords have a world with a catalogue of item classes."""

from __future__ import annotations

import pytest
from credit_world import CreditWorld


@pytest.fixture(scope="module")
def made(module_isolation):
    world = CreditWorld()
    world.catalogue()
    return world


@pytest.fixture
def world(made):
    yield made
    made.pause(False)


@pytest.fixture
def credits(world):
    return world.credits
