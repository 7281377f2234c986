"""High-water marks: up to where a log's indexes were promised, in a folder that isn't part of the backup.

One file a log, named by its id: 20 digits and a line feed, written in place. It needs no sync for what it is for: a
restore is done on a running machine. The folder belongs on another disk than the data folder, or another machine.
"""

from __future__ import annotations

import os
from pathlib import Path

from ledger.errors import IntegrityError
from ledger.types import LogId
from notary.stores.disk import FILE_MODE, FOLDER_MODE, translated

_DIGITS = 20


class Marks:
    """Of one network; every method may raise UnavailableError `disk.full` or `disk.failed`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, log_id: LogId) -> int:
        """The mark, 0 where there is none yet; IntegrityError `notary.mark_damaged` if it can't be read."""
        path = self._path(log_id)
        with translated():
            try:
                text = path.read_bytes()
            except FileNotFoundError:
                return 0
        if not text:  # made, and never written: its maker died, and promised nothing for it
            return 0
        if len(text) != _DIGITS + 1 or not text[:-1].isdigit():
            raise IntegrityError("notary.mark_damaged", file=str(path))
        return int(text)

    def put(self, log_id: LogId, size: int) -> None:
        """Raise the mark to `size`; called under the log's append lock, and never lower than it was."""
        with translated():
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(self._path(log_id), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                os.pwrite(handle, b"%0*d\n" % (_DIGITS, size), 0)
            finally:
                os.close(handle)

    def _path(self, log_id: LogId) -> Path:
        return self._folder / f"{log_id.hex()}.mark"
