"""The ZIP that has one way to be written: same members, same bytes, and nothing beside them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from notary.exports.zip_file import MAX_MEMBERS, PIECE, ZipReader, ZipWriter
from tests.apart import traced_peak
from tests.zips import read_zip, write_zip

PART = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,8}\Z")
NAMES = st.lists(PART, min_size=1, max_size=3).map("/".join)
MEMBERS = {"b.json": b"{}", "a/x.txt": b"hello", "a/y.txt": b""}


def fits(names: list[str]) -> bool:
    folded = [name.lower() for name in names]
    return len(set(folded)) == len(folded) and not any(
        other.startswith(name + "/") for name in folded for other in folded
    )


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=6).filter(lambda m: fits(list(m))))
def test_zip__any_members__read_back_and_written_the_same(members: dict[str, bytes]) -> None:
    data = write_zip(members)
    assert read_zip(data) == members
    assert list(read_zip(data)) == sorted(members)
    assert write_zip(dict(reversed(members.items()))) == data


def test_zip__other_programs__read_it() -> None:
    with zipfile.ZipFile(io.BytesIO(write_zip(MEMBERS))) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == MEMBERS
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@given(st.data())
def test_zip__one_bit_anywhere__refused(data: st.DataObject) -> None:
    whole = bytearray(write_zip(MEMBERS))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << at % 8
    with pytest.raises(UnreadableError):
        read_zip(bytes(whole))


@given(st.integers(0, 300), st.binary(min_size=1, max_size=40))
def test_zip__something_put_in__refused(at: int, more: bytes) -> None:
    whole = write_zip(MEMBERS)
    at = min(at, len(whole))
    with pytest.raises(UnreadableError):
        read_zip(whole[:at] + more + whole[at:])


@given(st.integers(0, 400))
def test_zip__cut_off__refused(keep: int) -> None:
    whole = write_zip(MEMBERS)
    with pytest.raises(UnreadableError):
        read_zip(whole[: min(keep, len(whole) - 1)])


def foreign(change: Callable[[zipfile.ZipFile], None]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        change(file)
    return out.getvalue()


def info(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def packed(file: zipfile.ZipFile) -> None:
    file.writestr("a", b"x" * 100, zipfile.ZIP_DEFLATED)


def commented(file: zipfile.ZipFile) -> None:
    file.writestr(info("a"), b"x")
    file.comment = b"see also"


def dated(file: zipfile.ZipFile) -> None:
    file.writestr(zipfile.ZipInfo("a", (2026, 1, 1, 0, 0, 0)), b"x")


def big(file: zipfile.ZipFile) -> None:
    with file.open(info("a"), "w", force_zip64=True) as one:
        one.write(b"x")


def climbing(file: zipfile.ZipFile) -> None:
    file.writestr(info("../a"), b"x")


def rooted(file: zipfile.ZipFile) -> None:
    file.writestr(info("/etc/a"), b"x")


def linked(file: zipfile.ZipFile) -> None:
    one = info("a")
    one.create_system, one.external_attr = 3, 0o120777 << 16
    file.writestr(one, b"/etc/passwd")


def locked(file: zipfile.ZipFile) -> None:
    one = info("a")
    one.flag_bits |= 1
    file.writestr(one, b"x")


def chinese(file: zipfile.ZipFile) -> None:
    file.writestr(info("证.json"), b"x")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (packed, "zip.packed"),
        (commented, "zip.end"),
        (dated, "zip.header"),
        (big, "zip.header"),
        (climbing, "zip.name"),
        (linked, "zip.header"),
        (locked, "zip.header"),
        (rooted, "zip.name"),
        (chinese, "zip.name"),
    ],
)
def test_zip__of_another_program__refused_by_name(change: Callable[[zipfile.ZipFile], None], code: str) -> None:
    with pytest.raises(UnreadableError) as found:
        read_zip(foreign(change))
    assert found.value.code == code


def joined(*files: bytes) -> bytes:
    """One ZIP of the single members of `files`, in their order, as nobody of ours would write it."""
    local, central = b"", b""
    for file in files:
        _, _, _, _, _, size, start, _ = struct.unpack_from("<4sHHHHIIH", file, len(file) - 22)
        record = bytearray(file[start : start + size])
        record[42:46] = struct.pack("<I", len(local))
        local, central = local + file[:start], central + bytes(record)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(files), len(files), len(central), len(local), 0)
    return local + central + end


def test_joined__in_order__is_what_we_write() -> None:
    one, two = write_zip({"a": b"1"}), write_zip({"b": b"2"})
    assert joined(one, two) == write_zip({"a": b"1", "b": b"2"})


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [("b", "a", "zip.order"), ("a", "a", "zip.order"), ("A", "a", "zip.twice"), ("a", "a/b", "zip.twice")],
)
def test_zip__names_out_of_order_or_twice__refused(first: str, second: str, code: str) -> None:
    with pytest.raises(UnreadableError) as found:
        read_zip(joined(write_zip({first: b"1"}), write_zip({second: b"2"})))
    assert found.value.code == code


def test_zip__a_record_less_than_there_are_members__refused() -> None:
    whole = joined(write_zip({"a": b"1"}), write_zip({"b": b"2"}))
    count = 46 + 1
    start = len(whole) - 22 - 2 * count
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, count, start, 0)
    with pytest.raises(UnreadableError) as found:
        read_zip(whole[: start + count] + end)
    assert found.value.code == "zip.between"


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "/a", "a/", "a//b", ".a", "a\\b", "a b", "é", "a" * 201])
def test_write__name_that_isnt_allowed__refused(name: str) -> None:
    with pytest.raises(InputError):
        write_zip({name: b""})


def listed(count: int, *, size: int = 0) -> bytes:
    """A list of `count` empty members without their headers, as a bomb would have it: all at one place."""
    record = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 10, 10, 0, 0, 0, 0x21, 0, size, size, 1, 0, 0, 0, 0, 0, 0
    )
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 10, 0, 0, 0, 0x21, 0, size, size, 1, 0) + b"a"
    body = local + (record + b"a") * count
    return body + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(body) - len(local), len(local), 0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (listed(2), "zip.header"),  # two members over the same bytes
        (listed(1, size=1 << 31), "zip.header"),  # larger than the file
        (listed(MAX_MEMBERS + 1), "zip.too_large"),
        (listed(1) + b"more", "zip.end"),
        (b"more" + listed(1), "zip.none"),
    ],
)
def test_zip__made_to_burst__refused_before_anything_is_unpacked(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as found:
        read_zip(data)
    assert found.value.code == code


def test_write__too_many_or_too_much__refused_before_it_is_written() -> None:
    out = io.BytesIO()
    writer = ZipWriter(out, limit=1000)
    writer.add("a", [b"x" * 500])
    with pytest.raises(InputError) as found:
        writer.add("b", iter([b"x" * 400, b"x" * 400]))
    assert found.value.code == "zip.too_large"
    assert len(out.getvalue()) < 1000
    with pytest.raises(InputError) as found:
        ZipWriter(io.BytesIO()).add("../a", [])
    assert found.value.code == "zip.name"


def test_zip__large_member__passes_in_pieces(tmp_path: Path) -> None:
    assert traced_peak(_through, tmp_path / "large.zip") < 8 * PIECE


def _through(path: Path) -> None:
    piece = bytes(PIECE)
    with path.open("w+b") as file:
        writer = ZipWriter(file)
        writer.add("large", (piece for _ in range(64)))
        writer.close()
        reader = ZipReader(file)
        assert sum(map(len, reader.pieces("large"))) == reader.size("large") == 64 * PIECE
        with pytest.raises(UnreadableError) as found:
            reader.read("large", 10)
        assert found.value.code == "zip.member_large"


def test_read__over_the_limit__refused() -> None:
    with pytest.raises(UnreadableError) as found:
        read_zip(write_zip(MEMBERS), limit=100)
    assert found.value.code == "zip.too_large"
