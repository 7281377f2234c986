"""The newest entries of an index of places, in memory: what no run has yet (notary/stores/places.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Pair = tuple[bytes, int]
"""A key of 8 bytes, and the position of an entry under it."""


class Tail:
    """Entries that no run has yet."""

    def __init__(self) -> None:
        self.places: dict[bytes, int] = {}
        self.twice: list[tuple[bytes, int]] = []
        """What stands under a key that `places` has already: struck out and registered again, or by chance."""

    def __len__(self) -> int:
        return len(self.places) + len(self.twice)

    def add(self, pairs: Sequence[Pair]) -> None:
        places, new = self.places, dict(pairs)
        if len(new) == len(pairs) and places.keys().isdisjoint(new):
            places.update(new)
            return
        for key, position in pairs:
            if places.setdefault(key, position) != position:
                self.twice.append((key, position))

    def without(self, unwanted: Callable[[int], bool]) -> Tail:
        left = Tail()
        left.add([pair for pair in self.pairs() if not unwanted(pair[1])])
        return left

    def pairs(self) -> Iterator[Pair]:
        yield from self.places.items()
        yield from self.twice

    def columns(self) -> tuple[list[bytes], list[int]]:
        """The keys of `pairs` and their positions: `zip(*pairs)` would make an iterator of each pair."""
        keys, positions = [*self.places], [*self.places.values()]
        if self.twice:
            keys += [key for key, _ in self.twice]
            positions += [position for _, position in self.twice]
        return keys, positions

    def find(self, keys: Sequence[bytes]) -> Iterator[Pair]:
        if not self.places.keys().isdisjoint(keys):
            for key in keys:
                if key in self.places:
                    yield key, self.places[key]
        if self.twice:
            wanted = set(keys)
            yield from ((key, position) for key, position in self.twice if key in wanted)
