"""Every test starts from the world as its module made it."""

from __future__ import annotations

import time

import pytest
from brownie import web3
from certificates import SIZE, TREE
from gas import write_section
from mining import ask
from web3.exceptions import TransactionNotFound
from world import World, forget_given, harness

MORNING = 1_772_413_200
"""2 March 2026, 09:00 in Asia/Shanghai."""
SILENT = ("changing nothing", "as a transaction of its own")
"""What the rows say of whose transactions nothing comes."""


@pytest.fixture(scope="session", autouse=True)
def patient_lookups():
    """anvil counts a nonce up before it can tell the transaction or its receipt, seconds before if the transaction is
    large and the machine busy; Brownie, which looks just then, takes it for dropped, or else sleeps for a second."""
    names = ("get_transaction", "get_transaction_receipt")
    at_once = {name: getattr(web3.eth, name) for name in names}
    for name, look in at_once.items():
        setattr(web3.eth, name, patient(look))
    yield
    for name, look in at_once.items():
        setattr(web3.eth, name, look)


def patient(look):
    """The same look-up of a transaction that was sent, and so is mined at once, for a minute."""

    def looked(txid):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                return look(txid)
            except TransactionNotFound:
                time.sleep(0.01)
        return look(txid)

    return looked


@pytest.fixture(scope="module", autouse=True)
def clock(request, module_isolation):
    """Where gas is measured (`gas_rows`), the chain's time doesn't run but goes on by a second a block, from a Monday
    morning: what days, years and seconds cost is the same whenever and however the tests run."""
    if not hasattr(request.module, "SECTION"):
        yield
        return
    ask("evm_setTime", MORNING)
    ask("anvil_setBlockTimestampInterval", 1)
    yield
    ask("anvil_removeBlockTimestampInterval")


@pytest.fixture(scope="module")
def world(module_isolation):
    return World()


@pytest.fixture(scope="module")
def library(module_isolation):
    return harness()


@pytest.fixture(autouse=True)
def isolation(fn_isolation):
    """Each test's transactions are undone."""


@pytest.fixture(scope="module")
def log(world):
    opened = world.open()
    world.log.anchor(opened, SIZE, TREE.root(SIZE), [], {"from": world.issuer})
    return opened


@pytest.fixture
def status(world, log):
    return world.status


@pytest.fixture
def mine(world):
    return {"from": world.issuer}


@pytest.fixture(scope="module")
def gas_rows(request):
    """A module that measures has SECTION (its heading in docs/gas.md) and ROWS (how many calls it measures). The
    section is written when all of the module ran, and not from a part of it."""
    rows: dict[str, tuple[int, int | None]] = {}
    yield rows
    if len(rows) == request.module.ROWS:
        write_section(request.module.SECTION, rows)


@pytest.fixture
def cost(gas_rows):
    """`cost(name, tx, limit=None)`: a row of the gas table; fails above the limit, and if it changed nothing but
    doesn't say so."""
    forget_given()

    def note(name: str, tx, limit: int | None = None) -> None:
        gas_rows[name] = (int(tx.gas_used), limit)
        assert bool(tx.events) != any(said in name for said in SILENT), f"{name}: {list(tx.events)}"
        assert limit is None or tx.gas_used <= limit, f"{name}: {tx.gas_used}"

    return note
