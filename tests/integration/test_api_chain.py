"""The HTTP application on everything real: chain, contracts, notary, worker, sender, indexer, as in `chuzheng up`."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.app import assemble
from api.backstage import Backstage, open_backstage
from api.settings import Settings
from api.wiring import build
from ledger.evm.launcher import EmbeddedChain, start_anvil
from ledger.types import Role
from notary.canonical import canonicalise
from notary.entry import status_key
from notary.imports import read_certificates_csv
from notary.receipt import parse_receipt
from notary.receipts import parse_bundle
from scripts.embedded import prepare
from scripts.samples import sample_certificates_of, sample_network
from tests.databases import KINDS, of_kind
from tests.integration.folders import looked_at
from tests.ports import free_port
from tests.postgres import MissingPostgresError

PATIENCE = 180.0
T = TypeVar("T")


@dataclass
class Service:
    """A running service of one department."""

    client: TestClient
    chain: EmbeddedChain
    back: Backstage
    issuer: str
    origin: str
    tokens: dict[Role, str]
    records: list[dict[str, Any]]

    def headers(self, role: Role = Role.ANCHOR, key: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"} | ({"Idempotency-Key": key} if key else {})

    def url(self, rest: str) -> str:
        return f"/api/v1/logs/{quote(self.origin, safe='')}/{rest}"

    def anchored(self, index: int) -> bytes:
        """The anchored receipt, with salt, once there is one."""

        def look() -> bytes | None:
            answer = self.client.get(self.url(f"receipts/{index}?salted=true"), headers=self.headers())
            return answer.content if parse_receipt(answer.content).anchor is not None else None

        return eventually(look)

    def verdict(self, receipt: bytes, record: Any, **more: Any) -> dict[str, Any]:
        text = record if isinstance(record, str) else canonicalise(record).decode()
        answer = self.client.post("/api/v1/verifications", json={"receipt": receipt.decode(), "record": text, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def decide(self, receipt: bytes, **wanted: Any) -> dict[str, Any]:
        """Submit a decision and wait until the chain confirmed or refused it."""
        entry = parse_receipt(receipt).entry
        key = status_key(entry.issuer, entry.sha256).hex()
        answer = self.client.post(f"/api/v1/statuses/{key}/decisions", json=wanted, headers=self.headers(Role.STATUS))
        assert answer.status_code == 202, answer.text
        where = answer.headers["location"]

        def look() -> dict[str, Any] | None:
            body: dict[str, Any] = self.client.get(where, headers=self.headers(Role.STATUS)).json()
            return body if body["done"] else None

        return eventually(look)


def eventually(look: Callable[[], T | None]) -> T:
    """What `look` finds, asked until it does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {PATIENCE} s")


