"""The disk, as the log uses it: few calls, each durable or refused, foreign errors translated here.

Every write of the log goes through `Disk`, so that tests can put a disk in its place that fails, dies or loses power
at any call (tests/fakes/disk.py). Reading a file that isn't there raises FileNotFoundError: the caller knows what it
means.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.errors import ChuzhengError, UnavailableError

FILE_MODE, FOLDER_MODE = 0o600, 0o700
"""For their owner alone, whatever the umask says: what others may read of a log, the server gives them."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def disk_error(error: OSError) -> ChuzhengError:
    """What an error of the operating system means to the caller: the disk is full, or it failed; nothing was taken."""
    reason = errno.errorcode.get(error.errno or 0, "unknown")
    if error.errno in _FULL:
        return UnavailableError("disk.full", retry_after=30, reason=reason)
    return UnavailableError("disk.failed", retry_after=30, reason=reason)


@contextmanager
def translated() -> Iterator[None]:
    """Turns an OSError of the block into UnavailableError `disk.full` or `disk.failed`."""
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


class Disk:
    """POSIX files. Paths are absolute; a name becomes durable by `sync_folder` of the folder that holds it."""

    def read(self, path: Path) -> bytes:
        """The whole file; FileNotFoundError if there is none."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise FileNotFoundError(str(path)) from error

    def names(self, folder: Path) -> dict[str, int]:
        """Name → identity of the file behind it (a renamed-over name gets a new one); empty if there's no folder."""
        try:
            with os.scandir(folder) as found:
                return {item.name: item.inode() for item in found}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def identity(self, path: Path) -> int:
        """Of the file behind a name, as `names` gives it; FileNotFoundError if there is none."""
        return os.stat(path).st_ino

    def exists(self, path: Path) -> bool:
        return os.path.exists(path)

    def modified(self, path: Path) -> int:
        """Unix milliseconds; FileNotFoundError if there is none."""
        return os.stat(path).st_mtime_ns // 1_000_000

    def touch(self, path: Path) -> None:
        """The file counts as written now; FileNotFoundError if there is none."""
        os.utime(path)

    def create(self, files: Sequence[tuple[Path, bytes]]) -> None:
        """New files with their bytes durable, their names not yet. FileExistsError if a name is taken.

        All are written, and their way to the disk is begun, before the first fsync: the journal then commits once for
        many files instead of once for each.
        """
        handles: list[int] = []
        try:
            for path, data in files:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
                handles.append(handle)
                view = memoryview(data)
                while view:
                    view = view[os.write(handle, view) :]
            if len(handles) > 1 and hasattr(os, "posix_fadvise"):
                for handle in handles:  # Linux answers this hint by starting to write back, without waiting
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            for handle in handles:
                os.fsync(handle)
        finally:
            for handle in handles:
                os.close(handle)

    def create_at(self, path: Path, pieces: Iterable[tuple[int, bytes]]) -> None:
        """One new file from pieces with their offsets, its bytes durable, its name not yet. FileExistsError as above.

        For files that are too large to be held: a piece is let go when it is written.
        """
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            for offset, data in pieces:
                view, at = memoryview(data), offset
                while view:
                    written = os.pwrite(handle, view, at)
                    view, at = view[written:], at + written
            os.fsync(handle)
        finally:
            os.close(handle)

    def mapped(self, path: Path) -> memoryview:
        """A file that never changes, mapped: it stays readable without its name. FileNotFoundError if there is none."""
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def rename(self, source: Path, target: Path) -> None:
        """`target` becomes `source` in one step, whatever it was before."""
        os.rename(source, target)

    def replace(self, path: Path, data: bytes) -> None:
        """The file whole and durable under its name, whatever stood there: never half of it, whenever this ends, and
        whoever else replaces it at the same time (a thread of ours, or a container's process of the same number)."""
        beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        try:
            self.create([(beside, data)])
            self.rename(beside, path)
        except OSError:
            with suppress(OSError):
                self.remove(beside)
            raise
        self.sync_folder(path.parent)

    def remove(self, path: Path) -> None:
        """No error if it's gone already: cleaning up is done again after a crash."""
        try:
            os.unlink(path)
        except FileNotFoundError:
            return

    def remove_folder(self, path: Path) -> None:
        """An empty folder; no error if it's gone already."""
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return

    def make_folder(self, path: Path) -> None:
        """No error if it's there already."""
        try:
            os.mkdir(path, FOLDER_MODE)
        except FileExistsError:
            return

    def sync_folder(self, path: Path) -> None:
        """Makes the names in a folder durable: new, renamed and removed ones."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Holds a kernel lock that dies with the process, so a crash never leaves one behind. Not reentrant."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            # Both let the lock go, and nothing was written here: what was done under the lock isn't undone by an error.
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)
            with suppress(OSError):
                os.close(handle)
