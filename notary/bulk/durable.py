"""Files of a back-fill on the disk: appended or written whole, durable when the call returns; OSErrors end here."""

from __future__ import annotations

import os
from pathlib import Path

from ledger.errors import IntegrityError
from notary.stores.disk import FILE_MODE, FOLDER_MODE, translated


def write_durably(path: Path, data: bytes) -> None:
    """A file of ours, whole or not at all, and on the disk when this returns."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with translated():
        _make_folder(path.parent)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(draft, path)
        sync(path.parent)


def append(path: Path, data: bytes) -> int:
    """The file's length after `data` is durable at its end."""
    with translated():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        try:
            _write_all(handle, data)
            os.fsync(handle)
            return os.fstat(handle).st_size
        finally:
            os.close(handle)


def cut(path: Path, size: int) -> None:
    """Removes what lies behind `size`: a run wrote it that didn't finish its chunk. IntegrityError if there's less."""
    with translated():
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            found = 0
        if found < size:
            raise IntegrityError("backfill.manifest", file=path.name)
        if found > size:
            with path.open("r+b") as file:
                file.truncate(size)
                os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """A folder for its owner alone, and those above it that are missing, each name durable."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    sync(folder.parent)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync(folder: Path) -> None:
    """Makes the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
