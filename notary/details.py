"""What the notary keeps beside an entry that it salted itself: MACs and ciphertext, nothing to read.

One by one, or thousands by column: an object for each row would cost more than all that is done with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, overload


class Detail(NamedTuple):
    """Of one record; `identifier` is None where it has none."""

    content: bytes
    identifier: bytes | None
    version: int
    sealed_keys: bytes
    sealed_body: bytes
    wraps: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Columns(Sequence[Detail]):
    """The details of thousands of certificates by column; reads as a sequence of them."""

    contents: list[bytes] = field(default_factory=list)
    identifiers: list[bytes] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    sealed_keys: list[bytes] = field(default_factory=list)
    sealed_bodies: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.contents)

    @overload
    def __getitem__(self, at: int) -> Detail: ...
    @overload
    def __getitem__(self, at: slice) -> Columns: ...
    def __getitem__(self, at: int | slice) -> Detail | Columns:
        columns = (self.contents, self.identifiers, self.versions, self.sealed_keys, self.sealed_bodies)
        if isinstance(at, slice):
            return Columns(*[column[at] for column in columns])  # type: ignore[arg-type]  # each its own type
        return Detail(*[column[at] for column in columns])  # type: ignore[arg-type]


def identifiers_of(details: Sequence[Detail]) -> Iterable[bytes]:
    """The identifiers' MACs, of those that have one."""
    if isinstance(details, Columns):
        return details.identifiers
    return [detail.identifier for detail in details if detail.identifier is not None]


def names_of(details: Sequence[Detail]) -> Iterable[tuple[bytes | None, int]]:
    """(identifier's MAC, version) of each."""
    if isinstance(details, Columns):
        return zip(details.identifiers, details.versions, strict=True)
    return [(detail.identifier, detail.version) for detail in details]
