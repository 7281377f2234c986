"""ZIP64 exactly where a number needs it; small cases with another threshold, other programs as the judges."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from notary.exports.zip_file import ZipReader, ZipWriter
from notary.exports.zip_records import LARGE, central_record, end_record, local_record, read_central, read_end
from tests.zips import write_zip

MEMBERS = {"a": b"x" * 30, "b/c": b"y" * 70, "d": b"", "e": b"z" * 64}
NUMBERS = st.one_of(st.integers(0, LARGE + 5), st.integers(LARGE - 3, LARGE + 3), st.integers(0, 1 << 50))


def made(large: int, members: dict[str, bytes] = MEMBERS, *, sized: bool = True) -> bytes:
    out = io.BytesIO()
    writer = ZipWriter(out, large=large)
    for name, data in sorted(members.items()):
        writer.add(name, [data[:10], data[10:]], len(data) if sized else None)
    assert writer.close() == len(out.getvalue())
    return out.getvalue()


def opened(data: bytes, large: int) -> dict[str, bytes]:
    reader = ZipReader(io.BytesIO(data), large=large)
    return {name: reader.read(name) for name in reader}


def test_local__large_size__both_in_eight_bytes_as_appnote_has_it() -> None:
    record = local_record("a", LARGE, 7)
    assert struct.unpack("<4sHHHHHIIIHH", record[:30]) == (
        b"PK\x03\x04", 45, 0, 0, 0, 0x21, 7, LARGE, LARGE, 1, 20,
    )  # fmt: skip
    assert record[30:] == b"a" + struct.pack("<HHQQ", 1, 16, LARGE, LARGE)
    assert len(local_record("a", LARGE - 1, 7)) == 31


@pytest.mark.parametrize(
    ("size", "offset", "extra"),
    [
        (LARGE - 1, LARGE - 1, b""),
        (LARGE, 5, struct.pack("<HHQQ", 1, 16, LARGE, LARGE)),
        (5, LARGE, struct.pack("<HHQ", 1, 8, LARGE)),
        (1 << 33, 1 << 34, struct.pack("<HHQQQ", 1, 24, 1 << 33, 1 << 33, 1 << 34)),
    ],
)
def test_central__large_numbers__only_those_in_eight_bytes(size: int, offset: int, extra: bytes) -> None:
    record = central_record("a", size, 7, offset)
    version, told, where = 45 if extra else 10, min(size, LARGE), min(offset, LARGE)
    assert struct.unpack("<4sHHHHHHIIIHHHHHII", record[:46]) == (
        b"PK\x01\x02", version, version, 0, 0, 0, 0x21, 7, told, told, 1, len(extra), 0, 0, 0, 0, where,
    )  # fmt: skip
    assert record[46:] == b"a" + extra


def test_end__list_beyond_four_gib__record_and_locator_before_the_old_end() -> None:
    end_64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 3, 3, 150, LARGE)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, LARGE + 150, 1)
    old = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3, 3, 150, LARGE, 0)
    assert end_record(3, 150, LARGE) == end_64 + locator + old
    assert len(end_record(3, 150, LARGE - 1)) == 22


@given(NUMBERS, NUMBERS)
def test_records__any_numbers__read_back(size: int, offset: int) -> None:
    record = central_record("a/b", size, 9, offset)
    assert read_central(b"##" + record + b"##", 2, offset) == ("a/b", size, 9, record)
    end = end_record(2, 100, offset)
    assert read_end((b"#" * 100 + end)[-98:]) == (2, 100, offset, len(end))


@pytest.mark.parametrize("large", [1, 20, 64, 65, 71, 100, 150, 1000])
def test_zip__any_threshold__read_back_by_us_and_by_others(large: int) -> None:
    data = made(large)
    assert opened(data, large) == MEMBERS
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == MEMBERS
        assert {info.filename for info in file.infolist() if info.extract_version == 45} == {
            name for name, end in large_ones(data, large)
        }
    assert (data == write_zip(MEMBERS)) == (large == 1000)


def large_ones(data: bytes, large: int) -> Iterator[tuple[str, int]]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for info in file.infolist():
            if info.file_size >= large or info.header_offset >= large:
                yield info.filename, info.header_offset


@pytest.mark.parametrize("large", [20, 64, 150])
def test_zip__info_zip__reads_it(tmp_path: Path, large: int) -> None:
    if not (program := shutil.which("unzip")):
        pytest.skip("unzip isn't installed")
    (tmp_path / "a.zip").write_bytes(made(large))
    ran = subprocess.run([program, "-tq", "a.zip"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    piped = subprocess.run([program, "-p", "a.zip", "b/c"], cwd=tmp_path, capture_output=True, check=False)
    assert piped.stdout == MEMBERS["b/c"]
    if listing := shutil.which("zipinfo"):
        ran = subprocess.run([listing, "-v", "a.zip", "b/c"], cwd=tmp_path, capture_output=True, text=True, check=False)
        wide = "minimum software version required to extract:   4.5"
        assert (wide in ran.stdout, ran.returncode) == (large <= 70, 0)


@given(st.sampled_from([20, 71, 150]), st.data())
def test_zip__one_bit_anywhere__refused(large: int, data: st.DataObject) -> None:
    whole = bytearray(made(large))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << at % 8
    with pytest.raises(UnreadableError):
        opened(bytes(whole), large)


@given(st.sampled_from([20, 71, 150]), st.integers(0, 700), st.binary(min_size=1, max_size=40))
def test_zip__something_put_in_or_cut_out__refused(large: int, at: int, more: bytes) -> None:
    whole = made(large)
    at = min(at, len(whole))
    for other in (whole[:at] + more + whole[at:], whole[:at], whole[:at] + whole[at + len(more) :]):
        if other != whole:
            with pytest.raises(UnreadableError):
                opened(other, large)


@pytest.mark.parametrize(("written", "read"), [(20, 1000), (1000, 20), (64, 65), (150, 40), (20, LARGE)])
def test_zip__wide_form_where_it_isnt_needed_or_missing_where_it_is__refused(written: int, read: int) -> None:
    with pytest.raises(UnreadableError) as found:
        opened(made(written), read)
    assert found.value.code in {"zip.header", "zip.end"}


def hostile(count: int, length: int, start: int) -> bytes:
    """One empty member, and an end in the wide form that says this."""
    record = central_record("a", 0, 0, 0, large=LARGE)
    body = local_record("a", 0, 0)
    end_64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, (start + length) % (1 << 64), 1)
    old = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count % 65536, count % 65536, length % (1 << 32), LARGE, 0)
    return body + record + end_64 + locator + old


@pytest.mark.parametrize(
    ("count", "length", "start"),
    [
        (1, 47, 31),  # true, and of the wrong form
        (1, 47, LARGE + 31),
        (1, 47, (1 << 64) - 1),
        (1, (1 << 64) - 1, 31),
        ((1 << 64) - 1, 47, 31),
        (65536, 47, LARGE),
        (1, (1 << 32) + 47, LARGE),
        (0, 0, LARGE),
    ],
)
def test_read__numbers_that_would_burst__refused_at_once(count: int, length: int, start: int) -> None:
    with pytest.raises(UnreadableError) as found:
        ZipReader(io.BytesIO(hostile(count, length, start)))
    assert found.value.code in {"zip.end", "zip.too_large"}


def test_read__larger_than_the_file__refused_before_anything_is_read() -> None:
    record = central_record("a", 1 << 63, 0, 0)
    local = local_record("a", 1 << 63, 0)
    data = local + record + end_record(1, len(record), len(local))
    with pytest.raises(UnreadableError) as found:
        ZipReader(io.BytesIO(data))
    assert found.value.code == "zip.header"


@pytest.mark.parametrize("cut", range(8))
def test_read__extra_field_cut_short__refused(cut: int) -> None:
    record = central_record("a", LARGE, 0, 0)
    with pytest.raises(UnreadableError) as found:
        read_central(record[: len(record) - 20 + cut * 2], 0, 0)
    assert found.value.code == "zip.header"


@pytest.mark.parametrize("size", [29, 31, 64, 100])
def test_write__other_size_than_promised__refused(size: int) -> None:
    with pytest.raises(InputError) as found:
        ZipWriter(io.BytesIO(), large=64).add("a", [b"x" * 20, b"x" * 10], size)
    assert found.value.code == "zip.size"


def test_write__large_without_its_size__refused_when_it_gets_there() -> None:
    passed = []

    def pieces() -> Iterator[bytes]:
        for n in range(100):
            passed.append(n)
            yield b"x" * 10

    with pytest.raises(InputError) as found:
        ZipWriter(io.BytesIO(), large=64).add("a", pieces())
    assert (found.value.code, len(passed)) == ("zip.size", 7)
    with pytest.raises(InputError) as found:
        ZipWriter(io.BytesIO(), limit=1000, large=64).add("a", pieces(), 2000)
    assert (found.value.code, len(passed)) == ("zip.too_large", 7)


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    """5 GiB of hole as the member `a`, and `b` behind it; the hole's checksum isn't told right, so `a` is damaged."""
    path = tmp_path / "a.zip"
    first = local_record("a", 5 << 30, 1)
    behind = len(first) + (5 << 30)
    listed = central_record("a", 5 << 30, 1, 0) + central_record("b", 5, 0x3610A686, behind)
    second = local_record("b", 5, 0x3610A686) + b"hello"
    with path.open("wb") as file:
        file.write(first)
        file.seek(behind)
        file.write(second + listed + end_record(2, len(listed), behind + len(second)))
    return path


def test_read__member_beyond_four_gib__found_by_us_and_by_others_without_reading_what_is_before(sparse: Path) -> None:
    with sparse.open("rb") as file:
        reader = ZipReader(file)
        assert (reader.size("a"), reader.read("b")) == (5 << 30, b"hello")
    with zipfile.ZipFile(sparse) as other:
        assert [(info.filename, info.file_size) for info in other.infolist()] == [("a", 5 << 30), ("b", 5)]
        assert other.read("b") == b"hello"
    if not (program := shutil.which("unzip")):
        pytest.skip("unzip isn't installed")
    ran = subprocess.run([program, "-p", str(sparse), "b"], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"hello")


def test_read__over_the_limit__refused(sparse: Path) -> None:
    with sparse.open("rb") as file, pytest.raises(UnreadableError) as found:
        ZipReader(file, limit=5 << 30)
    assert found.value.code == "zip.too_large"
