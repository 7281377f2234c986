"""A network's heads on their way into another operator's log: records as they were sent, and what came back for them.

One folder a log. A record is durable before it is sent, so that whoever sends it again sends the same bytes; the files
are those of `chuzheng log heads`, and `log check-heads` reads them as they lie.

    NETWORK-DAY[.PART].record.json      what was, or is to be, committed to
    NETWORK-DAY[.PART].promised.json    the other notary's promise, with the salt
    NETWORK-DAY[.PART].receipt.json     the receipt under an anchored checkpoint, with the salt
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from notary.stores.disk import Disk, translated

_RECORD, _PROMISED, _RECEIPT = ".record.json", ".promised.json", ".receipt.json"
_NAME = re.compile(r"(?P<network>.+)-(?P<day>\d{4}-\d{2}-\d{2})(?:\.(?P<part>\d+))?")


@dataclass(frozen=True, slots=True)
class Day:
    """One record by its files' stem."""

    name: str

    @property
    def day(self) -> str:
        found = _NAME.fullmatch(self.name)
        return found["day"] if found else ""


class SentHeads:
    """The folder of one log; `network` is ours. UnavailableError `disk.*` where the disk refuses."""

    def __init__(self, folder: Path, network: str, disk: Disk | None = None) -> None:
        self.folder, self._network, self._disk = folder.absolute(), network, disk or Disk()

    def put(self, day: str, records: Sequence[bytes]) -> None:
        """The records of a day, the last one first: where this dies, `has` says no and all are written again.

        The first of a day stands: where another process has written them meanwhile, and may have sent them, nothing is
        done. Two records of one day would be two entries there, and a promise for one beside the other."""
        with translated(), ExitStack() as stack:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(self._disk.locked(self.folder / ".lock"))
            if self.has(day):
                return
            for number, record in reversed(list(enumerate(records, 1))):
                self._disk.replace(self.folder / f"{self._stem(day, number, len(records))}{_RECORD}", record)

    def has(self, day: str) -> bool:
        """Whether the records of a day are written, all of them: the first part comes last."""
        return self._whole(day, self._stems())

    def waiting(self) -> list[Day]:
        """What nobody has promised to keep yet, oldest first; a day that isn't written whole isn't told."""
        stems = self._stems()
        alone = [Day(stem) for stem, kinds in sorted(stems.items()) if kinds == {_RECORD}]
        return [day for day in alone if self._whole(day.day, stems)]

    def promised(self) -> list[Day]:
        """What was promised, and isn't proven by an anchored checkpoint yet, oldest first."""
        return [
            Day(stem) for stem, kinds in sorted(self._stems().items()) if kinds >= {_PROMISED} and _RECEIPT not in kinds
        ]

    def newest(self) -> str:
        """The newest day that the other log has promised or proven; "" for none."""
        return max(
            (Day(stem).day for stem, kinds in self._stems().items() if kinds & {_PROMISED, _RECEIPT}), default=""
        )

    def record(self, day: Day) -> bytes:
        return self._read(day, _RECORD)

    def promise(self, day: Day) -> bytes:
        return self._read(day, _PROMISED)

    def put_promised(self, day: Day, receipt: bytes) -> None:
        """What came back for a record; durable when this returns."""
        self._put(day, _PROMISED, receipt)

    def put_receipt(self, day: Day, receipt: bytes) -> None:
        """What proves it for good. The promise stays beside it: it is signed, too."""
        self._put(day, _RECEIPT, receipt)

    def _put(self, day: Day, kind: str, data: bytes) -> None:
        with translated():
            self._disk.replace(self.folder / f"{day.name}{kind}", data)

    def _read(self, day: Day, kind: str) -> bytes:
        with translated():
            return self._disk.read(self.folder / f"{day.name}{kind}")

    def _whole(self, day: str, stems: Collection[str]) -> bool:
        return self._stem(day, 1, 1) in stems or self._stem(day, 1, 2) in stems

    def _stem(self, day: str, part: int, parts: int) -> str:
        return f"{self._network}-{day}" + (f".{part}" if parts > 1 else "")

    def _stems(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name in self._disk.names(self.folder):
            for kind in (_RECORD, _PROMISED, _RECEIPT):
                if name.endswith(kind) and _NAME.fullmatch(stem := name.removesuffix(kind)):
                    found.setdefault(stem, set()).add(kind)
        return found
