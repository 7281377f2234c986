"""A log that another process began since our start: what stands there is promised in no other log's name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import UnavailableError
from notary.reception import Accepted
from notary.singles import Single
from tests.fakes.backfilling import cells_of, csv_file, fill, outcomes
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, certificate, packed


@pytest.fixture
def rigs(tmp_path: Path) -> Iterator[tuple[Rig, Rig]]:
    """One process that knows of one log, and one that was started later and knows of two."""
    old = Rig(tmp_path / "home")
    new = Rig(old.home, origins=(ORIGIN, SECOND), clock=old.clock, chain=old.chain)
    yield old, new
    for rig in (old, new):
        rig.notary.close()


def test_accept__it_stands_in_a_log_begun_since__says_so_and_promises_nothing(rigs: tuple[Rig, Rig]) -> None:
    old, new = rigs
    new.notary.accept_records(ISSUER, SECOND, [certificate(1)])
    new.notary.accept_commitments(ISSUER, SECOND, packed(1), key=None)
    for act in (
        lambda: old.notary.accept_records(ISSUER, ORIGIN, [certificate(1)]),
        lambda: old.notary.accept_commitments(ISSUER, ORIGIN, packed(1), key=None),
    ):
        with pytest.raises(UnavailableError, match=r"log\.not_here") as caught:
            act()
        assert caught.value.params == {"origin": SECOND}
    assert old.entries() == []


def test_singles__one_stands_in_a_log_begun_since__the_others_have_their_receipts(rigs: tuple[Rig, Rig]) -> None:
    old, new = rigs
    new.notary.accept_records(ISSUER, SECOND, [certificate(1)])
    sent = [Single(json.dumps(certificate(n), ensure_ascii=False).encode(), None) for n in (1, 2)]
    refused, accepted = old.notary.accept_singles(ISSUER, ORIGIN, sent)
    assert isinstance(refused, UnavailableError)
    assert isinstance(accepted, Accepted)
    assert accepted.receipt.origin == ORIGIN


def test_backfill__a_row_stands_in_a_log_begun_meanwhile__told_where(tmp_path: Path) -> None:
    rig, begun = Rig(tmp_path / "home"), list[Rig]()

    def meanwhile() -> bool:
        if not begun:
            begun.append(Rig(rig.home, origins=(ORIGIN, SECOND), clock=rig.clock, chain=rig.chain))
            begun[0].notary.accept_records(ISSUER, SECOND, [certificate(1)])
        return False

    rows = csv_file(tmp_path / "rows.csv", [cells_of(n) for n in range(3)])
    done = fill(rig, rows, tmp_path / "manifest", stop=meanwhile)
    assert (done.accepted, done.duplicate + done.refused) == (2, 1)
    assert [row["origin"] for row in outcomes(tmp_path / "manifest")] == [ORIGIN, SECOND, ORIGIN]
    for each in (rig, *begun):
        each.notary.close()
