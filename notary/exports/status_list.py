"""The bits of a W3C Bitstring Status List v1.0: one bit an entry, compressed, for wallets that know nothing of us.

Pure. MSB first: index 0 is the most significant bit of byte 0 (§3.2). The IETF's Token Status List is LSB first and
none of this. The text is multibase `u` (base64url without padding) over gzip; its bytes are nowhere fixed, only the
bits are.
"""

from __future__ import annotations

import gzip
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

from ledger.errors import InputError, UnreadableError

BITS = 131_072
"""The least that the Recommendation allows, so that one credential hides among many (§6.1); all our lists have it."""
MAX_BITS = 1 << 27
MAX_TEXT = 24 << 20
_TEXT = re.compile(r"[A-Za-z0-9_-]+")


def encode_status_list(set_bits: Iterable[int], length: int = BITS) -> str:
    """`encodedList` with the bits of `set_bits` on. InputError for an index outside, or a length that isn't whole
    bytes."""
    if length % 8 or not 0 < length <= MAX_BITS:
        raise InputError("status_list.length", found=length)
    bits = bytearray(length // 8)
    for index in set_bits:
        if not 0 <= index < length:
            raise InputError("status_list.index", index=index, length=length)
        bits[index // 8] |= 0x80 >> (index % 8)
    packed = gzip.compress(bytes(bits), compresslevel=9, mtime=0)
    return "u" + urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def decode_status_list(text: str, minimum: int = BITS) -> bytes:
    """The bits, eight a byte; never unpacks more than the limit. UnreadableError for another base, damaged or trailing
    data, or fewer than `minimum` entries (§3.2 refuses them)."""
    if len(text) > MAX_TEXT or not text.startswith("u") or not _TEXT.fullmatch(text[1:]):
        raise UnreadableError("status_list.text")
    try:
        packed = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
    except ValueError:
        raise UnreadableError("status_list.text") from None
    if urlsafe_b64encode(packed).decode("ascii").rstrip("=") != text[1:]:
        raise UnreadableError("status_list.text")
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        bits = inflate.decompress(packed, MAX_BITS // 8 + 1)
    except zlib.error:
        raise UnreadableError("status_list.text") from None
    if not inflate.eof or inflate.unused_data or len(bits) * 8 > MAX_BITS:
        raise UnreadableError("status_list.text")
    if len(bits) * 8 < minimum:
        raise UnreadableError("status_list.short", found=len(bits) * 8, minimum=minimum)
    return bits


def is_set(bits: bytes, index: int) -> bool:
    """The bit at `index`; UnreadableError beyond the list (§3.2: RANGE_ERROR)."""
    if not 0 <= index < len(bits) * 8:
        raise UnreadableError("status_list.index", index=index, length=len(bits) * 8)
    return bool(bits[index // 8] & (0x80 >> (index % 8)))
