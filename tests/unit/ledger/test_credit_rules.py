"""The rules and classes of credit items: the profile beside their data file, each class beside the contract."""

from __future__ import annotations

import pytest

from ledger import credit_acts as acts
from ledger import credits
from ledger.codes.credit_rules import credit_classes, credit_rules
from ledger.credits import Book, Measure, Polarity, Profile, Severity
from ledger.errors import ChuzhengError
from tests.unit.ledger.credit_book import PROVINCE, now, some


def test_default_profile__each_figure__is_its_rule_s() -> None:
    rules, p = credit_rules(), Profile()
    assert p.mark_days == rules["DEFAULT-MARK"].days
    assert p.answer_days == rules["DEFAULT-DECIDE"].days
    assert f"{p.answer_other_days} with another unit" in rules["DEFAULT-DECIDE"].note
    minor, general, serious = (rules[f"PUB-{name}"] for name in ("MINOR", "GENERAL", "SERIOUS"))
    assert (minor.min_months, minor.max_months) == p.publication(Severity.MINOR)
    assert (general.min_months, general.max_months) == p.publication(Severity.GENERAL)
    assert (serious.min_months, serious.max_months) == p.publication(Severity.SERIOUS)
    assert rules["DEFAULT-STOP"].max_months == p.stop_months


def test_rules__the_file__as_vendored() -> None:
    rules = credit_rules()
    assert len(rules) == 34
    assert rules["OBJ-BUREAU"].unit == "day (日, not working day)"
    assert rules["OBJ-HA-MARK"].days is None
    assert not rules["REPAIR"].text_seen


def test_classes__each__fits_the_contract() -> None:
    classes = credit_classes()
    assert len({c.name_zh for c in classes.values()}) == len(classes)
    for c in classes.values():
        assert c.sealed == (c.number >= credits.SEALED_FROM)
        if c.sealed:
            with pytest.raises(ChuzhengError) as caught:
                acts.set_item_class(Book(), c.number, now(acts.NOBODY), polarity=2, measure=0, basis=some(1))
            assert caught.value.code == "credit_records.item_class_sealed"
            continue
        made = acts.set_item_class(
            Book(), c.number, now(PROVINCE), polarity=c.polarity, measure=c.measure, basis=some(1)
        ).classes[c.number]
        assert (made.polarity, made.measure) == (Polarity(c.polarity), Measure(c.measure))
