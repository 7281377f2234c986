"""Files of the user: read with plain errors, never overwritten, named beside each other, written whole or not at all.

`a/x.pdf`, `a/x.pdf.record.json`, `a/x.pdf.receipt.json`, `a/x.pdf.disclosure.json` belong together.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ledger.errors import ChuzhengError, InputError, UnavailableError
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.receipt import Receipt

SUFFIXES = (".record.json", ".receipt.json", ".disclosure.json")
MOST = 32 << 20
"""Bytes of the largest file that is read into memory: twice the largest bundle."""


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


def check_readable(path: Path) -> int:
    """Size of an ordinary file; InputError names what else it is. A device or a pipe may have no end."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InputError("file.folder", path=str(path))
        if not stat.S_ISREG(found.st_mode):
            raise InputError("file.not_ordinary", path=str(path))
        path.open("rb").close()
    except (OSError, ValueError) as error:
        raise _reading(path, error) from error
    return found.st_size


def read_file(path: Path, most: int = MOST) -> bytes:
    """The bytes of `path`; InputError where it can't be read or is longer than anything of ours."""
    size = check_readable(path)
    if size > most:
        raise InputError("file.too_large", path=str(path), size=size, limit=most)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _reading(path, error) from error


def write_new(path: Path, data: bytes) -> None:
    """Writes `data` to a file that isn't there yet: nothing of the user's is overwritten. The same twice is fine."""
    try:
        path.open("xb").close()  # claims the name; who reads it sees nothing, then everything
    except FileExistsError:
        try:
            same = path.read_bytes() == data
        except OSError:
            same = False
        if not same:
            raise UsageError("file.exists", path=str(path)) from None
        return
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error
    try:
        replace_file(path, data)
    except BaseException:
        _remove(path)
        raise


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that isn't there yet, written in pieces: it has its name when all of it is there. UsageError where there
    is one already, whatever is in it: it isn't held in memory to be compared."""
    try:
        path.open("xb").close()
    except FileExistsError:
        raise UsageError("file.exists", path=str(path)) from None
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error
    draft = _draft(path)
    try:
        with draft.open("w+b") as file:
            yield file
        draft.replace(path)
    except BaseException as error:
        _remove(path)
        if isinstance(error, OSError):
            raise _writing(path, error) from error
        raise
    finally:
        _remove(draft)


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """An ordinary file to read from, in pieces; InputError where it can't be read."""
    check_readable(path)
    with path.open("rb") as file:
        try:
            yield file
        except OSError as error:
            raise _reading(path, error) from error


def pieces_of(path: Path) -> Iterator[bytes]:
    """The bytes of `path`, a MiB at a time."""
    with open_file(path) as file:
        while piece := file.read(1 << 20):
            yield piece


def replace_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Writes a file of ours anew, whole or not at all; `private`: for its owner alone."""
    draft = _draft(path)
    try:
        _write(draft, data)
        if private:
            draft.chmod(0o600)
        draft.replace(path)
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error
    finally:
        _remove(draft)  # an interrupt must not leave it either


def replace_by(path: Path, pieces: Iterable[bytes]) -> None:
    """The same from pieces, for what doesn't fit into memory."""
    draft = _draft(path)
    try:
        with draft.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        draft.replace(path)
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error
    finally:
        _remove(draft)  # an interrupt must not leave it either


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One command at a time with this file or folder, which stays as it is; where its file system knows no locks, as
    before."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _reading(path, error) from error
    with holding(handle):
        yield


@contextmanager
def holding(handle: int, busy: ChuzhengError | None = None) -> Iterator[None]:
    """Nobody else holds this open file meanwhile. Where somebody does: `busy` is raised if it is given, else we wait.
    Where the file system knows no locks, as before. The kernel lets go when the process ends."""
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if busy is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if busy is not None and isinstance(error, BlockingIOError):
                raise busy from None
        yield
    finally:
        os.close(handle)


def check_writable(path: Path) -> None:
    """Raises what writing `path` would raise, while nothing was sent yet."""
    is_there(path)
    draft = _draft(path)
    try:
        _write(draft, b"")
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error
    finally:
        _remove(draft)


def is_there(path: Path) -> bool:
    """Whether there is something under that name; UsageError for a name that no file can have."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error
    return True


def make_folder(path: Path) -> None:
    """A folder of ours, if it isn't there."""
    try:
        path.mkdir(exist_ok=True)
    except (OSError, ValueError) as error:
        raise _writing(path, error) from error


def _draft(path: Path) -> Path:
    """Beside the file, so that renaming is one step; short, because the name itself may be as long as names can be."""
    return path.with_name(f".chuzheng.{os.getpid()}.new")


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError):
        return


def _reading(path: Path, error: OSError | ValueError) -> InputError:
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENOTDIR:
            return InputError("file.missing", path=str(path))
        case errno.EACCES | errno.EPERM:
            return InputError("file.denied", path=str(path))
        case _:
            return InputError("file.unreadable", path=str(path), reason=_reason(error))


def _writing(path: Path, error: OSError | ValueError) -> ChuzhengError:
    match getattr(error, "errno", None):
        case errno.ENOSPC | errno.EDQUOT:
            return UnavailableError("file.full", path=str(path))
        case errno.ENOENT | errno.ENOTDIR:
            return UsageError("file.no_folder", path=str(path))
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return UsageError("file.write_denied", path=str(path))
        case errno.ENAMETOOLONG:
            return UsageError("file.name_too_long", path=str(path))
        case _:
            return UsageError("file.unwritable", path=str(path), reason=_reason(error))


def _reason(error: OSError | ValueError) -> str:
    """The system's words: neither path nor content."""
    return getattr(error, "strerror", None) or type(error).__name__


def belongs(receipt: Receipt, record: dict[str, Any]) -> bool:
    """Whether the receipt, with its salt, is of this record."""
    from notary.commitment import commit

    return receipt.salt is not None and commit(record, receipt.salt).sha256 == receipt.entry.sha256
