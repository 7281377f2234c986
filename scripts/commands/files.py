"""Files of the user: read with plain errors, never overwritten, named beside each other.

`a/x.pdf`, `a/x.pdf.record.json`, `a/x.pdf.receipt.json`, `a/x.pdf.disclosure.json` belong together.
"""

from __future__ import annotations

from pathlib import Path

from ledger.errors import InputError

SUFFIXES = (".record.json", ".receipt.json", ".disclosure.json")


def stem(path: Path) -> Path:
    """The name that a file and its companions share."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix) and path.name != suffix:
            return path.with_name(path.name[: -len(suffix)])
    return path


def beside(path: Path, suffix: str) -> Path:
    """The companion of `path` with `suffix`."""
    base = stem(path)
    return base.with_name(base.name + suffix)


def read_file(path: Path) -> bytes:
    """The bytes of `path`; InputError where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("file.unreadable", path=str(path), reason=error.strerror or type(error).__name__) from error


def write_new(path: Path, data: bytes) -> None:
    """Writes `data` to a file that isn't there yet: nothing of the user's is overwritten."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise InputError("file.exists", path=str(path)) from None
    except OSError as error:
        raise InputError("file.unwritable", path=str(path), reason=error.strerror or type(error).__name__) from error


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file of ours anew, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        raise InputError("file.unwritable", path=str(path), reason=error.strerror or type(error).__name__) from error
