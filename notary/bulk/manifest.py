"""The manifest of a back-fill: a folder that says of every record what became of it, and how far the run has come.

    backfill.json     what is filled from, for which departments; written once
    rows.csv          one row per record: number, the operator's key, outcome, log and index, why it was refused
    journal.ndjson    one line per finished chunk: how long rows.csv is, where the source goes on, counts, its bundles
    receipts/<log>/<first index>.receipts.json    bundles; salts, where they are wanted, in a folder of their own

Order of a chunk: bundles, rows.csv, journal, each durable before the next. What lies behind the journal's last line is
cut off and made again, so a run may be killed anywhere; a bundle that is lost later is known by the journal (again.py).
Nothing of a person is in it: no identifier, name or salt.
Over 300 lines: a journal's line is written and read in one place.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ledger.errors import ChuzhengError, ConflictError, InputError, IntegrityError
from ledger.texts import LANGUAGES, error_text
from notary.bulk.durable import append, cut, sync, write_durably
from notary.bulk.sources import Mark
from notary.receipts import SUFFIX, Bundle
from notary.stores.disk import FILE_MODE, FOLDER_MODE, translated

FORMAT = "chuzheng-backfill/1"
HEADER = ("row", "key", "outcome", "origin", "index", "code", "column", "zh", "en")
ACCEPTED, DUPLICATE, REFUSED = "accepted", "duplicate", "refused"
_ERRORS_TOLD = 5
_OUTCOME = itemgetter(HEADER.index("outcome"))
_CHECK = 16


class Outcome(NamedTuple):
    """What became of one record, as its row says it (HEADER); `origin` and `at` (its index) of the entry
    that stands for it or contradicts it."""

    number: int
    key: str
    outcome: str
    origin: str = ""
    at: int | str = ""
    code: str = ""
    column: str = ""
    zh: str = ""
    en: str = ""

    def refused(self, errors: Sequence[tuple[str, ChuzhengError]]) -> Outcome:
        """For these (column, error); the first gives the code."""
        column, first = errors[0]
        told = [error for _, error in errors[:_ERRORS_TOLD]]
        zh, en = (" / ".join([error_text(error, language) for error in told]) for language in LANGUAGES)
        return self._replace(outcome=REFUSED, code=first.code, column=column, zh=zh, en=en)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Records that were accepted, one after the other from index `first` of one log: as a chunk nearly always is."""

    numbers: Sequence[int]
    keys: Sequence[str]
    origin: str
    first: int

    def outcomes(self) -> list[Outcome]:
        """Of each."""
        return [
            Outcome(number, key, ACCEPTED, self.origin, index)
            for index, (number, key) in enumerate(zip(self.numbers, self.keys, strict=True), self.first)
        ]

    def text(self) -> str:
        """Their rows; without keys there is nothing in them that CSV would have to quote."""
        if any(self.keys):
            return _csv(self.outcomes())
        origin = _csv([(self.origin,)]).rstrip("\n")
        middle, end = f",,{ACCEPTED},{origin},", ",,,,\n"
        return "".join([f"{n}{middle}{index}{end}" for index, n in enumerate(self.numbers, self.first)])


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


class Handed(NamedTuple):
    """A bundle that was handed out, as the journal remembers it: what stands in it, and the file's length in bytes."""

    origin: str
    first: int
    entries: int
    size: int
    digest: str
    """SHA-256 of its entries, hex: each was checked against its own record before it came in."""
    file: str = ""
    """SHA-256 of the file, hex; a journal of an earlier version doesn't have it."""


class SaltFile(NamedTuple):
    """A file of salts that was written, known by the bundle whose salts it has."""

    origin: str
    first: int
    digest: str
    """SHA-256 of the file, hex."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a back-fill has come."""

    chunks: int = 0
    size: int = 0
    """Bytes of rows.csv."""
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    mark: Mark | None = None
    complete: bool = False

    @property
    def rows(self) -> int:
        return self.accepted + self.duplicate + self.refused


