"""存证证明 as PDF: one A4 page in black and white, drawn by fpdf2 with the font that is shipped (notary/fonts).

The same page gives the same bytes: its dates are the page's, no id is random, only used characters are embedded. What
doesn't fit is set smaller, down to a size that people can still read; then it is refused, never cut off.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

from ledger.errors import InputError
from notary.exports.certificate_page import CheckRow, Page, Part
from notary.report import Outcome

FONT = "NotoSansCJKsc-Regular.subset.ttf"
WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 14.0
CODE_SIZE = 43.0
"""Millimetres of the QR code's side: a module of 0.3 mm at the largest."""
LABEL = 25.0
SCALES = (1.18, 1.13, 1.08, 1.04, 1.0, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76)
"""Of the sizes below; at the least one the smallest letters have 5.2 points."""
_BODY, _SMALL, _HEADING, _TITLE = 8.0, 6.9, 8.8, 17.0
_PIECES = re.compile(r"\s+|[!-~]+|.", re.DOTALL)
_NEVER_FIRST = "，。、；：！？）”》】"
_MARKS = {Outcome.PASS: "●", Outcome.FAIL: "×", Outcome.UNKNOWN: "○", Outcome.SKIPPED: "－"}
"""Beside the word, never instead of it."""


def draw_certificate(page: Page, code: bytes | None) -> bytes:
    """The PDF's bytes; `code` is the QR code as PNG. InputError `certificate.too_long` if one page can't hold it."""
    sheet = _Sheet(page, code)
    scale = next((each for each in SCALES if sheet.fits(each)), None)
    if scale is None:
        raise InputError("certificate.too_long")
    return sheet.drawn(scale)


