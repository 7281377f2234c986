"""存证证明: one page, the same bytes each time, all on it whole and within the margins, nothing personal unasked."""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from typing import Any

import pypdf
import pytest

from ledger.errors import InputError
from ledger.texts import Language
from ledger.types import Digest
from notary.certificate_pdf import HEIGHT, MARGIN, WIDTH, draw_certificate
from notary.disclosure import make_disclosure, parse_disclosure
from notary.evidence import Presented
from notary.exports.certificate_page import Circumstances, Page, page_of
from notary.qr import QrProof
from notary.qr_picture import draw_qr, read_picture
from notary.report import Outcome, Report
from notary.verify import verify
from tests.fakes.judging import judged
from tests.unit.notary.sealed_receipt import RECORD, Sealed, sealed

__all__ = ["sealed"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
BUNDLE = Digest(bytes(range(32)))
POINTS = 72 / 25.4
LONG = "湖北省某某市某某区人民政府政务服务和大数据管理局行政审批科（样例）" * 3


def report_of(s: Sealed, **more: Any) -> Report:
    disclosure = parse_disclosure(make_disclosure(RECORD, salt_of(s), ["name"], s.with_evidence()))
    return judged(s.world, s.with_evidence(), disclosure=disclosure, trust=s.trust(), offline=True, **more)


def salt_of(s: Sealed) -> bytes:
    assert s.receipt.salt is not None
    return s.receipt.salt


def about(**changes: Any) -> Circumstances:
    return replace(Circumstances("某某大数据管理局（样例）", "0.1.0", "湖北省市场监督管理局", BUNDLE), **changes)


def page(s: Sealed, language: Language = "zh", **changes: Any) -> Page:
    return page_of(report_of(s), s.with_evidence(), about(**changes), language)


def code(s: Sealed) -> bytes:
    return draw_qr("https://verify.example.gov.cn/verify", QrProof.of(s.with_evidence(), None, []).to_text())


def read(data: bytes) -> tuple[str, pypdf.PageObject]:
    """(text of the only page without what lies between letters, page)"""
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert len(reader.pages) == 1
    found = reader.pages[0]
    return re.sub(r"[\x00\s]", "", found.extract_text()), found


@pytest.mark.parametrize("language", LANGUAGES)
def test_certificate__one_page__all_figures_whole_and_the_code_read_back(sealed: Sealed, language: Language) -> None:
    told, found = read(draw_certificate(page(sealed, language), code(sealed)))
    receipt = sealed.with_evidence()
    assert receipt.anchor is not None
    assert receipt.head is not None
    figures = [
        receipt.entry.sha256.hex(), receipt.entry.sm3.hex(), receipt.anchor.block_hash, receipt.anchor.genesis_hash,
        receipt.anchor.contract, receipt.origin, receipt.head.root.hex(), BUNDLE.hex(),
        str(receipt.anchor.block_number),
        "SHA-256", "SM3", "0.1.0", page(sealed, language).number,
    ]  # fmt: skip
    assert [figure for figure in figures if figure not in told] == []
    [image] = found.images
    picture = io.BytesIO()
    assert image.image is not None
    image.image.save(picture, "PNG")
    picture.seek(0)
    assert read_picture(picture).startswith("https://verify.example.gov.cn/verify#")
    assert float(found.mediabox.width) == pytest.approx(WIDTH * POINTS, abs=1)
    assert float(found.mediabox.height) == pytest.approx(HEIGHT * POINTS, abs=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_certificate__headings__stand_in_their_order(sealed: Sealed, language: Language) -> None:
    made = page(sealed, language)
    told, _ = read(draw_certificate(made, code(sealed)))
    headings = [made.left[0].heading, made.left[1].heading, made.checks_heading, made.notes[0].heading,
                made.notes[1].heading, made.steps_heading]  # fmt: skip
    places = [told.find(re.sub(r"\s", "", heading)) for heading in headings]
    assert -1 not in places
    assert places == sorted(places)
    assert len(made.checks) == 12


def test_certificate__unknown_stays_unknown(sealed: Sealed) -> None:
    made = page(sealed)
    unknown = [check.number for check in made.checks if check.outcome is Outcome.UNKNOWN]
    assert unknown == [8, 10]
    told, _ = read(draw_certificate(made, None))
    assert "暂时无法核验" in told
    assert "8签发单位、10现行状态" in told


def test_certificate__nothing_of_the_record_unless_asked(sealed: Sealed) -> None:
    told, _ = read(draw_certificate(page(sealed), code(sealed)))
    assert [value for value in (RECORD["name"], RECORD["number"], RECORD["holders"][0]["name"]) if value in told] == []
    told, _ = read(draw_certificate(page(sealed, shown={"name": RECORD["name"]}), code(sealed)))
    assert RECORD["name"] in told


def test_certificate__same_input__same_bytes_whenever_it_is_drawn(sealed: Sealed) -> None:
    made, picture = page(sealed), code(sealed)
    first = draw_certificate(made, picture)
    time.sleep(1.1)
    assert draw_certificate(made, picture) == first
    assert page(sealed, operator="别的单位").number != made.number


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer_name": LONG, "operator": LONG},
        {"operator": "A" * 300, "issuer_name": "0123456789abcdef" * 12},
        {"shown": {f"member{i}": "很长的内容，" * 40 for i in range(6)}},
    ],
)
def test_certificate__long_names_and_figures__wrap_and_stay_within_the_margins(
    sealed: Sealed, language: Language, changes: dict[str, Any]
) -> None:
    data = draw_certificate(page(sealed, language, **changes), code(sealed))
    told, found = read(data)
    for value in changes.values():
        assert (value if isinstance(value, str) else value["member5"]).replace(" ", "") in told
    edges: list[tuple[float, float]] = []

    def visit(text: str, _: Any, matrix: Any, font: Any, size: float) -> None:
        if text.strip("\x00 \n"):
            edges.append((matrix[4], matrix[5]))

    found.extract_text(visitor_text=visit)
    assert min(x for x, _ in edges) >= (MARGIN - 1) * POINTS
    assert max(x for x, _ in edges) <= (WIDTH - MARGIN) * POINTS
    assert min(y for _, y in edges) >= (MARGIN - 1) * POINTS


