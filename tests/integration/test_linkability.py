"""From chain data alone nobody joins two things of one person, or an application to its text.

An attacker (linking/attacker.py) reads a whole chain on which several departments have written about several veterans,
knows every person, text and record there is, and has neither salts nor keys. That he would find what there is to find
is shown with leaks that are planted. What he learns all the same stands in docs/threat-model.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.credits import ItemId, NewItem
from ledger.evm import authorised_queries, credit_records
from ledger.evm.launcher import start_anvil
from ledger.shares.authorised_queries import Terms
from ledger.store.engine import open_engine, upgrade
from ledger.types import BlockTime
from tests.integration.conftest import PATIENCE
from tests.integration.linking.affairs import EIGHT, FACT, FILES, KEEPER, NETWORK, Affairs, random
from tests.integration.linking.attacker import Attacker, Knowledge
from tests.integration.linking.chain_data import collect
from tests.integration.linking.leaks import Leaks
from tests.integration.linking.years import VETERANS, Years, live
from tests.ports import free_port

PERSONAL = ("CreditRecords", "AuthorisedQueries", "EmergencyShares", "ShareAuthorisations")


@pytest.fixture(scope="module")
def years(own_pace: None, anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Years]:
    folder = tmp_path_factory.mktemp("years")
    chain = start_anvil(folder / "chain", free_port(), binary=anvil_program, timeout=PATIENCE)
    engine = open_engine(f"sqlite:///{folder}/chuzheng.sqlite")
    upgrade(engine)
    try:
        yield live(Affairs(chain.url, engine, folder))
    finally:
        engine.dispose()
        chain.kill()


def attack(years: Years) -> Attacker:
    affairs = years.affairs
    persons = [*VETERANS, *affairs.officers]
    records = [r for i, r in enumerate(affairs.records) if r not in affairs.records[:i]]
    knowledge = Knowledge(persons, EIGHT, list(dict.fromkeys(affairs.texts)), records, NETWORK)
    return Attacker(collect(affairs.rpc, affairs.deployment), knowledge)


@dataclass
class Honest:
    """What the attacker found before anything was planted."""

    years: Years
    attacker: Attacker


@pytest.fixture(scope="module")
def honest(years: Years) -> Honest:
    return Honest(years, attack(years))


def test_chain__searched_for_what_two_things_share__only_what_is_meant_to_be_seen(honest: Honest) -> None:
    """A certificate names its successor, a renewal the grant it renews; nothing else is in two places."""
    assert len(honest.years.about) >= 60, "the years are too quiet to prove anything"
    joined = {frozenset(key for _, key in join.things) for join in honest.attacker.joins()}
    assert joined == honest.years.meant
    assert honest.attacker.derived() == set()


def test_chain__searched_for_persons_and_texts__none_is_recognised(honest: Honest) -> None:
    assert len(honest.years.affairs.records) > 100
    assert honest.attacker.recognised() == set()


def test_chain__transactions_seen_from_outside__size_and_gas_tell_nothing_more(honest: Honest) -> None:
    """Each function's calls are of one length and one gas limit; gas used follows from what is public in the call."""
    assert honest.attacker.odd_sizes(PERSONAL) == set()
    for function in ("add", "objectTo"):
        found = honest.attacker.gas_by_shape("CreditRecords", function)
        assert found
        assert {len(figures) for figures in found.values()} == {1}, function


def test_chain__items_sent_as_an_office_gets_them__neighbours_are_not_of_one_person(honest: Honest) -> None:
    """The chain can't help against who works through a file: see the leak below, and docs/threat-model.md."""
    neighbours = honest.attacker.neighbours()
    about = honest.years.about
    assert neighbours
    assert not [pair for pair in neighbours if len({about[key] for _, key in pair}) == 1]


def test_careless_caller__one_document_behind_two_things_or_an_hour_for_a_day__refused(honest: Honest) -> None:
    affairs = honest.years.affairs
    office, resource, death = affairs.offices[KEEPER], honest.years.resources[KEEPER], random()
    asked = [random() for _ in range(2)]
    for id_ in asked:
        terms = Terms(resource, random(), random(), random(), random(), affairs.day(-30), 1, 10)
        affairs.do((office.handler, authorised_queries.propose(id_, terms)))
    affairs.do((office.handler, authorised_queries.withdraw(asked[0], 701, death)))
    found = affairs.refused(office.handler, authorised_queries.withdraw(asked[1], 701, death))
    assert found == "authorised_queries.commitment_used"
    used, item = random(), NewItem(FILES, FACT, random())
    affairs.do((office.machine, credit_records.add(ItemId(used), item)))
    found = affairs.refused(office.machine, credit_records.add(ItemId(random()), item))
    assert found == "credit_records.commitment_used"
    hour = BlockTime(affairs.day(0) + 3600)
    assert affairs.refused(office.machine, credit_records.object_to(ItemId(used), random(), hour)) == (
        "credit_records.date_invalid"
    )


def test_attacker__leaks_are_planted__finds_each(honest: Honest) -> None:
    leaks = Leaks(honest.years)
    attacker = attack(honest.years)
    recognised = attacker.recognised()
    assert recognised == {
        "sha256(number 0)",
        "hmac(salt, name''number 1)",
        f"keccak256(number, department 2 {leaks.department})",
        "md5(typed 3)",
        "commitment of record 0",
        "list of 2",
    }
    joined = {join.things for join in attacker.joins()}
    meant = {pair for pair in joined if frozenset(key for _, key in pair) in honest.years.meant}
    assert joined - meant == {leaks.twice}
    assert {thing for _, thing in attacker.derived()} == {leaks.replaced}
    found = {frozenset(key for _, key in pair) for pair in attacker.neighbours()}
    assert {frozenset(ids) for _, ids in leaks.files} <= found