class _Sheet:
    """A page to be drawn. Trying a scale measures and leaves no mark: the font is read once."""

    def __init__(self, page: Page, code: bytes | None) -> None:
        from fpdf import FPDF

        self._page, self._code = page, code
        self._scale, self._marking = 1.0, False
        self._pdf: Any = FPDF(format="A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(MARGIN)
        with as_file(files("notary.fonts") / FONT) as path:
            self._pdf.add_font("page", "", path)
        font: Any = self._pdf.fonts["page"]
        self._held = frozenset(font.cmap)
        made = datetime.fromtimestamp(page.at // 1000, UTC)
        self._pdf.set_creation_date(made)
        self._pdf.set_title(f"{page.title} {page.number}")
        self._pdf.set_lang("zh-CN" if page.language == "zh" else "en")
        self._pdf.set_producer("chuzheng")
        self._pdf.add_page()
        self._y = MARGIN
        values = [row.value for part in (*page.left, *page.notes) for row in part.rows]
        self._spelled = any(self._printable(value) != value.replace("\n", " ") for value in values)

    def fits(self, scale: float) -> bool:
        """Whether the page holds everything at this scale."""
        return self._go(scale, marking=False) <= HEIGHT - MARGIN - (9 if self._spelled else 6)

    def drawn(self, scale: float) -> bytes:
        """The file's bytes."""
        self._go(scale, marking=True)
        return bytes(self._pdf.output())

    def _go(self, scale: float, *, marking: bool) -> float:
        """Goes through the page from the top; where it ends, in millimetres."""
        self._scale, self._marking, self._y = scale, marking, MARGIN
        page = self._page
        self._title()
        self._verdict()
        for part in page.left:
            self._part(part)
        self._checks(page.checks_heading, page.checks)
        for part in page.notes:
            self._part(part)
        return self._steps()

    def _title(self) -> None:
        page = self._page
        self._text(page.title, _TITLE, MARGIN, WIDTH - 2 * MARGIN, align="C")
        self._text(page.under_title, _BODY, MARGIN, WIDTH - 2 * MARGIN, align="C")
        self._y += 1.2
        if page.banner:
            self._boxed(page.banner, _BODY)
        self._foot()

    def _foot(self) -> None:
        kept = self._y
        if self._spelled:
            self._y = HEIGHT - MARGIN - 7
            self._text(self._page.spelled, _SMALL * 0.9, MARGIN, WIDTH - 2 * MARGIN, align="C")
        self._y = HEIGHT - MARGIN - 3.5
        self._text(self._page.foot, _SMALL * 0.95, MARGIN, WIDTH - 2 * MARGIN, align="C")
        self._y = kept

    def _verdict(self) -> None:
        self._y += 0.6
        top = self._y
        self._y += 1.4
        self._text(self._page.verdict, 12.5, MARGIN + 2, 60)
        self._y += 0.2
        self._text(self._page.sentence, _BODY, MARGIN + 2, WIDTH - 2 * MARGIN - 4)
        self._y += 1.2
        self._box(top, 0.45)
        self._y += 1.2

    def _boxed(self, told: str, size: float) -> None:
        top = self._y
        self._y += 0.8
        self._text(told, size, MARGIN + 2, WIDTH - 2 * MARGIN - 4, align="C")
        self._y += 0.8
        self._box(top, 0.25, dash=1)

    def _box(self, top: float, line: float, *, dash: float = 0) -> None:
        if self._marking:
            self._pdf.set_line_width(line)
            self._pdf.set_dash_pattern(dash=dash, gap=dash)
            self._pdf.rect(MARGIN, top, WIDTH - 2 * MARGIN, self._y - top)
            self._pdf.set_dash_pattern()

    def _heading(self, told: str) -> None:
        self._y += 1.2 * self._scale
        self._text(told, _HEADING, MARGIN, WIDTH - 2 * MARGIN)
        if self._marking:
            self._pdf.set_line_width(0.25)
            self._pdf.line(MARGIN, self._y, WIDTH - MARGIN, self._y)
        self._y += 0.7 * self._scale

    def _part(self, part: Part) -> None:
        self._heading(part.heading)
        for row in part.rows:
            top = self._y
            self._text(row.label, _SMALL, MARGIN, LABEL - 1.5)
            label_end, self._y = self._y, top
            self._text(row.value, _SMALL, MARGIN + LABEL, WIDTH - 2 * MARGIN - LABEL)
            self._y = max(self._y, label_end) + 0.25 * self._scale

    def _checks(self, heading: str, checks: Sequence[CheckRow]) -> None:
        self._heading(heading)
        for check in checks:
            top = self._y
            self._text(f"{check.number}. {check.title}", _SMALL, MARGIN, 31)
            ends = [self._y]
            self._y = top
            self._text(f"{_MARKS[check.outcome]} {check.word}", _SMALL, MARGIN + 32, 19)
            ends.append(self._y)
            self._y = top
            self._text(check.message, _SMALL * 0.97, MARGIN + 52, WIDTH - 2 * MARGIN - 52)
            self._y = max(self._y, *ends) + 0.2 * self._scale

    def _steps(self) -> float:
        """Draws the steps with the QR code beside them and the place for the seal; where they end."""
        self._heading(self._page.steps_heading)
        top = self._y
        width = WIDTH - 2 * MARGIN - (CODE_SIZE + 3 if self._code else 0)
        for number, step in enumerate(self._page.steps, 1):
            self._text(f"{number}. {step}", _SMALL, MARGIN, width)
            self._y += 0.4 * self._scale
        self._y += 1.5
        self._text(self._page.seal, _BODY, MARGIN, width)
        self._y += 9
        bottom = self._y
        if self._code:
            x = WIDTH - MARGIN - CODE_SIZE
            if self._marking:
                self._pdf.image(io.BytesIO(self._code), x=x, y=top, w=CODE_SIZE, h=CODE_SIZE)
            self._y = top + CODE_SIZE
            self._text(self._page.code_label, _SMALL * 0.92, x, CODE_SIZE, align="C")
            bottom = max(bottom, self._y)
        return bottom

    def _text(self, told: str, size: float, x: float, width: float, *, align: str = "L") -> None:
        """Lines from `_y` on, which ends below them."""
        points = size * self._scale
        self._pdf.set_font("page", size=points)
        height = points * 0.3528 * 1.32
        for line in self._lines(told, width):
            at = x + (width - self._pdf.get_string_width(line)) / 2 if align == "C" else x
            if self._marking:
                self._pdf.text(at, self._y + height * 0.78, line)
            self._y += height

    def _lines(self, told: str, width: float) -> list[str]:
        """`told` broken by width: between words where there are any, within a word that is wider than the line."""
        lines, line = list[str](), ""
        for piece in _PIECES.findall(self._printable(told)):
            joined = line + piece
            if self._pdf.get_string_width(joined.rstrip()) <= width or (line and piece in _NEVER_FIRST):
                line = joined if line or not piece.isspace() else ""
                continue
            if line.strip() and self._pdf.get_string_width(piece) <= width:
                lines.append(line.rstrip())
                line = piece.lstrip()
                continue
            for letter in piece:  # a hash or an identifier that no line holds goes on in the next, letter by letter
                if line and self._pdf.get_string_width(line + letter) > width:
                    lines.append(line.rstrip())
                    line = ""
                line += letter
        return [*lines, line.rstrip()]

    def _printable(self, told: str) -> str:
        """What the font lacks by its number, and nothing that turns or hides what stands beside it."""
        return "".join(c if ord(c) in self._held else f"[U+{ord(c):04X}]" for c in told.replace("\n", " "))
