"""What somebody tries who has the whole chain, knows every person, and wants to know which of it is about whom.

Known: all identity numbers and names (they can be enumerated), departments, codes, candidate texts and whole candidate
records, every tag and every format of this project; not known: salts and keys. Tried: the same bytes in two things,
one thing's words as a hash of another's, every guess under every hash with and without salts that stand on the chain,
roots of guessed lists, and what transactions show beside their words.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from typing import Any

from ledger.crypto.chain import keccak
from ledger.shares.subjects import subject_leaf
from notary.canonical import canonicalise
from notary.commitment import commit, commitment_from_root, fields_root
from notary.merkle import leaf_hash, root_from_leaves
from tests.integration.linking.chain_data import ChainData, Sent, Thing

LEAST = 16
"""Bytes in common that are no accident."""
TAGS = tuple(
    f"chuzheng/{name}/v1".encode() + b"\0"
    for name in (
        *("bootstrap", "credit/replaces", "field", "idempotency", "identifier", "issue", "lane", "log", "lookup"),
        *("person", "pending", "promise", "record", "record-body", "record-keys", "record-wrap", "sample-operator"),
        *("snapshot", "status", "subject", "trust", "wrap"),
    )
)
Hash = Callable[[bytes], bytes]
HASHES: Mapping[str, Hash] = {
    "sha256": lambda m: hashlib.sha256(m).digest(),
    "keccak256": keccak,
    "sm3": lambda m: hashlib.new("sm3", m).digest(),
    "sha3-256": lambda m: hashlib.sha3_256(m).digest(),
    "blake2s": lambda m: hashlib.blake2s(m).digest(),
    "blake2b-256": lambda m: hashlib.blake2b(m, digest_size=32).digest(),
    "sha512/256": lambda m: hashlib.new("sha512_256", m).digest(),
    "sha512": lambda m: hashlib.sha512(m).digest(),
    "sha1": lambda m: hashlib.sha1(m).digest(),
    "md5": lambda m: hashlib.md5(m).digest(),
    "sha256 twice": lambda m: hashlib.sha256(hashlib.sha256(m).digest()).digest(),
}


@dataclass(frozen=True, slots=True)
class Person:
    """`number`: resident identity number; `type`: its kind in the holder types."""

    number: str
    name: str
    type: str = "111"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`records`: whole candidate records as they would be committed, all but the salt."""

    persons: Sequence[Person]
    departments: Sequence[str]
    texts: Sequence[str]
    records: Sequence[Mapping[str, Any]]
    network: str


@dataclass(frozen=True, slots=True)
class Join:
    """Two things that have something in common; `fields`: where it stands in them."""

    things: frozenset[Thing]
    fields: frozenset[str]


