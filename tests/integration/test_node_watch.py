"""A node that lies, dawdles, talks nonsense or is older than before, in front of the real application: named in health
and by `doctor`, and contradicted by the second node."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine
from starlette.testclient import TestClient

from api import breaker
from api.app import assemble
from api.backstage import open_backstage
from api.settings import Settings
from api.wiring import build
from ledger.errors import IntegrityError
from ledger.evm.indexer import Indexer
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.rpc import Rpc
from ledger.store.index import IndexReader
from notary import heads
from scripts.checking import examine
from scripts.embedded import prepare
from tests.integration.bursts import Site
from tests.integration.conftest import Chain
from tests.integration.proxy import Proxy, proxied

PATIENT, HASTY = 60, 1
"""Seconds for an answer: on a loaded machine any takes one, so the node is slow only where that is asked."""
NONSENSE = (
    b"<html>502 Bad Gateway</html>",
    b"",
    b"\xff\xfe\x00",
    b"[]",
    b'{"jsonrpc":"2.0"}',
    b'{"jsonrpc":"2.0","id":1,"result":{"number":"0xzz"}}',
    b'{"jsonrpc":"2.0","id":1,"result":[1,2]}',
)
"""In the place of an answer: another server's page, nothing, bytes, JSON but no answer, a result that is no block."""


@pytest.fixture
def proxy(anvil: EmbeddedChain) -> Iterator[Proxy]:
    with proxied(anvil.url) as made:
        yield made


@pytest.fixture
def client(anvil: EmbeddedChain, proxy: Proxy, tmp_path: Path) -> Iterator[TestClient]:
    """The application on our node, which the proxy stands in front of; the second node is anvil itself."""
    settings = Settings(home=tmp_path / "home", rpc_url=proxy.url, second_rpc_url=anvil.url, chain_slow=PATIENT)
    prepare(settings)
    parts = build(settings)
    with TestClient(assemble(parts)) as client:
        yield client
    parts.close()


def sick(client: TestClient) -> dict[str, str]:
    """What `ready` has to complain about, and in which words."""
    client.app.state.ready = (0.0, None)  # type: ignore[attr-defined]  # not what it said a second ago
    tests = client.get("/api/v1/health/ready").json()["tests"]
    return {test["name"]: test["message_en"] for test in tests if not test["ok"]}


def doctored(client: TestClient, **changes: Any) -> dict[str, Any]:
    settings: Settings = client.app.state.parts.settings  # type: ignore[attr-defined]
    settings = settings.model_copy(update=changes)
    return {finding.name: finding.case for finding in examine(settings) if not finding.ok and finding.needed}


def height(anvil: EmbeddedChain, at_least: int) -> int:
    while (found := int(Rpc(anvil.url).call("eth_blockNumber"), 16)) < at_least:
        time.sleep(0.1)
    return found


def test_node__misbehaves_in_every_way__each_named_in_health_and_by_doctor(
    client: TestClient, proxy: Proxy, anvil: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "SLOW", float(PATIENT))  # an outage that shows late only because all is slow
    assert sick(client) == {}
    assert doctored(client) == {}
    settings: Settings = client.app.state.parts.settings  # type: ignore[attr-defined]

    proxy.delay = 1.2
    watch = client.app.state.parts.node  # type: ignore[attr-defined]
    monkeypatch.setattr(watch, "_slow", HASTY)
    said = re.search(r"took (\d+\.\d)", sick(client)["node"])
    assert said is not None
    assert float(said[1]) >= 1.2
    assert doctored(client, chain_slow=HASTY)["node"] == "node_slow"
    proxy.delay = 0
    monkeypatch.setattr(watch, "_slow", PATIENT)

    monkeypatch.setattr(heads, "ANSWER", 0.1)  # of each log the doctor waits for a word on it, and here none comes
    for proxy.nonsense in NONSENSE:
        found = sick(client)
        assert {"chain", "node"} <= set(found), proxy.nonsense
        assert any(words in found["node"] for words in ("isn't JSON-RPC", "can't be read")), (proxy.nonsense, found)
        assert doctored(client)["chain"] in ("chain.bad_answer", "chain.undecodable"), proxy.nonsense
    proxy.nonsense = None
    monkeypatch.setattr(heads, "ANSWER", float(PATIENT))

    known = height(anvil, 8)
    assert sick(client) == {}
    open_backstage(settings).indexer.catch_up()  # what our index holds, a doctor who comes later knows too
    proxy.upto = known - 2
    assert f"is at block {known - 2}" in sick(client)["node"]
    assert doctored(client)["node"] == "node_older"
    proxy.upto = None
    assert sick(client) == {}
    assert doctored(client) == {}

    lied = proxy.lie_about = proxy.upto = height(anvil, 8)
    assert f"two nodes disagree about block {lied}" in sick(client)["second_node"]
    assert doctored(client)["second"] == "nodes_disagree"
    assert settings.second_rpc_url == anvil.url


def test_index__node_lies_about_a_block__the_second_one_notices_and_nothing_is_written(
    chain: Chain, engine: Engine, tmp_path: Path
) -> None:
    site = Site(engine, chain.url, chain.profile, chain.account(), tmp_path)
    names = site.admit_often(3, "lied to")
    site.settle(site.sender(), names)
    height = int(chain.rpc.call("eth_blockNumber"), 16)
    with proxied(chain.url) as liar:
        # The last block that is final, told as the head: a lie about an earlier one contradicts its successor alone.
        liar.lie_about = liar.upto = height - chain.profile.finality_depth
        immediate = replace(chain.profile, finality_depth=0)
        indexer = Indexer(engine, Rpc(liar.url), immediate, site.deployment, second=chain.rpc, compare_every=1)
        with pytest.raises(IntegrityError, match="nodes_disagree"):
            indexer.catch_up()
    at = IndexReader(engine).cursor()
    assert at is None or at.number < liar.lie_about
