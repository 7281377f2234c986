"""A council of three departments, two people each, that owns Departments; and proposals through all their steps."""

from __future__ import annotations

from typing import Any

from brownie import Council, Departments, accounts, web3
from world import CODES, NONE, digest, left, some, wait

A, B, C, D = (left(code) for code in CODES[2:6])
DELAY, EXPIRY = 3_600, 14 * 86_400
DAY = 86_400
RULES = (2, 1, DELAY, EXPIRY)
ONE = (1, 1, 0, DAY)
ANYTHING = digest("basis")


def person(name: str) -> bytes:
    return digest(f"person {name}")


def new_id() -> bytes:
    return some()


class House:
    """`a` and `a2` act for A, `b` and `b2` for B, `c` and `c2` for C; `machine` for A, without a person."""

    def __init__(self) -> None:
        self.a, self.b, self.c, self.a2, self.b2, self.c2, self.machine, self.spare = accounts[1:9]
        self.stranger = accounts[9]
        people = {"a": A, "b": B, "c": C, "a2": A, "b2": B, "c2": C}
        delegates = [(str(getattr(self, name)), member, person(name)) for name, member in people.items()]
        delegates.append((str(self.machine), A, NONE))
        self.council = Council.deploy([A, B, C], delegates, RULES, {"from": accounts[0]})
        self.departments = Departments.deploy(self.council, {"from": accounts[0]})

    def admit(self, code: bytes = D) -> tuple:
        """A call that anyone can see the effect of."""
        return (str(self.departments), self.departments.admit.encode_input(code, 420000, NONE))

    def own(self, name: str, *args: Any) -> tuple:
        """A call of the council to itself."""
        return (str(self.council), getattr(self.council, name).encode_input(*args))

    def propose(self, *calls: tuple, by: Any = None, basis: bytes = ANYTHING) -> bytes:
        made = new_id()
        assert self.council.propose(made, list(calls), basis, {"from": by or self.a}).return_value is True
        return made

    def approve(self, made: bytes, by: Any) -> Any:
        return self.council.approve(made, self.council.proposal(made)["content"], {"from": by})

    def pass_(self, *calls: tuple) -> Any:
        """Proposed, approved, waited for, executed."""
        made = self.propose(*calls)
        self.approve(made, self.b)
        wait(DELAY)
        return self.council.execute(made, list(calls), {"from": self.c})


def alone(person_hash: bytes = NONE) -> Any:
    """A council of one member and one account, without delay: what an embedded test network has."""
    return Council.deploy([A], [(str(accounts[1]), A, person_hash)], ONE, {"from": accounts[0]})


def code_hash(account: Any) -> bytes:
    return bytes(web3.keccak(web3.eth.get_code(str(account))))