class Attacker:
    def __init__(self, data: ChainData, knowledge: Knowledge) -> None:
        self.data, self.knowledge = data, knowledge
        self._words = sorted({v.data for values in data.values.values() for v in values if len(v.data) == 32})
        self._windows = {w for piece in data.raw for w in _windows(piece)}
        self.salts = self._salts()

    # -- the same in two things --------------------------------------------------------------------------------

    def joins(self) -> set[Join]:
        """Things that share 16 bytes that aren't public: departments, accounts, codes, times, logs."""
        public = {w for word in self.data.public for w in _windows(word)}
        where: dict[bytes, dict[Thing, set[str]]] = defaultdict(lambda: defaultdict(set))
        for thing, values in self.data.values.items():
            for value in values:
                for window in _windows(value.data):
                    if window not in public:
                        where[window][thing].add(value.field)
        pairs: dict[frozenset[Thing], set[str]] = defaultdict(set)
        for places in where.values():
            for one, other in combinations(places, 2):
                pairs[frozenset((one, other))] |= places[one] | places[other]
        return {Join(things, frozenset(fields)) for things, fields in pairs.items()}

    def derived(self) -> set[tuple[str, Thing]]:
        """Words of a thing that are a hash of what stands elsewhere: of one word, or of two with a tag before them."""
        ids = sorted({key for _, key in self.data.values})
        made: dict[bytes, str] = {}
        for name, hash_ in HASHES.items():
            for word in self._words:
                made[hash_(word)] = f"{name} of a word"
        for one, other in permutations(ids, 2):
            for tag in (b"", b"chuzheng/credit/replaces/v1\0", b"chuzheng/credit/replaces/v1\0" + bytes(32)):
                made[hashlib.sha256(tag + one + other).digest()] = "sha256 of two ids"
            made[keccak(one + other)] = "keccak256 of two ids"
        return {
            (made[value.data], thing)
            for thing, values in self.data.values.items()
            for value in values
            if value.data in made and value.kind not in ("status_key", "tree", "public_hash", "log", "key")
        }

    # -- guesses -----------------------------------------------------------------------------------------------

    def recognised(self) -> set[str]:
        """Guesses that stand on the chain: as they are, or by 16 bytes at the beginning or the end of a hash."""
        everything = b"\0".join(self.data.raw)
        plain = {told for told, message in self._messages() if message in everything}
        return plain | {told for told, digest in self._guesses() if self._is_there(digest)}

    def _guesses(self) -> Iterator[tuple[str, bytes]]:
        plain = dict(self._messages())
        for told, message in plain.items():
            for name, hash_ in HASHES.items():
                yield f"{name}({told})", hash_(message)
            yield f"hmac(nothing, {told})", hmac.digest(b"", message, "sha256")
            for tag in TAGS:
                yield f"sha256({tag[:-1].decode()}, {told})", hashlib.sha256(tag + message).digest()
                yield f"keccak256({tag[:-1].decode()}, {told})", keccak(tag + message)
        for salt in self.salts:
            for told, message in plain.items():
                yield f"sha256(salt, {told})", hashlib.sha256(salt + message).digest()
                yield f"sha256({told}, salt)", hashlib.sha256(message + salt).digest()
                yield f"keccak256(salt, {told})", keccak(salt + message)
                yield f"hmac(salt, {told})", hmac.digest(salt, message, "sha256")
        yield from self._commitments()
        yield from self._lists()

    def _messages(self) -> Iterator[tuple[str, bytes]]:
        """What could have been hashed, by what it is."""
        known = self.knowledge
        texts = {f"text {i}": text for i, text in enumerate(known.texts)}
        for i, p in enumerate(known.persons):
            for joint in ("", "|", ",", ":", "\0"):
                texts[f"number{joint!r}name {i}"] = p.number + joint + p.name
                texts[f"name{joint!r}number {i}"] = p.name + joint + p.number
            typed = {"number": p.number, "name": p.name, "typed": p.type + p.number}
            texts |= {f"{what} {i}": text for what, text in typed.items()}
            for d in known.departments:
                texts[f"department, number {i}"] = d + p.number
                texts[f"number, department {i} {d}"] = p.number + d
            yield f"subject {i}", bytes([len(p.type)]) + p.type.encode() + p.number.encode()
        for told, text in texts.items():
            yield told, text.encode()
            if not text.isascii():
                yield f"{told} in GB 18030", text.encode("gb18030")
        for i, record in enumerate(known.records):
            yield f"record {i}", canonicalise(record)

    def _salts(self) -> list[bytes]:
        """Salts and keys that anyone could try: none, zeros, names, and whatever stands on the chain as an id."""
        named = [self.knowledge.network, *self.knowledge.departments, "chuzheng", "salt"]
        fixed = [
            bytes(32),
            b"\xff" * 32,
            *TAGS,
            *(n.encode() for n in named),
            *(n.encode().ljust(32, b"\0") for n in named),
        ]
        shown = {
            v.data
            for values in self.data.values.values()
            for v in values
            if v.kind in ("random", "shown_salt", "status_key", "log", "officer") and len(v.data) == 32
        }
        return [*dict.fromkeys(fixed), *sorted(shown)]

    def _commitments(self) -> Iterator[tuple[str, bytes]]:
        """Records as we commit to them, under salts that anyone could try, and without the salt at all."""
        for i, record in enumerate(self.knowledge.records):
            pairs = [canonicalise([name, record[name]]) for name in sorted(record)]
            bare = fields_root([hashlib.sha256(b"chuzheng/field/v1\0" + pair).digest() for pair in pairs])
            yield f"fields of record {i}", bare
            yield f"commitment of record {i} without salt", commitment_from_root(len(pairs), bare)
            for salt in self.salts:
                if len(salt) == 32:
                    made = commit(record, salt)
                    yield f"commitment of record {i}", made.sha256
                    yield f"commitment of record {i}", made.sm3

    def _lists(self) -> Iterator[tuple[str, bytes]]:
        """Roots of every list of the persons known, under keys that anyone could try, padded with zeros or not."""
        persons = self.knowledge.persons
        for salt in self.salts:
            if len(salt) != 32:
                continue
            leaves = {p: subject_leaf(salt, p.type, p.number) for p in persons}
            for p, leaf in leaves.items():
                yield f"list leaf of {persons.index(p)}", leaf
            for size in range(1, len(persons) + 1):
                for chosen in combinations(persons, size):
                    named = sorted(leaves[p] for p in chosen)
                    wanted = 1 << (size - 1).bit_length()
                    for padding in {0, wanted - size}:
                        padded = sorted([*named, *[bytes(32)] * padding])
                        yield f"list of {size}", root_from_leaves([leaf_hash(leaf) for leaf in padded])

    def _is_there(self, digest: bytes) -> bool:
        return digest[:LEAST] in self._windows or digest[-LEAST:] in self._windows

    # -- beside the words --------------------------------------------------------------------------------------

    def neighbours(self, function: str = "add") -> set[frozenset[Thing]]:
        """Things that one account began one after the other in one block: as if somebody worked through a file."""
        lanes: dict[tuple[str, int], list[Sent]] = defaultdict(list)
        for sent in self.data.sent:
            if sent.function == function:
                lanes[sent.sender, sent.block].append(sent)
        pairs: set[frozenset[Thing]] = set()
        for lane in lanes.values():
            ordered = sorted(lane, key=lambda s: s.nonce)
            pairs |= {frozenset((a.thing, b.thing)) for a, b in pairwise(ordered)}
        return pairs

    def odd_sizes(self, contracts: Iterable[str]) -> set[str]:
        """Functions whose calls differ in length or in the gas they may take."""
        seen: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for sent in self.data.sent:
            if sent.contract in contracts:
                seen[f"{sent.contract}.{sent.function}"].add((len(sent.calldata), sent.gas))
        return {function for function, found in seen.items() if len(found) > 1}

    def gas_by_shape(self, contract: str, function: str) -> dict[tuple[Any, ...], set[int]]:
        """Gas beyond what the bytes of the call cost, by all that is public of it: more than one figure would tell
        something that isn't."""
        found: dict[tuple[Any, ...], set[int]] = defaultdict(set)
        for sent in self.data.sent:
            if (sent.contract, sent.function) == (contract, function):
                zeros = sent.calldata.count(0)
                found[sent.shape].add(sent.gas_used - 4 * zeros - 16 * (len(sent.calldata) - zeros))
        return found


def _windows(piece: bytes) -> Iterator[bytes]:
    """Every 16 bytes in a row that aren't mostly zeros."""
    for at in range(len(piece) - LEAST + 1):
        window = piece[at : at + LEAST]
        if window.count(0) < LEAST // 2:
            yield window