def test_certificate__characters_of_names__printed_or_named_never_dropped(sealed: Sealed) -> None:
    told, _ = read(draw_certificate(page(sealed, issuer_name="𠮷野\U0002a6d6\u202e☃"), None))
    assert "𠮷野" in told
    assert "[U+202E]" in told
    assert "本页字体没有的字" in told
    assert "本页字体没有的字" not in read(draw_certificate(page(sealed, issuer_name="𠮷野"), None))[0]


def test_certificate__content_erased_or_not_shown__says_nowhere_that_it_fits(sealed: Sealed) -> None:
    told, _ = read(draw_certificate(page(sealed), None))
    assert "内容是否与它相符" in told
    assert "内容与它相符" not in told


def test_certificate__nobody_said_who_operates_it__not_stated(sealed: Sealed) -> None:
    """A placeholder from the settings would read like a name."""
    assert "没有写明" in read(draw_certificate(page(sealed, operator=None), None))[0]
    assert "notstated" in read(draw_certificate(page(sealed, "en", operator=None), None))[0]


def test_certificate__more_than_a_page_holds__refused(sealed: Sealed) -> None:
    for shown in ({str(i): "x" for i in range(7)}, {"a": "x" * 301}):
        with pytest.raises(InputError):
            page(sealed, shown=shown)
    with pytest.raises(InputError) as found:
        draw_certificate(page(sealed, operator="长" * 9000), None)
    assert found.value.code == "certificate.too_long"


def test_certificate__not_anchored_yet__refused(sealed: Sealed) -> None:
    receipt = replace(sealed.receipt, anchor=None, evidence=None)
    presented = Presented(receipt, RECORD)
    from notary.evidence import Evidence

    report = verify(presented, Evidence(), sealed.trust(), sealed.world.now, sealed.world.now)
    with pytest.raises(InputError) as found:
        page_of(report, receipt, about(), "zh")
    assert found.value.code == "certificate.early"


def test_certificate__test_chain__says_so(sealed: Sealed) -> None:
    report = judged(sealed.world, sealed.receipt, record=RECORD)
    told, _ = read(draw_certificate(page_of(report, sealed.receipt, about(), "zh"), None))
    assert "测试链" in told


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("持证主体", "名称: 甲; 证件号码: 9", "不是任何文件的哈希值")),
        ("en", ("Holders", "Name: 甲; Code: 9", "not of any file")),
    ],
)
def test_members__shown__called_by_words_people_know_and_digests_explained(
    sealed: Sealed, language: Language, words: tuple[str, ...]
) -> None:
    made = page(sealed, language, shown={"holders": [{"name": "甲", "code": "9"}], "KZ_x": "乙"})
    rows = {row.label: row.value for row in made.left[0].rows}
    told = " ".join([*rows, *rows.values()])
    assert [word for word in words if word not in told] == []
    assert rows["KZ_x"] == "乙"
