"""AnchorLog: opening, anchoring by proof, inclusion. Done, no-op, denied; then one flipped bit anywhere."""

from __future__ import annotations

import pytest
from brownie import AnchorLog, web3
from world import (
    ANCHOR,
    ISSUER,
    NETWORK,
    NOBODY,
    NONE,
    OTHER,
    OUTSIDER,
    STATUS,
    Tree,
    digest,
    emitted,
    entry_of,
    left,
    log_id,
    origin_of,
    reverts,
    unchanged,
)

ENTRIES = [entry_of(ISSUER, digest(f"certificate {i}")) for i in range(60)]


@pytest.fixture(scope="module")
def tree():
    return Tree(ENTRIES)


@pytest.fixture(scope="module")
def opened(world):
    return world.open()


def test_network__as_deployed__is_told(world):
    assert world.log.network() == NETWORK


@pytest.mark.parametrize("name", ["", "Hubei", "-a", "a_b", "a" * 33, "a/b"])
def test_deploy__network_name_outside_the_grammar__denied(world, name):
    with reverts("AnchorLog_NetworkInvalid", name):
        AnchorLog.deploy(world.departments, name, NOBODY, {"from": world.council})


def test_deploy__longest_network_name__is_told(world):
    assert AnchorLog.deploy(world.departments, "a" * 32, NOBODY, {"from": world.council}).network() == "a" * 32


@pytest.mark.parametrize("shard", ["", "shares", "2026-q1", "a" * 32])
def test_open_log__own_origin__done_then_noop(world, shard):
    origin = origin_of(ISSUER, shard)
    tx = world.log.openLog(origin, {"from": world.issuer})
    assert emitted(
        tx, "LogOpened", logId=log_id(origin), department=left(ISSUER), origin=origin, operator=str(world.issuer)
    )
    assert bytes(tx.return_value) == log_id(origin)
    assert world.log.ownerOf(log_id(origin)) == "0x" + left(ISSUER).hex()
    assert world.log.head(log_id(origin)).dict() == {"size": 0, "root": "0x" + NONE.hex()}
    again = world.log.openLog(origin, {"from": world.issuer})
    assert not again.events
    assert bytes(again.return_value) == log_id(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "chuzheng",
        "chuzheng/",
        f"chuzheng//{ISSUER}",
        f"chuzheng/{NETWORK}",
        f"chuzheng/{NETWORK}/",
        f"chuzheng/{NETWORK}/{ISSUER[:-1]}",
        f"chuzheng/{NETWORK}/{ISSUER}/",
        f"chuzheng/{NETWORK}/{ISSUER}/-a",
        f"chuzheng/{NETWORK}/{ISSUER}/A",
        f"chuzheng/{NETWORK}/{ISSUER}/{'a' * 33}",
        f"chuzheng/{NETWORK}/{ISSUER}/a/b",
        f"chuzheng/{NETWORK}/{ISSUER}0",
        f"chuzheng/{NETWORK.upper()}/{ISSUER}",
        f"Chuzheng/{NETWORK}/{ISSUER}",
        f" chuzheng/{NETWORK}/{ISSUER}",
        f"chuzheng/{NETWORK}/{ISSUER[:-1]}{'0' if ISSUER[-1] != '0' else '1'}",
        f"chuzheng/{NETWORK}/{ISSUER.lower()}",
        f"chuzheng/{'a' * 33}/{ISSUER}",
    ],
)
def test_open_log__origin_outside_the_grammar__denied(world, origin):
    with reverts("AnchorLog_OriginInvalid", origin):
        world.log.openLog(origin, {"from": world.issuer})


def test_open_log__other_network__denied(world):
    origin = f"chuzheng/other/{ISSUER}"
    with reverts("AnchorLog_OtherNetwork", origin, NETWORK):
        world.log.openLog(origin, {"from": world.issuer})


def test_open_log__origin_of_another_department__denied(world):
    origin = origin_of(OUTSIDER)
    with reverts("AnchorLog_NotOwner", log_id(origin), left(OUTSIDER), left(ISSUER)):
        world.log.openLog(origin, {"from": world.issuer})


def test_open_log__without_the_role__denied_before_the_origin_is_read(world):
    world.departments.appointOperator(world.stranger, left(ISSUER), STATUS, 0, NONE, {"from": world.council})
    with reverts("Departments_RoleMissing", world.stranger, ANCHOR):
        world.log.openLog("nonsense", {"from": world.stranger})


