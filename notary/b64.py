"""Base64 as our formats use it: RFC 4648 with padding, canonical only (formats.md, head).

Pure. A reader gets None for anything that isn't exactly what `to_b64` writes, and says itself which member was wrong.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Sequence


def to_b64(data: bytes) -> str:
    """Padded base64 in one line."""
    return b2a_base64(data, newline=False).decode("ascii")


def from_b64(text: object) -> bytes | None:
    """The bytes of canonical base64; None for anything else, whatever its type."""
    if type(text) is not str:
        return None
    try:
        data = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return None
    # Four characters of the alphabet are three bytes one way only; a second spelling differs in the end or in length.
    over = len(data) % 3
    if len(text) != 4 * ((len(data) + 2) // 3) or (over and to_b64(data[-over:]) != text[-4:]):
        return None
    return data


def from_b64_hashes(texts: Sequence[object]) -> tuple[bytes, ...] | None:
    """Hashes of 32 bytes each, all or None; one decoding for the whole list, since a path is read for every receipt."""
    count = len(texts)
    if any(type(text) is not str or len(text) != 44 for text in texts):
        return None
    joined: str = "".join(texts)  # type: ignore[arg-type]
    if joined.count("=") != count or joined[43::44] != "=" * count:
        return None
    try:
        # With `A` for `=` every 44 characters are 33 bytes, and the last byte is zero exactly when the bits that
        # padding leaves over are.
        data = a2b_base64(joined.replace("=", "A"), strict_mode=True)
    except (Error, ValueError):
        return None
    if data[32::33] != bytes(count):
        return None
    return tuple([data[at : at + 32] for at in range(0, 33 * count, 33)])
