"""Tests of the Catalogue have a town with its departments, authority and calendar, as their module made it."""

from __future__ import annotations

import pytest
from catalogue_world import CatalogueWorld


@pytest.fixture(scope="module")
def town(module_isolation):
    return CatalogueWorld()


@pytest.fixture
def catalogue(town):
    return town.catalogue