@pytest.fixture(scope="module", params=KINDS)
def service(
    request: pytest.FixtureRequest, anvil_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Once on each kind of database, each with a chain of its own."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(of_kind(request.param)).fresh()
        except MissingPostgresError as error:
            pytest.skip(str(error))
        chain = start_anvil(tmp_path_factory.mktemp("chain"), free_port(), binary=anvil_program, timeout=PATIENCE)
        stack.callback(chain.stop, PATIENCE)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("notary.heads.ANSWER", PATIENCE)  # for the first word of a chain that is merely slow
        yield from running(database, chain, tmp_path_factory.mktemp("home"))


def running(database: str, anvil: EmbeddedChain, home: Path) -> Iterator[Service]:
    settings = Settings(
        home=home, database_url=database, rpc_url=anvil.url, lookups_per_minute=1000, checks_per_minute=1000,
        chain_slow=60,
    )  # fmt: skip
    network = prepare(settings)
    issuer = sample_network().issuers[0].code
    parts, back, stop = build(settings), open_backstage(settings), threading.Event()
    loops = [threading.Thread(target=run, args=(stop,)) for run in (back.worker.run, back.sender.run, back.indexer.run)]
    for loop in loops:
        loop.start()
    tokens = {role: token for department, role, token in network.tokens if department == issuer}
    origin = next(o for o in back.notary.logs if o.split("/")[2] == issuer)
    records = list(read_certificates_csv(sample_certificates_of(issuer)))
    with TestClient(assemble(parts)) as client:
        yield Service(client, anvil, back, issuer, origin, tokens, records)
    stop.set()
    for loop in loops:
        loop.join(120)
    back.close()


@pytest.fixture(scope="module")
def bulk(service: Service) -> list[int]:
    """Indexes of the first twenty sample certificates of the issuer."""
    body = b"\n".join(canonicalise(record) for record in service.records[:20])
    answer = service.client.post("/api/v1/certificates/bulk", content=body, headers=service.headers(key="bulk"))
    assert answer.status_code == 201, answer.text
    bundle = parse_bundle(json.dumps(answer.json()["receipts"]).encode())
    return list(range(bundle.first, bundle.first + bundle.count))


def test_certificates__bulk__become_anchored_and_valid(service: Service, bulk: list[int]) -> None:
    for offset in (0, 7, 19):
        receipt = service.anchored(bulk[offset])
        report = service.verdict(receipt, service.records[offset])
        assert report["verdict"] in ("valid", "expired", "not_yet_valid"), report
        assert report["test_chain"] is True
        changed = {**service.records[offset], "name": "另一个名称"}
        assert service.verdict(receipt, changed)["verdict"] == "mismatch"


def test_document__uploaded__is_filed_anchored_and_judged_by_its_digests(service: Service) -> None:
    data = b"%PDF-1.7\n" + bytes(range(256)) * 4096
    headers = {**service.headers(key="doc"), "Content-Type": "application/pdf"}
    answer = service.client.post("/api/v1/documents?title=样例通知", content=data, headers=headers)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["record"]["title"] == "样例通知"
    assert body["record"]["document"]["cid"].startswith("bafy")
    again = service.client.post("/api/v1/documents?title=样例通知", content=data, headers=headers)
    assert (again.status_code, again.json()["record"]) == (200, body["record"])
    receipt = service.anchored(body["receipt"]["index"])
    digests = {
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "sm3": hashlib.new("sm3", data).hexdigest(),
    }
    assert service.verdict(receipt, body["record"], file=digests)["verdict"] == "valid"
    home = Path(service.client.app.state.parts.settings.home)  # type: ignore[attr-defined]

    def plain() -> list[str]:
        return [path.name for path in home.rglob("*") if path.is_file() and data[:64] in path.read_bytes()]

    assert looked_at(plain) == [], "no plain bytes kept"


def test_document__as_a_form__is_filed_too(service: Service) -> None:
    answer = service.client.post(
        "/api/v1/documents",
        files={"file": ("说明.txt", "样例".encode(), "text/plain")},
        data={"title": "说明"},
        headers=service.headers(),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["record"]["document"]["media_type"] == "text/plain"


def test_decisions__suspend_resume_rescind_annul__are_seen_by_verification(service: Service, bulk: list[int]) -> None:
    receipt, record = service.anchored(bulk[1]), service.records[1]
    day = record["issue_date"]
    assert service.decide(receipt, decision="suspend", cause=1)["state"] == "final"
    assert service.verdict(receipt, record)["verdict"] == "suspended"
    assert service.verdict(receipt, record, at=day)["decision"] is None
    assert service.decide(receipt, decision="resume")["state"] == "final"
    assert service.decide(receipt, decision="rescind", effective_from=0)["state"] == "final"
    report = service.verdict(receipt, record)
    assert (report["verdict"], report["exit_code"]) == ("not_in_force", 12)
    assert service.decide(receipt, decision="annul", number=3)["state"] == "final"
    assert service.verdict(receipt, record)["verdict"] not in ("not_in_force", "suspended")
    key = status_key(parse_receipt(receipt).entry.issuer, parse_receipt(receipt).entry.sha256).hex()
    history = service.client.get(f"/api/v1/statuses/{key}").json()["decisions"]
    assert [d["word"] for d in history] == ["suspended", "resumed", "rescinded"]
    assert history[2]["annulled_at"] is not None


def test_decisions__supersede__names_the_successor(service: Service, bulk: list[int]) -> None:
    old, new = service.anchored(bulk[2]), service.anchored(bulk[3])
    entry = parse_receipt(new).entry
    successor = status_key(entry.issuer, entry.sha256).hex()
    assert service.decide(old, decision="supersede", successor=successor)["state"] == "final"
    assert service.verdict(old, service.records[2])["verdict"] == "superseded"


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"decision": "resume"}, 409),
        ({"decision": "nonsense"}, 422),
        ({"decision": "suspend", "cause": 70000}, 422),
        ({"decision": "annul"}, 422),
        ({"decision": "suspend", "more": 1}, 422),
    ],
)
def test_decisions__that_the_rules_forbid__are_refused_before_the_chain(
    service: Service, bulk: list[int], wanted: dict[str, Any], status: int
) -> None:
    entry = parse_receipt(service.anchored(bulk[4])).entry
    key = status_key(entry.issuer, entry.sha256).hex()
    answer = service.client.post(f"/api/v1/statuses/{key}/decisions", json=wanted, headers=service.headers(Role.STATUS))
    assert answer.status_code in (status, 422), answer.text
    assert answer.json()["message_zh"]


def test_decisions__with_the_wrong_role__are_refused(service: Service, bulk: list[int]) -> None:
    answer = service.client.post(f"/api/v1/statuses/{'0' * 64}/decisions", json={}, headers=service.headers())
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.role")


def test_health__everything_running__is_in_order(service: Service, bulk: list[int]) -> None:
    service.anchored(bulk[-1])
    answer = service.client.get("/api/v1/health/deep")
    assert answer.status_code == 200, answer.text
