"""Every function that changes something, called by each of the eight callers on a chain: what permissions/ declares is
what is found, nothing is left out, and docs/permissions.md says it."""

from __future__ import annotations

import json

import pytest
from permissions import TABLES
from permissions.callers import AFTER, ALLOWED, IDLE, Caller
from permissions.page import COMMAND, PAGE, ROOT, page
from permissions.stage import Stage

ROWS = [(table, row) for table in TABLES for row in table.rows]
ARTIFACTS = sorted((ROOT / "ledger" / "evm" / "abi").glob("*.json"))
_passed: set[str] = set()


@pytest.fixture(autouse=True)
def isolation():
    """In place of conftest's: each row takes back what it did itself."""


@pytest.fixture(scope="module")
def stage(module_isolation):
    made = Stage()
    yield made
    made.close()


def _name(table, row) -> str:
    return f"{table.contract}.{row.function} ({row.en}), {row.party.en}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.contract)
def test_permissions__of_a_contract__each_caller_finds_what_is_declared(stage, table):
    differing = {}
    for row in table.rows:
        for caller, found in _play(stage, row).items():
            if found != row.cells[caller]:
                differing[_name(table, row), caller.value] = f"declared {row.cells[caller]}, found {found}"
    assert not differing, json.dumps({" | ".join(where): what for where, what in differing.items()}, indent=2)
    _passed.add(table.contract)


def _play(stage, row) -> dict[Caller, str]:
    """What each caller finds, in one state."""
    with stage.apart():
        prepared = row.prepare(stage)
        function = getattr(getattr(stage, row.on), row.function)

        def attempt(caller: Caller) -> str:
            account = row.party.account(stage, caller)
            answer = stage.attempt(account, function, *_args(prepared, account))
            return answer.error or (ALLOWED if answer.changed else IDLE)

        found = {}
        for caller in Caller:
            if caller not in AFTER:
                found[caller] = attempt(caller)
                continue
            with stage.apart():
                stage.befall(caller, row.party.department)
                found[caller] = attempt(caller)
        if found[Caller.RIGHT] == ALLOWED:
            account = row.party.account(stage, Caller.RIGHT)
            events = stage.send(account, function, *_args(prepared, account))
            assert bool(events) == row.told, f"{row.function}: {len(events)} events tell of the change"
    return found


def _args(prepared, account: str) -> tuple:
    return prepared(account) if callable(prepared) else prepared


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda path: path.stem)
def test_permissions__functions_of_the_artifact__each_has_a_row(artifact):
    abi = json.loads(artifact.read_text(encoding="utf-8"))["abi"]
    changing = {
        item["name"] for item in abi if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
    }
    declared = {row.function for table, row in ROWS if table.contract == artifact.stem}
    assert declared == changing


def test_permissions__the_right_caller__is_always_allowed():
    assert [_name(table, row) for table, row in ROWS if row.cells[Caller.RIGHT] != ALLOWED] == []


def test_permissions__page__is_what_was_found():
    """Rewritten where it isn't: the difference is for whoever changed a contract to read."""
    if _passed != {table.contract for table in TABLES}:
        pytest.skip(f"written only by a run of all tables that pass: {COMMAND}")
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    after = page(TABLES)
    PAGE.write_text(after, encoding="utf-8")
    assert before == after, f"{PAGE.name} was not what the contracts do; it is written anew: read and commit it"
