"""The ledger's side of a comparison: read once in the order of positions, cut anywhere, and the ledger goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ConflictError
from ledger.statuses import DecisionCode
from ledger.texts import LANGUAGES, error_text
from ledger.types import Origin
from notary.reconcile import ledger as ledger_side
from notary.reconcile import lists as reconcile_lists
from notary.reconcile import look_ups
from notary.reconcile import run as reconcile_run
from notary.reopening import reopen
from notary.stores import reconciling
from notary.stores.records import position_of
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate
from tests.unit.notary.library_house import Died, House, name

PERSONS = (b"1" * 32, b"2" * 32)
ORDER = "鄂法令〔2026〕12号"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Twelve certificates, all but the last anchored: 2 was revoked, 3 suspended."""
    made = House(tmp_path, 12)
    made.chain.decide(2, DecisionCode.REVOKED)
    made.chain.decide(3, DecisionCode.SUSPENDED)
    yield made
    made.rig.notary.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three, runs of two pages, a comparison noted every four keys."""
    monkeypatch.setattr(reconciling, "PAGE", 3)
    monkeypatch.setattr(ledger_side, "RUN_RECORDS", 5)
    monkeypatch.setattr(reconcile_run, "RUN_ROWS", 5)
    monkeypatch.setattr(reconcile_run, "STEPS", 4)
    monkeypatch.setattr(look_ups, "HELD", 4)
    monkeypatch.setattr(look_ups, "LEAST", 2)


def library(house: House, numbers: Sequence[int], **words: str) -> Path:
    return house.write([(name(n), words.get(f"of{n}", "有效")) for n in numbers])


def before_page(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[], None]) -> list[int]:
    """`act` happens once, before the page of this number is read; 0: after the last. The pages that were read."""
    pages, whole = [0], ledger_side.sort_look_ups

    def looked(store: Any, first: int, end: int) -> Iterator[Any]:
        for page in reconciling.lookup_pages(store, first, end):
            pages[0] += 1
            yield page
            if pages[0] + 1 == at:
                act()

    def sorted_(*arguments: Any, **named: Any) -> Iterator[tuple[int, int]]:
        if at == 1 and not pages[0]:
            act()
        yield from whole(*arguments, **named)
        if at == 0 and not acted:
            acted.append(1)
            act()

    acted: list[int] = []
    monkeypatch.setattr(ledger_side, "lookup_pages", looked)
    monkeypatch.setattr(reconcile_run, "sort_look_ups", sorted_)
    return pages


def test_lookup_pages__both_databases__by_position_up_to_the_end(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, database=database)
    try:
        store, log = house.rig.notary.store, house.rig.notary.log(ORIGIN).id
        first, end = position_of(log, 0), position_of(log, 37)
        mac = house.rig.notary.vault.identifier_mac
        expected = [(mac(ISSUER, name(n)), 1, position_of(log, n)) for n in range(37)]
        for page in (2, 7, 37, 40):
            monkeypatch.setattr(reconciling, "PAGE", page)
            for start in (0, 9, 36, 37, 50):
                found = [
                    (bytes(m), v, p) for rows in reconciling.lookup_pages(store, first + start, end) for m, v, p in rows
                ]
                assert found == expected[start:]
    finally:
        house.rig.notary.close()


@pytest.mark.usefixtures("small")
def test_run__dies_at_each_write__the_next_one_ends_it_with_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after each single write, of the library, statuses, look-ups and lists alike."""
    path = library(house, [*range(1, 11), 20])
    whole = house.compare(house.csv(path), out="whole")
    lists = house.lists("whole")
    calls = [0, -1]
    monkeypatch.setattr("os.fsync", lambda handle: None)  # what a process wrote stays when it dies

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls[0] += 1
            if calls[0] == calls[1]:
                raise Died
            made = act(*arguments)
            calls[0] += 1
            if calls[0] == calls[1]:
                raise Died
            return made

        return call

    for room, part in (
        (reconcile_lists, "append"), (reconcile_lists, "write_durably"), (reconcile_run, "write_durably"),
        (reconcile_run, "write_run"), (reconcile_run, "write_statuses"), (look_ups, "write_durably"),
    ):  # fmt: skip
        monkeypatch.setattr(room, part, dying(getattr(room, part)))
    same = [key for key in whole if key not in ("started_at", "finished_at")]
    died = 0
    while True:
        calls[:] = [0, died + 1]
        out = f"cut{died}"
        try:
            cut = house.compare(house.csv(path), out=out)
        except Died:
            died += 1
            cut = house.compare(house.csv(path), out=out)
        assert {key: cut[key] for key in same} == {key: whole[key] for key in same}
        assert house.lists(out) == lists
        assert not [p.name for p in (house.folder / out).iterdir() if p.suffix not in (".json", ".ndjson")]
        if calls[1] > calls[0]:
            break
    assert died > 50


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("phase", ["sorting", "comparing"])
def test_run__folder_of_the_former_version__goes_on_at_the_ledger(house: House, phase: str) -> None:
    path = library(house, [*range(1, 11), 20])
    whole = house.compare(house.csv(path), out="whole")

    def cut(done: Any, share: float) -> None:
        if done.read if phase == "sorting" else done.key:
            raise Died

    house.told = cut
    with pytest.raises(Died):
        house.compare(house.csv(path))
    out = house.folder / "out"
    for run in out.glob("*.look"):
        run.unlink()
    plan, done = (json.loads((out / f"{part}.json").read_bytes()) for part in ("plan", "done"))
    del plan["closings"]
    for end in plan["ends"].values():
        del end["count"]
    for new in ("looks", "position", "sorted", "erased"):
        del done[new]
    (out / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    (out / "done.json").write_text(json.dumps(done), encoding="utf-8")
    (out / "statuses.bin").write_bytes((position_of(house.rig.notary.log(ORIGIN).id, 5)).to_bytes(8) + b"\x01")
    house.told = lambda done, share: None
    report = house.compare(house.csv(path))
    same = [key for key in whole if key not in ("started_at", "finished_at")]
    assert {key: report[key] for key in same} == {key: whole[key] for key in same}
    assert house.lists() == house.lists("whole")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("page", [0, 1, 3, 5])
@pytest.mark.parametrize("origins", [(ORIGIN, SECOND), (SECOND, ORIGIN)])
def test_run__log_reopened_meanwhile__what_was_moved_is_found_where_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int, origins: tuple[Origin, Origin]
) -> None:
    """At any page, and to a log that lies before or behind the closed one: nothing that was carried is missed, and its
    status goes with it; what wasn't carried counts for nothing any more."""
    house = House(tmp_path, 12, origins=origins)
    notary, (closed, new) = house.rig.notary, origins
    ids = [notary.log(origin).id for origin in origins]
    assert (ids[0] < ids[1]) == (closed == ORIGIN)
    house.chain.decide(2, DecisionCode.REVOKED, closed)

    def reopened() -> None:
        house.rig.chain.close_log(notary.log(closed).log_id, 0)
        reopen(notary, house.rig.clock, closed, new, last_good=0, good=range(0, 12, 2))

    before_page(monkeypatch, page, reopened)
    report = house.compare(house.csv(library(house, range(1, 12), of2="吊销")))
    lists = house.lists()
    assert notary.log(closed).struck_from == 0
    assert sorted(line["identifier"] for line in lists["not_registered"]) == sorted(map(name, range(1, 12, 2)))
    # Registered again a moment ago: not on the chain yet, and what the library hasn't isn't missed there.
    places = sorted((line["identifier"], line["origin"], line["index"]) for line in lists["not_anchored"])
    assert places == sorted((name(2 * n), new, n + 1) for n in range(1, 6))
    assert (report["status_differs"], report["not_in_library"], report["registered_later"]) == (0, 0, 1)
    assert report["agreed"] == 0
    notary.close()


