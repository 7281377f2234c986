"""Files of the user: names beside each other, plain refusals, whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import ChuzhengError, InputError, UnavailableError
from scripts.commands import files
from scripts.problems import UsageError


@pytest.mark.parametrize(
    ("name", "companion"),
    [
        ("x.pdf", "x.pdf.receipt.json"),
        ("x.pdf.record.json", "x.pdf.receipt.json"),
        ("x.pdf.disclosure.json", "x.pdf.receipt.json"),
        ("x.receipt.json", "x.receipt.json"),
        (".receipt.json", ".receipt.json.receipt.json"),
        ("1.2.156.3005.2.A.B.C.001.X.record.json", "1.2.156.3005.2.A.B.C.001.X.receipt.json"),
    ],
)
def test_beside__any_of_the_family__shares_one_name(name: str, companion: str) -> None:
    assert files.beside(Path("a") / name, ".receipt.json") == Path("a") / companion


def test_read__what_cannot_be_read__says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"12345")
    cases = [
        (tmp_path / "none", 10, "file.missing"),
        (tmp_path / "long" / "below", 10, "file.missing"),
        (tmp_path, 10, "file.folder"),
        (tmp_path / "pipe", 10, "file.not_ordinary"),
        (Path("/dev/zero"), 10, "file.not_ordinary"),
        (tmp_path / "long", 4, "file.too_large"),
        (tmp_path / ("n" * 300), 4, "file.unreadable"),
        (Path("nul\0byte"), 4, "file.unreadable"),
    ]
    for path, most, code in cases:
        with pytest.raises(InputError) as raised:
            files.read_file(path, most)
        assert raised.value.code == code, path


def test_write_new__same_content_again__is_fine_and_other_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new"
    files.write_new(path, b"one")
    files.write_new(path, b"one")
    with pytest.raises(UsageError, match=r"file\.exists"):
        files.write_new(path, b"two")
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (errno.ENOSPC, "file.full", UnavailableError),
        (errno.EACCES, "file.write_denied", UsageError),
        (errno.EROFS, "file.write_denied", UsageError),
        (errno.EIO, "file.unwritable", UsageError),
    ],
)
@pytest.mark.parametrize("write", [files.write_new, files.replace_file])
def test_write__disk_refuses__nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, kind: type[ChuzhengError], write: object
) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"old")

    def refuse(path: Path, data: bytes) -> None:
        path.write_bytes(data[:1])
        raise OSError(number, "refused")

    monkeypatch.setattr(files, "_write", refuse)
    target = tmp_path / "new" if write is files.write_new else old
    with pytest.raises(kind) as raised:
        write(target, b"new content")  # type: ignore[operator]
    assert raised.value.code == code
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert old.read_bytes() == b"old"


def test_write__impossible_names__are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    for path, code in (
        (tmp_path / ("n" * 256), "file.name_too_long"),
        (tmp_path / "no" / "x", "file.no_folder"),
        (Path("nul\0byte"), "file.unwritable"),
    ):
        with pytest.raises(UsageError) as raised:
            files.check_writable(path)
        assert raised.value.code == code
    longest = tmp_path / ("n" * 255)
    files.check_writable(longest)
    files.replace_file(longest, b"fits")
    assert longest.read_bytes() == b"fits"


def test_pieces__written_read_and_refused__whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with files.new_file(path) as file:
        file.write(b"one")
        assert path.read_bytes() == b""
    assert b"".join(files.pieces_of(path)) == b"one"
    with pytest.raises(UsageError, match=r"file\.exists"), files.new_file(path):
        pass

    def failing() -> Iterator[bytes]:
        yield b"two"
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(UnavailableError):
        files.replace_by(path, failing())
    with pytest.raises(UnavailableError), files.new_file(tmp_path / "other") as file:
        file.writelines(failing())
    assert [p.name for p in tmp_path.iterdir()] == ["large"]
    files.replace_by(path, [b"t", b"wo"])
    assert path.read_bytes() == b"two"
