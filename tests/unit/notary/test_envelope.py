"""Encrypted files: vectors, every kind of damage, wraps for one reader (formats.md §7)."""

from __future__ import annotations

import base64
import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from notary.envelope import (
    CHUNK_BYTES,
    KEY_BYTES,
    TAG_BYTES,
    EnvelopeSuite,
    decrypt_stream,
    encrypt_stream,
    envelope_size,
    unwrap_key,
    wrap_info,
    wrap_key,
)

CASES = json.loads((Path(__file__).parents[2] / "vectors/formats/envelopes.json").read_text())
KEY = sha256(b"key").digest()
STEP = CHUNK_BYTES + TAG_BYTES
READER = "11420000011043201A"
b64 = base64.b64decode


def seal(plain: bytes, key: bytes = KEY, random7: bytes = b"random7", suite: int = 1) -> bytes:
    target = io.BytesIO()
    read = encrypt_stream(io.BytesIO(plain), target, key=key, random7=random7, suite=EnvelopeSuite(suite))
    assert read == len(plain)
    return target.getvalue()


def open_(envelope: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    assert decrypt_stream(io.BytesIO(envelope), target, key=key) == len(target.getvalue())
    return target.getvalue()


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['suite']}-{c['length']}")
def test_envelope__vector__exact_bytes_and_opened(case: dict[str, Any]) -> None:
    seed = case["plaintext"].split("'")[1].encode()
    plain = (sha256(seed).digest() * (case["length"] // 32 + 1))[: case["length"]]
    envelope = seal(plain, b64(case["key"]), b64(case["random7"]), case["suite"])
    assert len(envelope) == case["envelope_len"] == envelope_size(len(plain))
    assert sha256(envelope).hexdigest() == case["envelope_sha256"]
    if "envelope" in case:
        assert envelope == b64(case["envelope"])
    assert open_(envelope, b64(case["key"])) == plain


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([0, 1, 15, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]), st.data())
def test_envelope__one_bit_flipped__refused(size: int, data: st.DataObject) -> None:
    envelope = bytearray(seal(bytes(size)))
    bit = data.draw(st.integers(0, len(envelope) * 8 - 1))
    envelope[bit // 8] ^= 1 << bit % 8
    with pytest.raises((UnreadableError, InputError)):
        open_(bytes(envelope))


THREE = seal(bytes(CHUNK_BYTES) + b"\1" * CHUNK_BYTES + b"\2" * 9)
WHOLE = seal(bytes(2 * CHUNK_BYTES))
HEAD, ONE, TWO, REST = THREE[:12], THREE[12 : 12 + STEP], THREE[12 + STEP : 12 + 2 * STEP], THREE[12 + 2 * STEP :]


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (b"", "envelope.header"),
        (THREE[:11], "envelope.header"),
        (b"CZE2" + THREE[4:], "envelope.header"),
        (b"CZE1\x00" + THREE[5:], "envelope.header"),
        (b"CZE1\x03" + THREE[5:], "envelope.header"),
        (HEAD, "envelope.cut"),
        (THREE[:27], "envelope.cut"),
        (HEAD + ONE, "envelope.tag"),
        (HEAD + ONE + TWO, "envelope.tag"),
        (THREE[:-1], "envelope.tag"),
        (HEAD + ONE + TWO + REST[:15], "envelope.cut"),
        (THREE + b"\0", "envelope.tag"),
        (THREE + bytes(STEP), "envelope.tag"),
        (WHOLE + bytes(16), "envelope.tag"),
        (HEAD + TWO + ONE + REST, "envelope.tag"),
        (HEAD + ONE + ONE + REST, "envelope.tag"),
        (HEAD + TWO + REST, "envelope.tag"),
        (seal(b"x", random7=b"another")[:12] + THREE[12:], "envelope.tag"),
    ],
)
def test_decrypt__damaged__refused(envelope: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        open_(envelope)
    assert caught.value.code == code


def test_decrypt__empty_last_chunk_after_a_whole_one__refused_even_if_sealed() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header = b"CZE1\x01random7"
    aes = AESGCM(KEY)
    first = aes.encrypt(b"random7" + bytes(4) + b"\0", bytes(CHUNK_BYTES), header)
    last = aes.encrypt(b"random7" + b"\0\0\0\1" + b"\1", b"", header)
    with pytest.raises(UnreadableError, match=r"envelope\.cut"):
        open_(header + first + last)


def test_decrypt__other_key__refused() -> None:
    with pytest.raises(UnreadableError, match=r"envelope\.tag"):
        open_(THREE, bytes(32))
    with pytest.raises(InputError, match="key_length"):
        open_(THREE, bytes(16))


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, as sockets do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 4099))


def test_streams__giving_little_at_a_time__the_same_envelope() -> None:
    plain = bytes(range(256)) * 700
    target, back = io.BytesIO(), io.BytesIO()
    encrypt_stream(Trickle(plain), target, key=KEY, random7=b"random7")
    assert target.getvalue() == seal(plain)
    decrypt_stream(Trickle(target.getvalue()), back, key=KEY)
    assert back.getvalue() == plain


@pytest.mark.parametrize(("key", "random7", "suite"), [(31, 7, 1), (16, 7, 1), (32, 7, 2), (32, 6, 1), (32, 8, 1)])
def test_encrypt__key_or_random_of_other_length__refused(key: int, random7: int, suite: int) -> None:
    with pytest.raises(InputError):
        seal(b"x", bytes(key), bytes(random7), suite)


@pytest.mark.parametrize("suite", list(EnvelopeSuite))
def test_wrap__for_one_reader__opened_by_no_other_and_for_nothing_else(suite: EnvelopeSuite) -> None:
    own, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    key, digest = KEY[: KEY_BYTES[suite]], sha256(THREE).digest()
    wrap = wrap_key(key, READER, own.public_key(), digest)
    assert len(wrap) == 32 + len(key) + 16
    assert unwrap_key(wrap, READER, own, digest) == key
    assert wrap_key(key, READER, own.public_key(), digest) != wrap
    for args in (
        (wrap, READER, other, digest),
        (wrap, "11100000000013338W", own, digest),
        (wrap, READER, own, bytes(32)),
        (wrap[:-1], READER, own, digest),
        (wrap + b"\0", READER, own, digest),
        (bytes([wrap[0] ^ 1]) + wrap[1:], READER, own, digest),
        (b"", READER, own, digest),
        (wrap_key(b"short", READER, own.public_key(), digest), READER, own, digest),
    ):
        with pytest.raises(UnreadableError, match=r"envelope\.wrap"):
            unwrap_key(*args)


def test_wrap_info__fields__joined_as_the_format_says() -> None:
    assert wrap_info(READER, bytes(32)) == b"chuzheng/wrap/v1\0" + READER.encode() + bytes(32)
    for reader, digest in (("short", bytes(32)), (READER, bytes(31)), ("é" * 17, bytes(32))):
        with pytest.raises(InputError, match="wrap_fields"):
            wrap_info(reader, digest)