def test_open_log__suspended_department__denied_but_may_anchor(world, tree, opened):
    world.departments.suspend(left(ISSUER), 1, NONE, {"from": world.council})
    with reverts("AnchorLog_DepartmentSuspended", left(ISSUER)):
        world.log.openLog(origin_of(ISSUER, "new"), {"from": world.issuer})
    assert world.log.anchor(opened, 3, tree.root(3), [], {"from": world.issuer}).return_value is True


def test_anchor__growing_tree__done_then_noop_for_every_known_size(world, tree, opened):
    sizes = [1, 2, 3, 5, 8, 13, 32, 33, 47, 60]
    before = 0
    for size in sizes:
        proof = tree.consistency(before, size) if before else []
        tx = world.log.anchor(opened, size, tree.root(size), proof, {"from": world.issuer})
        assert tx.return_value is True
        assert emitted(tx, "Anchored", logId=opened, department=left(ISSUER), size=size, root=tree.root(size))
        assert world.log.head(opened).dict() == {"size": size, "root": "0x" + tree.root(size).hex()}
        before = size
    for size in sizes:
        assert world.log.anchoredRoot(opened, size) == "0x" + tree.root(size).hex()
        assert unchanged(world.log.anchor(opened, size, tree.root(size), [digest("any")], {"from": world.issuer}))
    assert world.log.anchoredRoot(opened, 4) == "0x" + NONE.hex()


def test_anchor__smaller_size_never_anchored__denied(world, tree, opened):
    world.log.anchor(opened, 10, tree.root(10), [], {"from": world.issuer})
    for size in (0, 1, 9):
        with reverts("AnchorLog_SizeBehind", opened, 10, size):
            world.log.anchor(opened, size, tree.root(size), [], {"from": world.issuer})


def test_anchor__size_zero_first__denied(world, opened):
    with reverts("AnchorLog_SizeBehind", opened, 0, 0):
        world.log.anchor(opened, 0, digest("root"), [], {"from": world.issuer})


def test_anchor__another_root_for_a_known_size__denied(world, tree, opened):
    world.log.anchor(opened, 10, tree.root(10), [], {"from": world.issuer})
    world.log.anchor(opened, 20, tree.root(20), tree.consistency(10, 20), {"from": world.issuer})
    for size in (10, 20):
        with reverts("AnchorLog_RootDiffers", opened, size, tree.root(size), digest("fork")):
            world.log.anchor(opened, size, digest("fork"), [], {"from": world.issuer})


def test_anchor__first_with_a_proof_or_no_root__denied(world, tree, opened):
    for root, proof in ((tree.root(5), [digest("x")]), (NONE, [])):
        with reverts("AnchorLog_ProofInvalid", opened, 0, 5):
            world.log.anchor(opened, 5, root, proof, {"from": world.issuer})


def test_anchor__fork_truncated_or_overlong_proof__denied(world, tree, opened):
    world.log.anchor(opened, 10, tree.root(10), [], {"from": world.issuer})
    proof = tree.consistency(10, 20)
    fork = Tree([entry_of(ISSUER, digest(f"fork {i}")) for i in range(20)])
    for root, given in (
        (tree.root(20), []),
        (tree.root(20), proof[:-1]),
        (tree.root(20), proof[1:]),
        (tree.root(20), [*proof, NONE]),
        (tree.root(20), proof[::-1]),
        (fork.root(20), fork.consistency(10, 20)),
        (tree.root(20), tree.consistency(10, 21)),
        (NONE, proof),
    ):
        with reverts("AnchorLog_ProofInvalid", opened, 10, 20):
            world.log.anchor(opened, 20, root, given, {"from": world.issuer})


def test_anchor__another_department_or_unknown_log__denied(world, tree, opened):
    with reverts("AnchorLog_NotOwner", opened, left(ISSUER), left(OTHER)):
        world.log.anchor(opened, 1, tree.root(1), [], {"from": world.other})
    with reverts("AnchorLog_LogUnknown", digest("no log")):
        world.log.anchor(digest("no log"), 1, tree.root(1), [], {"from": world.issuer})


