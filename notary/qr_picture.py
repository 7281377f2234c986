"""QR codes as pictures: drawn from a proof's text, and read back from a photograph or a scan (ISO/IEC 18004).

The address before `#` is a byte segment, the proof an alphanumeric one: base32 then costs 5.5 bits a character instead
of 8 (formats.md §6). Libraries do the work: segno draws, zxing-cpp reads, Pillow opens.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from ledger.errors import InputError, UnreadableError

MAX_BYTES = 20 << 20
MAX_PIXELS = 60_000_000
"""A picture that is small as a file may be huge in memory."""
_QUIET = 4
"""Modules of white around a code (§6.3.8)."""


def draw_qr(address: str, fragment: str, *, picture: str = "png", scale: int = 6) -> bytes:
    """`address#fragment` as a picture: `png` or `svg`. Error correction M where it fits, else L."""
    import segno
    from segno.consts import MODE_ALPHANUMERIC, MODE_BYTE

    parts = [(f"{address}#", MODE_BYTE, "utf-8"), (fragment, MODE_ALPHANUMERIC)]
    try:
        code = segno.make(parts, error="m", boost_error=False, micro=False)  # type: ignore[arg-type]
    except segno.DataOverflowError:
        code = segno.make(parts, error="l", boost_error=False, micro=False)  # type: ignore[arg-type]
    out = io.BytesIO()
    code.save(out, kind=picture, scale=scale, border=_QUIET)
    return out.getvalue()


def read_picture(file: BinaryIO) -> str:
    """The text of the one QR code in a picture. InputError `qr.none_found`, `qr.several`, `qr.picture` if it can't be
    opened or is too large."""
    import zxingcpp
    from PIL import Image

    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError("qr.picture")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise InputError("qr.picture")
            grey = opened.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("qr.picture") from error
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    found = {code.text for code in zxingcpp.read_barcodes(grey, formats=formats)}
    if not found:
        raise UnreadableError("qr.none_found")
    if len(found) > 1:
        raise InputError("qr.several", count=len(found))
    return found.pop()
