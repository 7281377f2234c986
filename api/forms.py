"""Uploaded forms (multipart/form-data, RFC 7578), read strictly: texts are UTF-8 or refused, files go to unnamed files.

Not the framework's reader: that one keeps plain files in the system's temporary folder, takes a text that isn't UTF-8
for Latin-1, and a form that was cut off for a complete one.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import python_multipart
from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from api.bodies import disk_may_be_full, pieces, unnamed_file
from ledger.errors import InputError, UnreadableError

FORM = "multipart/form-data"
IN_MEMORY = 256 << 10
"""Bytes of a file that need no disk: a receipt can be checked on a full one."""
MOST_PART_HEAD = 8 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What one form may hold: bytes in all, files, texts, bytes of a text."""

    total: int
    files: int
    texts: int
    text: int


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file, from its beginning; `name` and `media_type` as the sender says them."""

    name: str
    media_type: str
    size: int
    file: BinaryIO


@dataclass(slots=True)
class Form:
    """A complete form. Texts as sent: bytes that are UTF-8."""

    texts: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, list[UploadedFile]] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The text without blanks around it; None if empty or absent."""
        return self.texts.get(name, b"").decode("utf-8").strip() or None


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == FORM


@asynccontextmanager
async def form_of(request: Request, folder: Path, limits: Limits) -> AsyncIterator[Form]:
    """The form in the body; its files are gone when this ends. UnreadableError `request.unreadable` / `.truncated`,
    InputError `request.too_large` / `request.form_limit`."""
    async with AsyncExitStack() as open_files:
        reader = _Reader(request.headers.get("content-type", ""), folder, limits, open_files)
        async for piece in pieces(request, limits.total):
            reader.feed(piece)
            if reader.waiting_bytes > 1 << 20:
                await run_in_threadpool(reader.write_down)
        reader.finish()
        yield reader.form


class _Reader:
    """The state of one form while it comes in."""

    def __init__(self, content_type: str, folder: Path, limits: Limits, open_files: AsyncExitStack) -> None:
        self.form = Form()
        self._limits, self._folder, self._open = limits, folder, open_files
        self._complete = False
        self._head: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._field = ""
        self._text: bytearray | None = None
        self._file: tuple[str, str, BinaryIO] | None = None
        self._waiting: list[tuple[BinaryIO, bytes]] = []
        self.waiting_bytes = 0
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary or len(boundary) > 70:  # RFC 2046 §5.1.1
            raise UnreadableError("request.unreadable")
        self._parser = python_multipart.MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._opened,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except python_multipart.exceptions.FormParserError:
            raise UnreadableError("request.unreadable") from None

    def write_down(self) -> None:
        """Put what waits into its files; may block."""
        with disk_may_be_full():
            for file, data in self._waiting:
                file.write(data)
        self._waiting.clear()
        self.waiting_bytes = 0

    def finish(self) -> None:
        """The body has ended; the form must have, too."""
        if not self._complete:
            raise UnreadableError("request.truncated")
        self.write_down()
        for name, files in self.form.files.items():
            self.form.files[name] = [_rewound(file) for file in files]

    def _begin(self) -> None:
        self._head, self._name, self._value = {}, b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._check_head()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_head()

    def _check_head(self) -> None:
        if len(self._name) + len(self._value) > MOST_PART_HEAD or len(self._head) > 8:
            raise UnreadableError("request.unreadable")

    def _header_end(self) -> None:
        self._head[self._name.lower()] = self._value
        self._name = self._value = b""

    def _opened(self) -> None:
        kind, options = parse_options_header(self._head.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise UnreadableError("request.unreadable")
        self._field = _utf8(options[b"name"])
        if b"filename" not in options:
            if self._field in self.form.texts or len(self.form.texts) >= self._limits.texts:
                raise InputError("request.form_limit", files=self._limits.files, texts=self._limits.texts)
            self._text = bytearray()
            return
        if sum(len(files) for files in self.form.files.values()) >= self._limits.files:
            raise InputError("request.form_limit", files=self._limits.files, texts=self._limits.texts)
        said = self._head.get(b"content-type", b"").decode("ascii", "replace").strip()
        name = options[b"filename"].decode("utf-8", "replace")  # only its ending is looked at
        file = self._open.enter_context(unnamed_file(self._folder, in_memory=IN_MEMORY))
        self._file = (name, said, file)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._text is not None:
            self._text += data[start:end]
            if len(self._text) > self._limits.text:
                raise InputError("request.too_large", limit=self._limits.text, found=len(self._text))
        elif self._file is not None:
            self._waiting.append((self._file[2], data[start:end]))
            self.waiting_bytes += end - start

    def _end(self) -> None:
        if self._text is not None:
            _utf8(self._text)
            self.form.texts[self._field] = bytes(self._text)
            self._text = None
        elif self._file is not None:
            name, said, file = self._file
            self.form.files.setdefault(self._field, []).append(UploadedFile(name, said, 0, file))
            self._file = None

    def _all(self) -> None:
        self._complete = True


def _utf8(data: bytes | bytearray) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("request.not_utf8") from None


def _rewound(uploaded: UploadedFile) -> UploadedFile:
    size = uploaded.file.seek(0, os.SEEK_END)
    uploaded.file.seek(0)
    return replace(uploaded, size=size)
