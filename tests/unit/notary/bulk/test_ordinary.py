"""Rows by column: the same records, bytes and refusals as row by row, whatever was changed in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codes.certificate_ids import make_identifier
from notary.bulk import chunks
from notary.bulk.chunks import Part, prepare_part, unpack_own
from notary.bulk.ordinary import NAMES, ordinary
from notary.bulk.sources import Cells
from notary.canonical import sorted_names
from notary.commitment import commit_and_canonicalise
from notary.committing import TOGETHER, commit_columns
from notary.imports import COLUMNS, Row, record_of
from notary.vault import Vault
from tests.fakes.backfilling import cells_of
from tests.fakes.notary import ISSUER, OTHER, TYPE
from tests.unit.notary.test_imports import IDENTIFIERS, ODD

ISSUERS = frozenset({ISSUER})
FINE: dict[str, list[str]] = {
    "certificate_name": ["证", "A,B", "a/b&<>%s%%\u2028", "𠮷"], "certificate_number": ["１", "x y", "%b"],
    "issuer_name": ["局"], "issuer_division": ["420100", "110000"], "holder_name": ["某公司", "O'Neill", "é"],
    "holder_code_type": ["001", "111", "999", "414"], "valid_from": ["2023-01-31", "2024-02-29"],
    "valid_to": ["", "2030-01-01", "2099-12-31"], "issue_date": ["2024-02-29", "1949-10-01"],
    "identifier": [make_identifier(TYPE, ISSUER, "Z9", version) for version in (0, 2, 10, 999)],
}  # fmt: skip
STRANGE = ['"', "\\", "\n", "\t", "\x01", "\x7f", "a\rb", "\ud800", "", " ", ";", "a;b", "\u3000"]
Change = tuple[str, str]


def pairs(*several: dict[str, list[str]]) -> st.SearchStrategy[Change]:
    """(column, cell) of these."""
    return st.sampled_from([(name, cell) for cells in several for name, found in cells.items() for cell in found])


def changed(changes: list[list[Change]]) -> list[tuple[str, ...]]:
    return [tuple((cells_of(n) | dict(each)).values()) for n, each in enumerate(changes)]


any_change = pairs(FINE, ODD, dict.fromkeys(COLUMNS, STRANGE))
any_rows = st.lists(st.lists(any_change, max_size=2), max_size=6).map(changed)
fine_rows = st.lists(st.lists(pairs(FINE), max_size=3), min_size=1, max_size=6).map(changed)


def told(part: Part, vault: Vault) -> list[object]:
    """All of a part but what chance makes."""
    return [
        [
            (r.issuer, r.offsets, r.contents, r.identifiers, r.versions, [own[2] for own in unpack_own(r.own, None)])
            for r in part.ready
        ],
        {n: [(w.number, w.member, w.code, w.params) for w in wrong] for n, wrong in part.wrong.items()},
    ]


@settings(max_examples=300)
@given(any_rows | fine_rows, st.sampled_from(["data", "scan", "x"]))
def test_part__any_rows__as_row_by_row(rows: list[tuple[str, ...]], capture: str) -> None:
    vault, numbers = Vault(bytes(32)), range(2, 2 + len(rows))
    found = prepare_part(numbers, rows, ISSUERS, capture, vault)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "ordinary", lambda rows, issuers, capture: None)
        expected = prepare_part(numbers, rows, ISSUERS, capture, vault)
    assert told(found, vault) == told(expected, vault)


@settings(max_examples=200)
@given(fine_rows, st.sampled_from(["data", "scan"]))
def test_ordinary__what_it_takes__is_right_and_has_the_same_commitments(
    rows: list[tuple[str, ...]], capture: str
) -> None:
    found = ordinary(rows, ISSUERS, capture)
    judged = [record_of(Row(n, cells), capture) for n, cells in enumerate(rows)]
    if found is None:
        return
    assert [wrong for _, wrong in judged] == [[]] * len(rows)
    salts = [bytes([n]) * 32 for n in range(len(rows))]
    made = [commit_and_canonicalise(record, salt) for (record, _), salt in zip(judged, salts, strict=True)]
    expected = [(commitment.sha256, commitment.sm3, canonical) for commitment, canonical in made]
    assert commit_columns(NAMES, found.texts, salts) == expected
    assert [*found.identifiers] == [record["identifier"] for record, _ in judged]
    assert found.versions == [record["version"] for record, _ in judged]


def test_ordinary__more_than_one_pass__each_its_own() -> None:
    rows = [tuple(cells_of(n, holder_name=f"名{n}").values()) for n in range(TOGETHER + 3)]
    found = ordinary(rows, ISSUERS, "data")
    assert found is not None
    salts = [n.to_bytes(32, "big") for n in range(len(rows))]
    made = [commit_and_canonicalise(record_of(Row(2, cells))[0], salt) for cells, salt in zip(rows, salts, strict=True)]
    assert [each[2] for each in commit_columns(NAMES, found.texts, salts)] == [canonical for _, canonical in made]
    assert [each[0] for each in commit_columns(NAMES, found.texts, salts)] == [made.sha256 for made, _ in made]


def test_part__ordinary_rows__none_is_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "record_of", lambda row, capture: pytest.fail("went row by row"))
    rows = [tuple(cells_of(n, valid_to="2040-01-01" if n % 2 else "").values()) for n in range(5)]
    made = prepare_part(range(5), rows, ISSUERS, "data", Vault(bytes(32)))
    assert [ready.offsets for ready in made.ready] == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("issuer_code", OTHER), ("identifier", IDENTIFIERS[2]), ("holder_share", "100%"), ("certificate_name", 'a"b')],
)
def test_ordinary__one_row_is_not__none(column: str, cell: str) -> None:
    rows = [tuple((cells_of(n) | ({column: cell} if n == 1 else {})).values()) for n in range(3)]
    assert ordinary(rows, ISSUERS, "data") is None


@pytest.mark.parametrize("rows", [[], [()], [tuple(cells_of(1).values()), ()]])
def test_ordinary__rows_that_are_none__none(rows: list[tuple[str, ...]]) -> None:
    assert ordinary(rows, ISSUERS, "data") is None


def test_names__stand_in_the_order_of_jcs() -> None:
    assert sorted_names(NAMES) == [*NAMES]


def test_part__lines__as_their_cells() -> None:
    vault, issuers = Vault(bytes(32)), ISSUERS
    for odd in ("", "2024-02-30"):
        rows = [tuple((cells_of(n) | ({"issue_date": odd} if odd and n == 1 else {})).values()) for n in range(3)]
        lines = [",".join(cells).encode() for cells in rows]
        several: list[list[Cells]] = [[*rows], [*lines], [lines[0], *rows[1:]]]
        made = [prepare_part(range(3), each, issuers, "data", vault) for each in several]
        assert told(made[0], vault) == told(made[1], vault) == told(made[2], vault)
