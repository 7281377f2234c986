"""The storage key against what is stored: another one is found before anything is taken under it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.codes.certificate_ids import make_identifier
from ledger.errors import ConfigurationError
from notary.stores.key_check import require_storage_key
from notary.vault import Vault
from tests.fakes.house import ISSUER, TYPE, House, build_house

OTHER = Vault(bytes(32))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build_house(tmp_path / "home")


def registered(house: House, count: int) -> None:
    for n in range(count):
        house.accept(house.certificate(identifier=make_identifier(TYPE, ISSUER, f"N{n}", 1)))


def test_key__nothing_stored_yet__any_will_do(house: House) -> None:
    require_storage_key(house.notary.store, OTHER)


def test_key__another_than_the_records__refused(house: House) -> None:
    registered(house, 3)
    require_storage_key(house.notary.store, house.notary.vault)
    with pytest.raises(ConfigurationError) as told:
        require_storage_key(house.notary.store, OTHER)
    assert told.value.code == "vault.other_key"


def test_key__single_rows_damaged__they_say_nothing_of_the_key(house: House) -> None:
    registered(house, 3)
    with house.notary.store.transaction() as connection:
        newest = "SELECT max(position) FROM record_keys"
        connection.execute(sa.text(f"UPDATE record_keys SET sealed = x'00' WHERE position = ({newest})"))
    require_storage_key(house.notary.store, house.notary.vault)
