"""Signed notes, tree heads, promises, tile names and entry bundles (formats.md §4, C2SP)."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.crypto.keys import Ed25519Signer
from ledger.crypto.suites import verify_ed25519
from ledger.errors import InputError, UnreadableError
from ledger.types import Digest
from notary import checkpoint as cp
from notary.merkle import leaf_hash, root_from_leaves

VECTORS = Path(__file__).parents[2] / "vectors"
TLOG = VECTORS / "tlog"
PATHS = json.loads((TLOG / "paths.json").read_text())
PROMISE = json.loads((VECTORS / "formats/promise.json").read_text())
SIZES = [0, 1, 2, 3, 5, 8, 13]
VKEY = cp.parse_vkey((TLOG / "vkey.txt").read_text().strip())
SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEY = cp.VerifierKey("log.example", SIGNER.public_key)
HEAD = cp.Checkpoint("log.example", 5, Digest(b"r" * 32))
NOTE = cp.sign_checkpoint(HEAD, KEY.name, SIGNER)


@pytest.mark.parametrize("size", SIZES)
def test_tlog_vector__checkpoint_tile_and_bundle__agree(size: int) -> None:
    note = (TLOG / f"checkpoint.{size}").read_text()
    assert cp.verify_signature(note, VKEY)
    head = cp.parse_checkpoint(note)
    assert (head.origin, head.size) == (VKEY.name, size)
    parsed = cp.parse_note(note)
    assert head.text() == parsed.text
    assert cp.format_note(parsed.text, parsed.signatures) == note
    entries: list[bytes] = []
    if size:
        bundle = (TLOG / cp.entries_path(0, size)).read_bytes()
        entries = cp.decode_entries(bundle)
        assert cp.encode_entries(entries) == bundle
        assert b"".join(leaf_hash(e) for e in entries) == (TLOG / cp.tile_path(0, 0, size)).read_bytes()
    assert len(entries) == size
    assert root_from_leaves([leaf_hash(e) for e in entries]) == head.root


def test_vkey__vector__there_and_back() -> None:
    assert VKEY.text() == (TLOG / "vkey.txt").read_text().strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        VKEY.text().replace("+33d7b496+", "+33d7b497+"),
        VKEY.text().replace("+33d7b496+", "+33D7B496+"),
        VKEY.text() + "\n",
        "na me" + VKEY.text()[VKEY.text().index("+") :],
        "+".join([*VKEY.text().split("+", 2)[:2], base64.b64encode(b"\x02" + VKEY.public_key).decode()]),
        "+".join([*VKEY.text().split("+", 2)[:2], base64.b64encode(b"\x01" + VKEY.public_key[:31]).decode()]),
        cp.VerifierKey(VKEY.name, VKEY.public_key[:31]).text(),
        cp.VerifierKey(VKEY.name, VKEY.public_key + b"x").text(),
        cp.VerifierKey("", VKEY.public_key).text(),
    ],
)
def test_parse_vkey__malformed__unreadable(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"note\.vkey"):
        cp.parse_vkey(text)


def test_sign_checkpoint__own_key__verifies_and_reads_back() -> None:
    assert cp.verify_signature(NOTE, KEY)
    assert cp.parse_checkpoint(NOTE) == HEAD
    assert not cp.verify_signature(NOTE, cp.VerifierKey("other.example", SIGNER.public_key))
    assert not cp.verify_signature(NOTE, VKEY)


def test_sign_checkpoint__key_replaced_between_key_and_signature__one_key_named_and_signing() -> None:
    class Rotating:
        suite, asked = SIGNER.suite, 0

        @property
        def public_key(self) -> bytes:
            self.asked += 1
            return (old if self.asked < 3 else SIGNER).public_key

        def sign(self, message: bytes) -> bytes:
            return SIGNER.sign(message)

    old = Ed25519Signer(Ed25519PrivateKey.generate())
    note = cp.sign_checkpoint(HEAD, KEY.name, Rotating())
    assert cp.verify_signature(note, KEY)


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_note__one_bit_flipped__unreadable_or_unsigned(bit: int) -> None:
    data = bytearray(NOTE.encode())
    data[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(UnicodeDecodeError, UnreadableError):
        assert not cp.verify_signature(bytes(data).decode(), KEY)


def test_verify_signature__among_foreign_lines__own_ones_must_all_verify() -> None:
    parsed = cp.parse_note(NOTE)
    foreign = cp.NoteSignature("witness.example", b"abcd", b"anything")
    same_name = cp.NoteSignature(KEY.name, b"abcd", b"other algorithm")
    wrong = cp.NoteSignature(KEY.name, KEY.key_id, bytes(64))
    assert cp.verify_signature(cp.format_note(parsed.text, [foreign, same_name, *parsed.signatures]), KEY)
    assert not cp.verify_signature(cp.format_note(parsed.text, [*parsed.signatures, wrong]), KEY)
    assert not cp.verify_signature(cp.format_note(parsed.text, [foreign]), KEY)


def test_verify_signature__our_key_id_under_another_name__not_ours() -> None:
    parsed = cp.parse_note(NOTE)
    renamed = [cp.NoteSignature(KEY.name + "x", s.key_id, s.signature) for s in parsed.signatures]
    assert not cp.verify_signature(cp.format_note(parsed.text, renamed), KEY)
    assert cp.verify_signature(cp.format_note(parsed.text, [*renamed, *parsed.signatures]), KEY)


@pytest.mark.parametrize("space", ["\u0020", "\u0085", "\u00a0", "\u2003", "\u2028", "\u3000"])
def test_parse_note__key_name_with_a_space_of_any_script__unreadable(space: str) -> None:
    with pytest.raises(UnreadableError, match=r"note\.signature_line"):
        cp.parse_note(cp.format_note(TEXT + "\n", [cp.NoteSignature(f"a{space}b", b"abcd", b"x")]))


LINE = NOTE.rpartition("\n\n")[2]
TEXT = NOTE.rpartition("\n\n")[0]


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("", "note.form"),
        (TEXT + "\n", "note.form"),
        (TEXT + "\n\n", "note.form"),
        (NOTE[:-1], "note.form"),
        (NOTE.replace("\n", "\r\n"), "note.form"),
        (NOTE + "\x00", "note.form"),
        ("\n\n" + LINE, "note.form"),
        (TEXT + "\n\n" + LINE * 17, "note.signatures"),
        (NOTE + "\n", "note.form"),
        (NOTE + "x\n", "note.signature_line"),
        (NOTE.replace("— ", "- "), "note.signature_line"),
        (NOTE.replace("— ", "—  "), "note.signature_line"),
        (NOTE[:-1] + " \n", "note.signature_line"),
        (TEXT + "\n\n— a+b AAAAAAA=\n", "note.signature_line"),
        (TEXT + "\n\n— a AAAAAA==\n", "note.signature_line"),
        (TEXT + "\n\n— a AAAAAAB=\n", "note.signature_line"),
        (TEXT + "\n\n— a\n", "note.signature_line"),
        (TEXT + "\n\n—  AAAAAAA=\n", "note.signature_line"),
        ("x" * (64 << 10) + NOTE, "note.too_large"),
    ],
)
def test_parse_note__malformed__unreadable(note: str, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        cp.parse_note(note)
    assert caught.value.code == code


ROOT = base64.b64encode(b"r" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"o\n5\n{ROOT}\nmore\n",
        f"o\n5\n{ROOT}\n\n",
        "o\n5\n",
        f"\n5\n{ROOT}\n",
        f"o\n05\n{ROOT}\n",
        f"o\n+5\n{ROOT}\n",
        f"o\n-5\n{ROOT}\n",
        f"o\n٥\n{ROOT}\n",
        f"o\n5 \n{ROOT}\n",
        f"o\n{1 << 53}\n{ROOT}\n",
        f"o\n5\n{ROOT[:-1]}\n",
        "o\n5\nAAAA\n",
    ],
)
def test_parse_checkpoint__other_than_three_exact_lines__unreadable(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"checkpoint\.form"):
        cp.parse_checkpoint(text + "\n" + LINE)


def test_promise__vector__bytes_and_signature() -> None:
    signed = cp.promise_bytes(bytes.fromhex(PROMISE["log_id"]), PROMISE["index"], bytes.fromhex(PROMISE["leaf"]))
    assert signed == base64.b64decode(PROMISE["signed_bytes"])
    key = base64.b64decode(PROMISE["ed25519_public"])
    assert verify_ed25519(key, base64.b64decode(PROMISE["promise"]), signed)
    assert not verify_ed25519(key, base64.b64decode(PROMISE["promise"]), signed + b"\0")


def test_promise_bytes__first_index__zero_is_one() -> None:
    assert cp.promise_bytes(b"l" * 32, 0, b"f" * 32) == b"chuzheng/promise/v1\0" + b"l" * 32 + bytes(8) + b"f" * 32


@pytest.mark.parametrize(("log", "index", "leaf"), [(31, 0, 32), (32, -1, 32), (32, 1 << 53, 32), (32, 0, 33)])
def test_promise_bytes__field_that_does_not_fit__refused(log: int, index: int, leaf: int) -> None:
    with pytest.raises(InputError, match=r"promise\.fields"):
        cp.promise_bytes(bytes(log), index, bytes(leaf))


@pytest.mark.parametrize(("index", "path"), PATHS["tile_index_to_path"])
def test_tile_path__vector_index__its_path(index: int, path: str) -> None:
    assert cp.tile_path(0, index) == f"tile/0/{path}"
    assert cp.entries_path(index) == f"tile/entries/{path}"
    assert cp.tile_path(63, index, 255) == f"tile/63/{path}.p/255"


@pytest.mark.parametrize("case", PATHS["by_tree_size"], ids=lambda c: c["size"])
def test_tile_path__vector_tree__its_full_and_partial_tiles(case: dict) -> None:  # type: ignore[type-arg]
    for level in case["levels"]:
        nodes = case["size"] >> 8 * level["level"]
        full, width = divmod(nodes, 256)
        assert full == level["full_tiles"]
        assert level["last_full"] == (cp.tile_path(level["level"], full - 1) if full else None)
        assert level["partial"] == (cp.tile_path(level["level"], full, width) if width else None)
    full, width = divmod(case["size"], 256)
    assert case["entries"]["last_full"] == (cp.entries_path(full - 1) if full else None)
    assert case["entries"]["partial"] == (cp.entries_path(full, width) if width else None)


@pytest.mark.parametrize(("level", "number", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_tile_path__out_of_range__refused(level: int, number: int, width: int) -> None:
    with pytest.raises(InputError):
        cp.tile_path(level, number, width)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_entry_bundle__any_entries__there_and_back(entries: list[bytes]) -> None:
    bundle = cp.encode_entries(entries)
    assert cp.decode_entries(bundle) == entries
    for cut in range(1, min(len(bundle), 4)):
        with contextlib.suppress(UnreadableError):
            assert cp.encode_entries(cp.decode_entries(bundle[:-cut])) == bundle[:-cut]


@pytest.mark.parametrize("bundle", [b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01ab"])
def test_decode_entries__cut_within_an_entry__unreadable(bundle: bytes) -> None:
    with pytest.raises(UnreadableError, match="bundle_cut"):
        cp.decode_entries(bundle)


def test_encode_entries__too_long__refused() -> None:
    with pytest.raises(InputError, match="entry_length"):
        cp.encode_entries([bytes(65536)])
