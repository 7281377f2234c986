"""The twin of AnchorLog as a table of cases; tests/contracts/test_anchor_log_machine.py holds it to the contract."""

from __future__ import annotations

import pytest

from ledger.errors import ChuzhengError
from ledger.logs import Book, Line, anchor, carry, close_log, log_of, open_log, retire, written_root
from ledger.texts import LANGUAGES, error_text
from ledger.types import DepartmentCode, Digest, LogId

MINE, THEIRS = DepartmentCode("11420503087246977F"), DepartmentCode("11430000006122244L")
LOG, OTHER = LogId(b"\x01" * 32), LogId(b"\x02" * 32)
TWO: Line = (Book(), Book())


def root(size: int) -> Digest:
    return Digest(bytes([size]) * 32)


def anchored(line: Line, at: int, *sizes: int) -> Line:
    for size in sizes:
        line, new = anchor(line, at, LOG, size=size, root=root(size), by=MINE, extends=True)
        assert new
    return line


@pytest.fixture
def line() -> Line:
    """The first of two contracts holds LOG with anchors of 3, 5 and 8."""
    return anchored(open_log(TWO, 0, LOG, MINE), 0, 3, 5, 8)


def refused(code: str, call: object) -> None:
    with pytest.raises(ChuzhengError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.code == f"anchor_log.{code}"


def test_close__strikes_out_what_is_above__keeps_it_for_auditors(line: Line) -> None:
    closed, new = close_log(line, 0, LOG, 5)
    log = log_of(closed, 0, LOG)
    assert new
    assert log is not None
    assert (log.size, log.closed) == (5, True)
    assert [log.root(size) for size in (3, 5, 8)] == [root(3), root(5), None]
    assert written_root(closed, 0, LOG, 8) == root(8)
    assert close_log(closed, 0, LOG, 5) == (closed, False)
    refused("log_closed", lambda: close_log(closed, 0, LOG, 8))
    refused("size_not_anchored", lambda: close_log(closed, 0, LOG, 4))
    assert close_log(closed, 0, LOG, 0)[1]
    refused("log_closed", lambda: anchored(closed, 0, 9))
    assert anchor(closed, 0, LOG, size=3, root=root(3), by=MINE, extends=False) == (closed, False)


def test_anchor__what_the_contract_refuses__refused_with_its_code(line: Line) -> None:
    for size, given, by, extends, code in (
        (9, root(9), THEIRS, True, "not_owner"),
        (9, root(9), MINE, False, "proof_invalid"),
        (5, root(4), MINE, True, "root_differs"),
        (4, root(4), MINE, True, "size_behind"),
    ):
        refused(code, lambda s=size, g=given, b=by, e=extends: anchor(line, 0, LOG, size=s, root=g, by=b, extends=e))
    refused("log_unknown", lambda: anchor(line, 0, OTHER, size=1, root=root(1), by=MINE, extends=True))


def test_move__retired_carried_and_anchored_on(line: Line) -> None:
    refused("not_in_force", lambda: carry(line, 1, [LOG]))
    refused("not_in_force", lambda: open_log(line, 1, OTHER, MINE))
    refused("successor_invalid", lambda: retire(line, 1))
    moved, new = retire(line, 0)
    assert new
    assert retire(moved, 0) == (moved, False)
    refused("retired", lambda: anchored(moved, 0, 9))
    refused("retired", lambda: open_log(moved, 0, OTHER, MINE))
    refused("retired", lambda: close_log(moved, 0, LOG, 3))
    refused("not_carried", lambda: anchored(moved, 1, 9))
    refused("log_unknown", lambda: carry(moved, 1, [OTHER]))
    assert log_of(moved, 1, LOG) == log_of(line, 0, LOG)
    carried, count = carry(moved, 1, [LOG, LOG])
    assert count == 1
    assert open_log(moved, 1, LOG, MINE, suspended=True, paused=True) == carried
    after = anchored(carried, 1, 9)
    log = log_of(after, 1, LOG)
    assert log is not None
    assert (log.root(3), log.root(9)) == (root(3), root(9))
    assert log_of(after, 0, LOG) == log_of(line, 0, LOG)


def test_open__paused_or_suspended__refused_unless_it_is_open(line: Line) -> None:
    refused("paused", lambda: open_log(line, 0, OTHER, MINE, paused=True))
    refused("department_suspended", lambda: open_log(line, 0, OTHER, MINE, suspended=True))
    assert open_log(line, 0, LOG, MINE, suspended=True, paused=True) == line


def test_refusals__have_the_contract_s_texts(line: Line) -> None:
    with pytest.raises(ChuzhengError) as caught:
        anchor(line, 0, LOG, size=4, root=root(4), by=MINE, extends=True)
    for language in LANGUAGES:
        assert "8" in error_text(caught.value, language)
