"""Leaks that are planted: what careless programs would put onto the chain. An attacker who is worth his name finds
each of them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from ledger.credits import ItemId, NewItem, replacement_of
from ledger.crypto.chain import keccak
from ledger.evm import authorised_queries, credit_records, share_authorisations
from ledger.shares import authorised_queries as queries
from ledger.shares.grants import Terms
from ledger.shares.subjects import subject_leaf, subjects_root
from ledger.types import BlockTime, Digest
from notary.commitment import commit
from tests.integration.linking.affairs import FACT, FILES, HEALTH, KEEPER, NETWORK, SCHOOL, random
from tests.integration.linking.attacker import Person
from tests.integration.linking.chain_data import Thing
from tests.integration.linking.years import VETERANS, Years

PLAIN = NewItem(FILES, FACT, Digest(bytes(32)))
DAY = 86_400


class Leaks:
    """Plants them all, once; what was planted where."""

    def __init__(self, years: Years) -> None:
        self.years, self.affairs = years, years.affairs
        self.department = SCHOOL
        self.machine = self.affairs.offices[SCHOOL].machine
        self.resources = self.affairs.publish(KEEPER, HEALTH)
        self.hashes()
        self.one_salt_twice()
        self.list_without_secret()
        self.file_by_file()

    def add(self, commitment: Digest, id_: Digest | None = None) -> ItemId:
        made = ItemId(id_ or random())
        self.affairs.do((self.machine, credit_records.add(made, replace(PLAIN, commitment=commitment))))
        return made

    def hashes(self) -> None:
        """Without salt, with a salt that everybody has, cut short; as commitment, id, statement, replacement."""
        one, two, three, four = VETERANS[:4]
        self.add(Digest(hashlib.sha256(one.number.encode()).digest()))
        self.add(Digest(hmac.digest(NETWORK.encode(), (two.name + two.number).encode(), "sha256")))
        self.add(random(), Digest(keccak((three.number + SCHOOL).encode())))
        short = hashlib.md5((four.type + four.number).encode()).digest() + bytes(16)
        old, new = self.add(random()), self.add(random())
        self.affairs.do((self.machine, credit_records.attach_statement(old, Digest(short))))
        replaced = replacement_of(old, new, bytes(32))
        self.affairs.do((self.machine, credit_records.correct(old, replaced, random())))
        self.replaced: Thing = ("CreditRecords", old)
        record = self.affairs.records[0]
        own = random()
        self.add(commit(record, own).sha256, own)  # the id as the salt

    def one_salt_twice(self) -> None:
        """The same entry behind an item and behind a bank's query about the same person."""
        a, id_ = self.affairs, random()
        shared = a.committed(VETERANS[1], random(), text="同一份授权书")
        item = self.add(shared)
        office = a.offices[KEEPER]
        end = BlockTime(a.day(-30))
        terms = queries.Terms(self.resources[0], shared, random(), random(), random(), end, 1, 10)
        a.do((office.handler, authorised_queries.propose(id_, terms)))
        self.twice: frozenset[Thing] = frozenset({("CreditRecords", bytes(item)), ("AuthorisedQueries", bytes(id_))})

    def list_without_secret(self) -> None:
        """A grant for two veterans with a list of which the secret is zeros."""
        a, now = self.affairs, self.affairs.now
        leaves = sorted(subject_leaf(bytes(32), p.type, p.number) for p in VETERANS[2:4])
        root = subjects_root(leaves)
        terms = Terms(
            self.resources[1], random(), random(), now, BlockTime(now + DAY), max_uses=1, rate_per_day=1, purpose=4,
            basis_kind=1, article=10_021, scope=2, subjects=root, method=1, mode=1,
        )  # fmt: skip
        a.do((a.offices[KEEPER].handler, share_authorisations.propose(random(), terms)))

    def file_by_file(self) -> None:
        """Somebody works through files: items of one person one after the other, in one block."""
        self.files: list[tuple[Person, list[ItemId]]] = []
        acts = []
        for veteran in VETERANS[4:]:
            ids = [ItemId(random()) for _ in range(2)]
            self.files.append((veteran, ids))
            for id_ in ids:
                self.years.about[id_] = veteran
                acts.append((self.machine, credit_records.add(id_, replace(PLAIN, commitment=random()))))
        self.affairs.do(*acts)