@dataclass
class Manifest:
    """An open manifest; `progress` is what its journal says."""

    folder: Path
    header: dict[str, Any]
    progress: Progress = field(default_factory=Progress)

    @property
    def rows_path(self) -> Path:
        return self.folder / "rows.csv"

    @property
    def journal_path(self) -> Path:
        return self.folder / "journal.ndjson"

    def bundle_path(self, origin: str, first: int) -> Path:
        return self.folder / "receipts" / quote(origin, safe="") / f"{first:012d}{SUFFIX}"

    def write(
        self,
        outcomes: Sequence[Outcome] | Accepted,
        mark: Mark,
        bundles: Sequence[Bundle],
        salts: Sequence[SaltFile] = (),
    ) -> None:
        """One finished chunk, durable when this returns."""
        handed = [self.hand_out(bundle) for bundle in bundles]
        if isinstance(outcomes, Accepted):
            text, counts = outcomes.text(), Counter({ACCEPTED: len(outcomes.numbers)})
        else:
            text, counts = _csv(outcomes), Counter(map(_OUTCOME, outcomes))
        size = append(self.rows_path, text.encode())
        before = self.progress
        self._note(
            Progress(
                before.chunks + 1,
                size,
                before.accepted + counts[ACCEPTED],
                before.duplicate + counts[DUPLICATE],
                before.refused + counts[REFUSED],
                mark,
            ),
            handed,
            salts,
        )

    def note_salts(self, salts: Sequence[SaltFile]) -> None:
        """Files of salts that were written, or found right, after their chunk was finished; durable at the return."""
        if salts:
            self._note(self.progress, salts=salts)

    def hand_out(self, bundle: Bundle) -> Handed:
        """A bundle's file, durable when this returns."""
        data = bundle.to_json()
        write_durably(self.bundle_path(bundle.origin, bundle.first), data)
        digest, file = hashlib.sha256(bundle.entries).hexdigest(), hashlib.sha256(data).hexdigest()
        return Handed(bundle.origin, bundle.first, bundle.count, len(data), digest, file)

    def handed(self) -> Iterator[Handed]:
        """The bundles of finished chunks, as they were handed out."""
        for value in self._journal():
            yield from _bundles_of(value)

    def salt_digests(self) -> dict[tuple[str, int], str]:
        """SHA-256 of each file of salts that was written down, by its bundle's log and first index."""
        found = (SaltFile._make(one) for value in self._journal() for each in value[9:10] for one in each)
        return {(each.origin, each.first): each.digest for each in found}

    def is_lost(self, handed: Handed, *, read: bool) -> bool:
        """Whether a bundle's file is gone, or has another length than it was written with; `read`: or other bytes."""
        path = self.bundle_path(handed.origin, handed.first)
        with translated():
            if not path.is_file() or path.stat().st_size != handed.size:
                return True
            if not read or not handed.file:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() != handed.file

    def complete(self) -> None:
        """The source has no further row. A later run looks once more: a file may have grown."""
        p = self.progress
        if not p.complete:
            self._note(Progress(p.chunks, p.size, p.accepted, p.duplicate, p.refused, p.mark, True))

    def _note(self, progress: Progress, handed: Sequence[Handed] = (), salts: Sequence[SaltFile] = ()) -> None:
        append(self.journal_path, _line(progress, handed, salts))
        self.progress = progress

    def _journal(self) -> Iterator[list[Any]]:
        """The values of its lines, which are sound: `opened` cut off what isn't."""
        if self.journal_path.exists():
            with translated(), self.journal_path.open("rb") as file:
                for line in file:
                    yield json.loads(line.partition(b" ")[2])


@contextmanager
def opened(folder: Path, header: dict[str, Any]) -> Iterator[Manifest]:
    """The manifest in `folder`, made if there is none, repaired to its last finished chunk, held for this run alone.

    ConflictError `backfill.running` while another run holds it, `backfill.other_source` where it was begun with other
    columns, departments or settings; IntegrityError `backfill.manifest` where it was changed by hand.
    """
    with translated():
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConflictError("backfill.running", folder=str(folder)) from None
        yield _open(folder, header)
    finally:
        os.close(lock)


def read_progress(folder: Path) -> Progress:
    """What the journal says, without holding the manifest."""
    return _read_journal(folder / "journal.ndjson")[0]


def _open(folder: Path, header: dict[str, Any]) -> Manifest:
    path = folder / "backfill.json"
    with translated():
        if not path.exists():
            if (folder / "journal.ndjson").exists():
                raise IntegrityError("backfill.manifest", file="backfill.json")
            kept = {"format": FORMAT, "id": os.urandom(16).hex(), **header}
            write_durably(path, json.dumps(kept, ensure_ascii=False, indent=1).encode())
        try:
            kept = json.loads(path.read_bytes())
        except ValueError:
            raise IntegrityError("backfill.manifest", file="backfill.json") from None
    if not isinstance(kept, dict) or kept.get("format") != FORMAT or len(str(kept.get("id", ""))) != 32:
        raise InputError("backfill.not_manifest", folder=str(folder))
    for name, value in header.items():
        if kept.get(name) != value:
            raise ConflictError("backfill.other_source", member=name)
    manifest = Manifest(folder, kept)
    manifest.progress, sound = _read_journal(manifest.journal_path)
    cut(manifest.journal_path, sound)
    if manifest.progress.size:
        cut(manifest.rows_path, manifest.progress.size)
    else:
        data = (",".join(HEADER) + "\n").encode()
        cut(manifest.rows_path, 0)
        manifest.progress = Progress(size=append(manifest.rows_path, data))
    with translated():
        sync(folder)
    return manifest


def _read_journal(path: Path) -> tuple[Progress, int]:
    """(progress, bytes that are sound). A last line that isn't whole is a crash's; any other is IntegrityError."""
    progress, sound = Progress(), 0
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return progress, 0
    with translated(), file:
        for line in file:
            found = _read_line(line)
            if found is None:
                if file.read(1):
                    raise IntegrityError("backfill.manifest", file=path.name)
                break
            progress, sound = found, sound + len(line)
    return progress, sound


def _line(progress: Progress, handed: Sequence[Handed] = (), salts: Sequence[SaltFile] = ()) -> bytes:
    p = progress
    value = [p.chunks, p.size, p.accepted, p.duplicate, p.refused, p.mark and p.mark.to_value(), p.complete]
    if handed or salts:
        value.append([list(one[:-1]) for one in handed])
        value.append([one.file for one in handed])  # behind what an earlier version reads
    if salts:
        value.append([list(one) for one in salts])
    body = json.dumps(value, separators=(",", ":")).encode()
    return hashlib.sha256(body).hexdigest()[:_CHECK].encode() + b" " + body + b"\n"


def _read_line(line: bytes) -> Progress | None:
    check, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or hashlib.sha256(body).hexdigest()[:_CHECK].encode() != check:
        return None
    chunks, size, accepted, duplicate, refused, mark, complete = json.loads(body)[:7]
    return Progress(chunks, size, accepted, duplicate, refused, mark and Mark(*mark), complete)


def _bundles_of(value: list[Any]) -> list[Handed]:
    """The bundles of a line's chunk; an earlier version's names none, or no files' digests."""
    bundles, files = ([*value[7:9], [], []])[:2]
    return [Handed._make([*one, file]) for one, file in zip_longest(bundles, files, fillvalue="")]
