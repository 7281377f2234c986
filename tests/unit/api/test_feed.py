"""The feed over HTTP: who may read it, its pages and cursors."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from api.auth import Desk
from ledger.store.index.changes import Change, Closing, Recorded
from ledger.types import BlockTime, Digest, LogId
from notary.entry import log_id
from notary.feed import Feed
from tests.fakes.house import ISSUER, House
from tests.fakes.notary import certificate


class Changes:
    """One anchor of the house's log over all that was registered."""

    def __init__(self, house: House) -> None:
        self._house = house

    def genesis(self) -> str:
        return "0x01"

    def since(self, block: int, log_index: int, limit: int) -> list[Change]:
        size = self._house.notary.log(self._house.origin).next_index
        told = Change(
            5, 0, BlockTime(1_005), "anchored", log_id=LogId(log_id(self._house.origin)), first=0, end=size
        )  # fmt: skip
        return [told] if (block, log_index) < (5, 0) else []

    def recorded_of(self, keys: Sequence[Digest]) -> dict[Digest, list[Recorded]]:
        return {}

    def closings(self) -> list[Closing]:
        return []

    def anchored_by(self, log_id: LogId, place: tuple[int, int] | None = None) -> int:
        return 0


@pytest.fixture
def reader(house: House) -> dict[str, str]:
    house.parts.feed = Feed(house.notary, Changes(house))
    return {"Authorization": f"Bearer {house.parts.tokens.issue(ISSUER, Desk.LIBRARY)}"}


def test_feed__page_by_page__each_certificate_once(client: TestClient, house: House, reader: dict[str, str]) -> None:
    expected = [house.accept(certificate(n, issuer=ISSUER)).index for n in range(5)]
    found, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        answer = client.get("/api/v1/feed", params=query, headers=reader)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        found += [item["index"] for item in body["items"]]
        after = body["cursor"]
        if not body["more"]:
            break
    assert found == expected


def test_feed__without_the_role__refused(client: TestClient, house: House, reader: dict[str, str]) -> None:
    assert client.get("/api/v1/feed").status_code == 401
    assert client.get("/api/v1/feed", headers=house.headers()).status_code == 403


@pytest.mark.parametrize("query", ["after=nonsense", "limit=0", "limit=10001", "after=" + "a" * 300])
def test_feed__wrong_question__422(client: TestClient, reader: dict[str, str], query: str) -> None:
    assert client.get(f"/api/v1/feed?{query}", headers=reader).status_code == 422
