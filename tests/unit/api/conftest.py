"""An application on real parts, without sockets: a notary on SQLite and disk, an in-memory chain, tokens on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import assemble
from api.parts import Parts
from api.statuses import lookup
from tests.fakes.house import ISSUER, House, build_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build_house(tmp_path)
    yield made
    made.notary.close()


@pytest.fixture
def parts(house: House) -> Parts:
    return house.parts


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(assemble(house.parts), base_url="http://testserver") as client:
        yield client


@pytest.fixture
def quick_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up by identifier answers at once, and not when all of its paths would have."""
    monkeypatch.setattr(lookup, "FLOOR", 0.0)


__all__ = ["ISSUER"]
