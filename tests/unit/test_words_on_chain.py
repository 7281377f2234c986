"""Nothing new goes onto the chain unseen: each wide value of each ABI is classified, and the table says as what."""

from __future__ import annotations

from tests.chain_words import classes, classified, wide_fields


def test_words__every_abi__each_wide_value_has_a_class_and_no_line_is_left_over() -> None:
    fields = set(wide_fields())
    assert fields - set(classified()) == set(), (
        "classify these in tests/words_on_chain.toml, and say why they may be there"
    )
    assert set(classified()) - fields == set()
    assert set(classified().values()) == set(classes())


def test_words__about_persons__commitments_ids_and_days_only() -> None:
    """What CreditRecords, queries, emergencies and grants say beyond public bodies, instants and catalogue codes."""
    personal = {"CreditRecords", "AuthorisedQueries", "EmergencyShares", "ShareAuthorisations"}
    found = {kind for (contract, _), kind in classified().items() if contract in personal}
    public = {"account", "contract", "department", "file_class", "officer", "public_hash", "resource", "time"}
    assert found - public == {"basis", "commitment", "count", "day", "link", "list_root", "random"}