def test_anchor__without_the_role_or_ended__denied_even_for_a_repeat(world, tree, opened):
    world.log.anchor(opened, 1, tree.root(1), [], {"from": world.issuer})
    with reverts("Departments_RoleMissing", world.stranger, ANCHOR):
        world.log.anchor(opened, 1, tree.root(1), [], {"from": world.stranger})
    world.departments.endOperator(world.issuer, 1, {"from": world.council})
    with reverts("Departments_RoleMissing", world.issuer, ANCHOR):
        world.log.anchor(opened, 1, tree.root(1), [], {"from": world.issuer})


@pytest.fixture(scope="module")
def anchored(world, tree, opened):
    """Size 60 is anchored by way of 23."""
    world.log.anchor(opened, 23, tree.root(23), [], {"from": world.issuer})
    world.log.anchor(opened, 60, tree.root(60), tree.consistency(23, 60), {"from": world.issuer})
    return opened


@pytest.mark.parametrize("size", [23, 60])
def test_is_included__every_entry__true(world, tree, anchored, size):
    for index in range(size):
        assert world.log.isIncluded(anchored, size, index, ENTRIES[index], tree.path(index, size))


def test_is_included__wrong_size_index_log_entry__false(world, tree, anchored):
    path, entry = tree.path(7, 60), ENTRIES[7]
    other = world.open(OTHER)
    foreign = Tree([entry_of(ISSUER, digest("smuggled"))])
    world.log.anchor(other, 1, foreign.root(1), [], {"from": world.other})
    for case in (
        (anchored, 59, 7, entry, path),
        (anchored, 0, 7, entry, path),
        (anchored, 60, 6, entry, path),
        (anchored, 60, 60, entry, path),
        (anchored, 60, 2**64 - 1, entry, path),
        (anchored, 60, 7, ENTRIES[8], path),
        (anchored, 60, 7, b"", path),
        (anchored, 60, 7, entry[:-1], path),
        (anchored, 60, 7, entry + b"\0", path),
        (anchored, 60, 7, entry, path[:-1]),
        (anchored, 60, 7, entry, [*path, NONE]),
        (other, 60, 7, entry, path),
        # In the other department's tree, but not its own: refused by its issuer.
        (other, 1, 0, foreign.entries[0], []),
        (digest("no log"), 60, 7, entry, path),
    ):
        assert not world.log.isIncluded(*case)


def _flipped(data: bytes, start: int, end: int):
    """`data` with each bit from byte `start` to `end` flipped, one after the other."""
    for at in range(start, end):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            yield bytes(changed)


def _calls(world, data: bytes, start: int, end: int, sender=None):
    """What raw calls answer, for every flipped bit: the returned word, or None where it reverts."""
    for changed in _flipped(data, start, end):
        request = {"to": world.log.address, "data": "0x" + changed.hex(), "from": str(sender or world.stranger)}
        answer = web3.provider.make_request("eth_call", [request, "latest"])
        yield int(answer["result"], 16) if "result" in answer else None


def test_is_included__one_flipped_bit_in_entry_or_path__false(world, tree, anchored):
    data = bytes.fromhex(
        world.log.isIncluded.encode_input(anchored, 60, 37, ENTRIES[37], tree.path(37, 60)).removeprefix("0x")
    )
    entry_at = data.index(ENTRIES[37])
    path = b"".join(tree.path(37, 60))
    path_at = data.index(path)
    assert set(_calls(world, data, entry_at, entry_at + 92)) == {0}
    assert set(_calls(world, data, path_at, path_at + len(path))) == {0}
    # Log, size and index: bits above 64 don't decode.
    assert set(_calls(world, data, 4, 100)) == {0, None}


def test_anchor__one_flipped_bit_in_root_or_proof__denied(world, tree):
    opened = world.open(ISSUER, "flips")
    world.log.anchor(opened, 23, tree.root(23), [], {"from": world.issuer})
    proof = b"".join(tree.consistency(23, 60))
    data = bytes.fromhex(
        world.log.anchor.encode_input(opened, 60, tree.root(60), tree.consistency(23, 60)).removeprefix("0x")
    )
    at = data.index(proof)
    root_at = data.index(tree.root(60))
    unflipped = {"to": world.log.address, "data": "0x" + data.hex(), "from": str(world.issuer)}
    assert int(web3.provider.make_request("eth_call", [unflipped, "latest"])["result"], 16) == 1
    assert set(_calls(world, data, root_at, root_at + 32, world.issuer)) == {None}
    assert set(_calls(world, data, at, at + len(proof), world.issuer)) == {None}
