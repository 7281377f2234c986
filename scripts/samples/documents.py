"""Sample documents of our own making: the same bytes on every machine, so that their digests can be told in words.

A PDF, a text, a picture and a scan of 8 MiB, each by one of the sample issuers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ledger.types import DepartmentCode

_MARK = "样例 / SAMPLE"


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """A document: what its record says beside the file, and how its bytes are made, piece by piece."""

    name: str
    media_type: str
    title: str
    number: str
    issuer: DepartmentCode
    pieces: Callable[[], Iterator[bytes]]

    def write(self, folder: Path) -> Path:
        """Write it into `folder`; its path."""
        path = folder / self.name
        with path.open("wb") as file:
            for piece in self.pieces():
                file.write(piece)
        return path


def sample_documents() -> tuple[SampleDocument, ...]:
    """All of them, smallest kinds first."""
    return (
        SampleDocument(
            "食品经营许可公告.txt", "text/plain", "关于食品经营许可电子证照启用的公告（样例）", "样例公告〔2026〕1号",
            DepartmentCode("11420000MB9543829Q"), _text,
        ),
        SampleDocument(
            "优待证办理通知.pdf", "application/pdf", "关于退役军人优待证办理的通知（样例）", "样例通知〔2026〕2号",
            DepartmentCode("114200000099912773"), _pdf,
        ),
        SampleDocument(
            "不动产示意图.png", "image/png", "不动产单元示意图（样例）", "样例图〔2026〕3号",
            DepartmentCode("11420500MB9715854J"), _png,
        ),
        SampleDocument(
            "档案扫描件.tif", "image/tiff", "施工企业安全生产许可档案扫描件（样例）", "样例档〔2026〕4号",
            DepartmentCode("11420000009991840C"), _tiff,
        ),
    )  # fmt: skip


def _text() -> Iterator[bytes]:
    yield (
        "关于食品经营许可电子证照启用的公告\n"
        "（样例，不是真实公文 / a sample, not a real notice）\n\n"
        "一、自2026年12月1日起，本辖区食品经营许可证同步发放电子证照。\n"
        "二、电子证照与纸质证照具有同等效力，可以在核验页面核验。\n"
        "三、核验时请以持证主体名称和证照标识为准，并核对出示证照的人。\n"
        "四、证照暂停、撤销、注销的，核验页面即时显示。\n"
    ).encode()


def _pdf() -> Iterator[bytes]:
    lines = ["关于退役军人优待证办理的通知", f"（{_MARK}）", "一、凭有效身份证件申请。", "二、十个工作日内办结。"]
    # Adobe's own Chinese font by name: every reader has one for it, and nothing needs to be embedded.
    shown = [f"<{line.encode('utf-16-be').hex()}> Tj 0 -36 Td" for line in lines]
    stream = ("BT /F1 20 Tf 72 740 Td " + " ".join(shown) + " ET").encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 5 >> /DW 1000 >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0"
        b" /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
    ]
    data = bytearray(b"%PDF-1.7\n%\xe6\xa5\x9a\xe8\xaf\x81\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    yield bytes(data)


def _png() -> Iterator[bytes]:
    """A plan of four plots, 320 by 240, in colours of a map."""
    width, height = 320, 240
    colours = ((0xE8, 0xE0, 0xC8), (0xC8, 0xDC, 0xC0), (0xD8, 0xC8, 0xC0), (0xC0, 0xD0, 0xE0))
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            border = min(x % 160, y % 120, 159 - x % 160, 119 - y % 120) < 3
            rows += b"\x40\x40\x40" if border else bytes(colours[x // 160 + 2 * (y // 120)])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    yield b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", _stored(bytes(rows))) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """zlib's format without compression: compressed bytes differ from one zlib to another."""
    blocks = [data[at : at + 65_535] for at in range(0, len(data), 65_535)]
    stored = [
        struct.pack("<BHH", place == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for place, block in enumerate(blocks)
    ]
    return b"\x78\x01" + b"".join(stored) + struct.pack(">I", zlib.adler32(data))


def _tiff() -> Iterator[bytes]:
    """A page of grey ruled lines, 2,048 by 4,096 pixels of a byte: 8 MiB and a header."""
    width, height = 2048, 4096
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8 + 2 + 9 * 12 + 4),
        (277, 3, 1), (278, 4, height), (279, 4, width * height),
    ]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    yield struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + directory + struct.pack("<I", 0)
    for y in range(height):
        # Each row differs a little, so that no block of the store is like another.
        paper = bytes(0xF0 + (y * 31 + x * 7) % 13 for x in range(64)) * (width // 64)
        mark = struct.pack(">I", y)
        yield (b"\x60" * width if y % 128 < 3 else paper[:-4] + mark)
