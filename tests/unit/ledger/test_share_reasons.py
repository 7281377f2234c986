"""Code lists of sharing: whole, and in step with the contracts' kinds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.codes.share_reasons import (
    KINDS,
    article_code,
    article_of,
    check_emergency_article,
    check_reason,
    purposes,
    reasons,
    statutes,
)
from ledger.codes.tables import rows
from ledger.errors import InputError
from ledger.shares import acts
from ledger.texts import LANGUAGES, error_text

ROOT = Path(__file__).parents[3]


def test_reasons__every_row__named_in_both_languages_and_of_its_kind() -> None:
    for row in rows("share_reasons.csv"):
        assert int(row["reason"]) // 100 == KINDS[row["kind"]]
        assert int(row["reason"]) % 100
        assert row["name_zh"]
        assert row["name_en"]
    assert len(reasons()) == len(list(rows("share_reasons.csv")))


def test_kinds__as_the_contracts_and_the_twin_have_them() -> None:
    text = (ROOT / "contracts" / "libraries" / "Reasons.sol").read_text(encoding="utf-8")
    found = {name.lower(): int(n) for name, n in re.findall(r"constant (\w+) = (\d);", text)}
    assert found == KINDS
    assert all(getattr(acts, kind.upper()) == number for kind, number in KINDS.items())


def test_statutes__emergency_laws__are_those_from_101_to_199() -> None:
    assert all(s.emergency == (101 <= s.number <= 199) for s in statutes().values())
    assert set(purposes()) == set(range(1, len(purposes()) + 1))


def test_articles__code_and_back() -> None:
    code = article_code(1, 21)
    found = article_of(code)
    assert (code, found) == (10_021, (statutes()[1], 21))
    assert article_of(10_000) is None
    assert article_of(9_990_001) is None
    check_emergency_article(article_code(101, 50))
    check_reason(401, "rejection")


@pytest.mark.parametrize(
    "call",
    [
        lambda: article_code(999, 1),
        lambda: article_code(1, 0),
        lambda: article_code(1, 10_000),
        lambda: check_reason(401, "misuse"),
        lambda: check_reason(499, "rejection"),
        lambda: check_emergency_article(10_021),
    ],
)
def test_refusals__each_has_texts(call: Callable[[], object]) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert all(error_text(caught.value, language) for language in LANGUAGES)
