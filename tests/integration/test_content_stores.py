"""One contract for every content store: our disk, Kubo's RPC as a fake speaks it, and a real Kubo where there is one.

The real one is the node at CHUZHENG_IPFS_API (an address as `/ip4/127.0.0.1/tcp/5001`); nothing of others is touched,
and what the tests put there is taken away again.
"""

from __future__ import annotations

import io
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.errors import (
    ChuzhengError,
    ConfigurationError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
    UnreadableError,
)
from ledger.ports import ContentStore
from ledger.texts import LANGUAGES, error_text
from notary.cid import LEAF_BYTES, cid_of_stream, cid_text, make_cid
from notary.stores.blocks import CheckedStore
from notary.stores.content import EmbeddedStore
from notary.stores.kubo import KuboStore, multiaddr_of
from tests.fakes.kubo import Answer, FakeKubo, running
from tests.unit.notary.counted_content import CASES, Counted

NODE = os.environ.get("CHUZHENG_IPFS_API")
NEEDS_NODE = pytest.mark.skipif(not NODE, reason="CHUZHENG_IPFS_API names no Kubo node")
ABSENT = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


def content(length: int, seed: str) -> bytes:
    return Counted(seed, length).read()


@pytest.fixture(params=["embedded", "fake kubo", pytest.param("kubo", marks=NEEDS_NODE)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CheckedStore]:
    if request.param == "embedded":
        yield EmbeddedStore(tmp_path / "content")
    elif request.param == "fake kubo":
        with running(FakeKubo()) as node:
            yield KuboStore(node.address)
    else:
        yield KuboStore(NODE or "")


@pytest.fixture
def seed() -> str:
    """New bytes for each test: a real node remembers what other runs left."""
    return os.urandom(8).hex()


@pytest.mark.parametrize("case", [c for c in CASES if c["length"] < 1 << 27], ids=lambda c: str(c["length"]))
def test_put__vector__the_cid_of_the_profile(case: dict[str, object], store: CheckedStore) -> None:
    cid = store.put_stream(Counted(str(case["seed"]), int(str(case["length"]))))  # type: ignore[arg-type]
    assert cid == case["cid"]
    assert store.holds(cid)
    assert store.verify(cid) == case["length"]
    store.remove(cid)
    assert not store.has(cid)


def test_port__put_and_get__the_same_bytes(store: CheckedStore, tmp_path: Path, seed: str) -> None:
    port: ContentStore = store
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(content(3 * LEAF_BYTES + 5, seed))
    cid = port.put(str(source))
    assert port.put(str(source)) == cid
    port.get_to(cid, str(target))
    assert target.read_bytes() == source.read_bytes()
    assert b"".join(port.leaves(cid)) == source.read_bytes()
    store.remove(cid)


def test_get__unknown__not_found_and_no_file(store: CheckedStore, tmp_path: Path) -> None:
    assert not store.has(ABSENT)
    assert not store.holds(ABSENT)
    assert not store.keeps(ABSENT)
    with pytest.raises(NotFoundError, match=r"content\.not_found"):
        store.get_to(ABSENT, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("cid", ["", "../../etc/passwd", "/ipns/example.org", ABSENT.upper()])
def test_names__no_cid_of_ours__unreadable_and_never_sent(store: CheckedStore, cid: str) -> None:
    for call in (store.has, store.verify, store.keeps, store.remove, store.block):
        with pytest.raises(UnreadableError):
            call(cid)


def test_leaf_lost__incomplete_and_taken_again(store: CheckedStore, seed: str) -> None:
    data = content(2 * LEAF_BYTES + 1, seed)
    cid = store.put_stream(io.BytesIO(data))
    leaf = cid_text(make_cid(0x55, data[LEAF_BYTES : 2 * LEAF_BYTES]))
    store.drop(cid, [leaf])
    assert store.has(cid)
    assert not store.holds(cid)
    with pytest.raises(IntegrityError) as caught:
        store.verify(cid)
    assert caught.value.code == "content.incomplete"
    store.take(leaf, data[LEAF_BYTES : 2 * LEAF_BYTES])
    store.keep(cid)
    assert store.holds(cid)
    store.remove(cid)


def test_take__other_bytes__refused(store: CheckedStore) -> None:
    with pytest.raises(IntegrityError):
        store.take(ABSENT, b"something else")
    assert not store.has(ABSENT)


def test_remove__twice_and_cut__nothing_left(store: CheckedStore, seed: str) -> None:
    data = content(2 * LEAF_BYTES, seed)
    cid = store.put_stream(io.BytesIO(data))
    names = list(store.blocks(cid))
    assert names[-1] == cid
    assert len(names) == 3
    store.drop(cid, names[:1])  # as far as a removal came before it died: the root is still there
    store.remove(cid)
    store.remove(cid)
    assert not any(store.has(name) for name in names)


def test_threads__side_by_side__all_whole(store: CheckedStore, seed: str) -> None:
    def put(number: int) -> None:
        found.append(store.put_stream(io.BytesIO(content(LEAF_BYTES + 1 + number, f"{seed}{number}"))))

    found: list[str] = []
    threads = [threading.Thread(target=put, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4
    for cid in found:
        assert store.verify(cid) > LEAF_BYTES
        store.remove(cid)


# -- what only a node can do ------------------------------------------------------------------------------------------


@pytest.fixture
def node() -> Iterator[FakeKubo]:
    with running(FakeKubo()) as node:
        yield node


def kubo(node: FakeKubo, call: float = 60.0) -> KuboStore:
    return KuboStore(node.address, quiet=60.0, call=call, connect=60.0)


TWISTS: dict[str, tuple[Callable[[bytes], Answer], type[ChuzhengError]]] = {
    "other bytes": (lambda body: Answer(200, bytes([body[0] ^ 1]) + body[1:]), IntegrityError),
    "shorter": (lambda body: Answer(200, body[:-1]), IntegrityError),
    "longer": (lambda body: Answer(200, body + b"x"), IntegrityError),
    "endless": (lambda body: Answer(200, body * 8, 1 << 40), IntegrityError),
    "empty": (lambda body: Answer(200, b""), IntegrityError),
    "cut off": (lambda body: Answer(200, body[:-1], len(body)), UnavailableError),
    "in drops": (lambda body: Answer(200, body[:100], drops=0.05), UnavailableError),
    "error": (lambda body: Answer(500, b'{"Message":"context deadline exceeded","Type":"error"}'), UnavailableError),
    "no words": (lambda body: Answer(500, b"oops" * 100_000), UnavailableError),
    "a proxy's 404": (lambda body: Answer(404, b"<html>not found</html>"), UnavailableError),
    "moved": (lambda body: Answer(301, b""), UnavailableError),
}


@pytest.mark.parametrize("name", TWISTS)
def test_block__node_lies_or_breaks__never_given_out_never_not_found(name: str, node: FakeKubo, tmp_path: Path) -> None:
    cid = kubo(node).put_stream(io.BytesIO(content(LEAF_BYTES, "a block")))
    store = kubo(node, call=1.0) if name == "in drops" else kubo(node)
    change, error = TWISTS[name]
    node.twist = lambda path, answer: change(answer.body) if path == "block/get" else answer
    with pytest.raises(error) as caught:
        store.get_to(cid, str(tmp_path / "out"))
    assert not isinstance(caught.value, NotFoundError)
    assert all(error_text(caught.value, language) for language in LANGUAGES)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("call", ["has", "verify", "keeps", "put_stream", "keep", "remove", "pins", "version"])
@pytest.mark.parametrize("how", ["down", "not kubo", "odd"])
def test_calls__outage__unavailable(call: str, how: str, node: FakeKubo) -> None:
    store = kubo(node)
    if how == "down":
        store = KuboStore("/ip4/127.0.0.1/tcp/9")
    elif how == "not kubo":
        node.twist = lambda path, answer: Answer(404, b"<html>")
    else:
        node.twist = lambda path, answer: Answer(200, b"[1]" if path != "block/get" else b"")
    if how == "odd" and call == "verify":
        return  # an empty block is a wrong one
    act: Callable[[], object] = {
        "put_stream": lambda: store.put_stream(io.BytesIO(b"x")),
        "pins": lambda: list(store.pins()),
        "version": store.version,
    }.get(call, lambda: getattr(store, call)(ABSENT))
    with pytest.raises(UnavailableError):
        act()


def test_put__node_names_differently__refused(node: FakeKubo) -> None:
    node.twist = lambda path, answer: Answer(200, b'{"Key":"QmOther","Size":1}') if path == "block/put" else answer
    with pytest.raises(IntegrityError) as caught:
        kubo(node).put_stream(io.BytesIO(b"x"))
    assert caught.value.code == "content.node_names"
    assert all(error_text(caught.value, language) for language in LANGUAGES)


def test_put__garbage_collected_before_the_pin__not_acknowledged(node: FakeKubo) -> None:
    def twist(path: str, answer: Answer) -> Answer:
        node.collect_garbage()
        return answer

    node.twist = twist
    with pytest.raises(UnavailableError):
        kubo(node).put_stream(io.BytesIO(content(LEAF_BYTES + 1, "gc")))
    node.twist = lambda path, answer: answer
    cid = kubo(node).put_stream(io.BytesIO(content(LEAF_BYTES + 1, "gc")))
    node.collect_garbage()
    assert kubo(node).verify(cid) == LEAF_BYTES + 1


def test_pins__of_others_and_ours__ours_only(node: FakeKubo) -> None:
    store = kubo(node)
    cid = store.put_stream(io.BytesIO(b"x"))
    assert list(store.pins()) == [cid]
    node.pinned.clear()
    assert not store.holds(cid)
    assert store.has(cid)


def test_drop__pinned_by_somebody_else__stays(node: FakeKubo) -> None:
    store = kubo(node)
    whole = store.put_stream(io.BytesIO(content(2 * LEAF_BYTES, "both")))
    leaf = next(store.blocks(whole))
    store.remove(leaf)
    assert store.verify(whole) == 2 * LEAF_BYTES


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/ip4/127.0.0.1/tcp/5001", "/ip4/127.0.0.1/tcp/5001/http"),
        ("http://127.0.0.1:5001/", "/ip4/127.0.0.1/tcp/5001/http"),
        ("https://kubo.example.org", "/dns/kubo.example.org/tcp/443/https"),
        ("http://[::1]:5001", "/ip6/::1/tcp/5001/http"),
    ],
)
def test_address__both_forms__one(address: str, expected: str) -> None:
    assert multiaddr_of(address) == expected


@pytest.mark.parametrize("address", ["", "5001", "http://", "http://u:p@h:1", "http://h/api", "/ip4/1.2.3.4", "/x/y"])
def test_address__wrong__told(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        multiaddr_of(address)
    assert all(error_text(caught.value, language) for language in LANGUAGES)


@NEEDS_NODE
def test_real_node__same_cid_as_its_own_add__and_only_what_is_pinned_survives(tmp_path: Path, seed: str) -> None:
    """`ipfs` itself, where CHUZHENG_IPFS names the program: the file as Kubo would name it by the profile's options."""
    store = KuboStore(NODE or "")
    data = content(5 * LEAF_BYTES + 77, seed)
    cid = store.put_stream(io.BytesIO(data))
    assert cid == cid_of_stream(io.BytesIO(data))
    assert cid in set(store.pins())
    program = os.environ.get("CHUZHENG_IPFS")
    if program:
        (tmp_path / "file").write_bytes(data)
        options = ["--only-hash", "--cid-version=1", "--raw-leaves", "--chunker=size-1048576", "--max-file-links=1024"]
        said = subprocess.run(
            [program, "--api", NODE or "", "add", "-Q", *options, str(tmp_path / "file")],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert said.stdout.strip() == cid
    store.remove(cid)
    assert cid not in set(store.pins())