@pytest.mark.usefixtures("small")
def test_run__reopened_in_a_log_that_it_was_started_without__said_and_gone_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, 12, origins=(ORIGIN,))
    other = Rig(tmp_path / "home", origins=(ORIGIN, SECOND), clock=house.rig.clock, chain=house.rig.chain)
    house.rig.chain.close_log(other.notary.log(ORIGIN).log_id, 0)
    path = library(house, range(12))

    def reopened() -> None:
        reopen(other.notary, other.clock, ORIGIN, SECOND, last_good=0, good=range(12))

    with monkeypatch.context() as patch:
        before_page(patch, 2, reopened)
        with pytest.raises(ConflictError) as caught:
            house.compare(house.csv(path))
    assert (caught.value.code, caught.value.params["origin"]) == ("reconcile.reopened", SECOND)
    assert all(error_text(caught.value, language) for language in LANGUAGES)
    other.notary.close()
    house.rig.origins = (ORIGIN, SECOND)
    house.rig.again()
    report = house.compare(house.csv(path))
    assert (report["not_registered"], report["not_anchored"]) == (0, 12)
    house.rig.notary.close()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("page", [None, 0, 1, 2, 3])
def test_run__erased_before_or_meanwhile__no_finding(
    house: House, monkeypatch: pytest.MonkeyPatch, page: int | None
) -> None:
    def erased() -> None:
        for index in (4, 9):
            house.rig.notary.erasing.propose(ISSUER, ORIGIN, index, ORDER, PERSONS[0])
            house.rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, PERSONS[1])

    if page is None:
        erased()
    else:
        before_page(monkeypatch, page, erased)
    report = house.compare(house.csv(library(house, [*range(12), 20], of2="吊销", of3="暂扣")))
    assert (report["not_registered"], report["not_anchored"], report["status_differs"]) == (1, 1, 0)
    assert report["agreed"] + report["erased"] == 11
    assert house.lists()["not_registered"][0]["identifier"] == name(20)
    if page in (None, 1):
        assert report["erased"] == 2
    if page == 0:
        assert report["erased"] == 0


@pytest.mark.usefixtures("small")
def test_run__registered_while_it_runs__not_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def registered() -> None:
        house.rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in (30, 31)], key="later")

    pages = before_page(monkeypatch, 2, registered)
    report = house.compare(house.csv(library(house, range(12), of2="吊销", of3="暂扣")))
    assert (report["agreed"], report["not_anchored"], report["registered_later"], pages) == (11, 1, 0, [4])
    assert house.rig.notary.log(ORIGIN).next_index == 14


@pytest.mark.usefixtures("small")
def test_run__several_logs_and_issuers__each_under_its_own(tmp_path: Path, database: str) -> None:
    house = House(tmp_path, 12, database, (ORIGIN, SECOND, FOREIGN))
    notary = house.rig.notary
    notary.accept_records(ISSUER, SECOND, [certificate(n) for n in range(50, 57)], key="second")
    notary.accept_records(OTHER, FOREIGN, [certificate(n, OTHER) for n in range(8)], key="other")
    rows = [(name(n), "有效") for n in [*range(12), *range(50, 57)]]
    rows += [(str(certificate(n, OTHER)["identifier"]), "有效") for n in range(8)]
    report = house.compare(house.csv(house.write(rows)))
    assert (report["agreed"], report["not_anchored"], report["not_registered"]) == (11, 16, 0)
    report = house.compare(house.csv(house.write(rows)), out="one", issuers=(OTHER,))
    assert (report["agreed"], report["not_anchored"], report["not_in_library"]) == (0, 8, 0)
    notary.close()
