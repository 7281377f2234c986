"""Certificate identifiers: every vector, python-stdnum as oracle, and what one changed character does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from ledger.codes import certificate_ids as ids
from ledger.errors import InputError

VECTORS = Path(__file__).parents[2] / "vectors"
CASES = json.loads((VECTORS / "identifiers/certificate_ids.json").read_text(encoding="utf-8"))
NUMBERED = [pytest.param(c, id=f"{i}-{'-'.join(c['reasons']) or 'well-formed'}") for i, c in enumerate(CASES)]
TYPE, ISSUER = "11100000000013338W011", "11430000006122244L"


@pytest.mark.parametrize("case", NUMBERED)
def test_check_identifier__vector__gives_every_reason(case: dict[str, Any]) -> None:
    assert ids.check_identifier(case["id"]) == case["reasons"]
    assert ids.import_rule(case["id"]) == case["import"]
    assert ids.normalised(case["id"]) == case.get("normalised")


@pytest.mark.parametrize("case", NUMBERED)
def test_parse_identifier__vector__follows_the_issue_rule(case: dict[str, Any]) -> None:
    if case["issue"] == "accept":
        parts = ids.parse_identifier(case["id"])
        whole = ".".join([parts.type, parts.issuer, parts.serial, parts.version, parts.check])
        assert ids.ROOT + whole == case["id"]
        assert ids.make_identifier(parts.type, parts.issuer, parts.serial, parts.version_number) == case["id"]
    else:
        with pytest.raises(InputError) as caught:
            ids.parse_identifier(case["id"])
        assert caught.value.code == "certificate.identifier"


serials = st.text(alphabet=ids.ALPHABET, min_size=1, max_size=40)


@given(serials, st.integers(0, 999))
def test_check_character__any_serial__is_stdnums(serial: str, version: int) -> None:
    text = f"{TYPE}{ISSUER}{serial}{version:03d}"
    assert ids.check_character(TYPE, ISSUER, serial, f"{version:03d}") == mod_37_36.calc_check_digit(text)


@given(serials, st.integers(0, 999), st.data())
def test_check_identifier__one_character_changed__refused(serial: str, version: int, data: st.DataObject) -> None:
    text = ids.make_identifier(TYPE, ISSUER, serial, version)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ids.ALPHABET + ".ab "))
    changed = text[:place] + other + text[place + 1 :]
    assert (not ids.check_identifier(changed)) == (changed == text)


@given(serials, st.integers(0, 999), st.data())
def test_check_identifier__pieces_changed__the_short_way_and_the_rules_agree(
    serial: str, version: int, data: st.DataObject
) -> None:
    pieces = ids.make_identifier(TYPE, ISSUER, serial, version).rsplit(".", 5)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, 5))
        pieces[at] = data.draw(
            st.sampled_from(["", "0", "00١", "12\n", pieces[at][::-1], pieces[at] + "\n", ISSUER, TYPE])
        )
    text = ".".join(pieces)
    assert ids.check_identifier(text) == ids._reasons.__wrapped__(text)


@given(st.text(max_size=120) | st.text(max_size=90).map(lambda t: ids.ROOT + t))
def test_import_rule__any_text__never_raises(text: str) -> None:
    assert (ids.import_rule(text) == "refuse") == (ids.received_segments(text) is None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (TYPE, None),
        (TYPE[:-1], "type-length"),
        (TYPE[:-1] + "A", "type-sequence"),
        (TYPE.lower(), "character"),
        ("11100000000013339W011", "type-authority"),
    ],
)
def test_check_type__cases__gives_the_reason(code: str, reason: str | None) -> None:
    assert ids.check_type(code) == reason


def test_make_identifier__serial_with_a_dot__refused() -> None:
    with pytest.raises(InputError):
        ids.make_identifier(TYPE, ISSUER, "A.B", 1)
