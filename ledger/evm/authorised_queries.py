"""AuthorisedQueries: what subjects authorised, at a named block, and the calls that change it."""

from __future__ import annotations

from typing import Any

from ledger.evm.codes import ZERO, department_code, optional
from ledger.evm.views import ContractView
from ledger.shares.authorised_queries import Query, State, Terms
from ledger.types import BlockTime, Digest

NAME = "AuthorisedQueries"
CallIntent = tuple[str, str, list[Any]]


def propose(query: Digest, terms: Terms) -> CallIntent:
    """(contract, function, arguments) for the outbox; `query` is a new random id."""
    return NAME, "propose", [query, terms_tuple(terms)]


def consent(query: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "consent", [query, basis or ZERO]


def refuse(query: Digest, reason: int, article: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "refuse", [query, reason, article, basis or ZERO]


def withdraw(query: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    """`reason` 5xx: withdrawn; 7xx: lapsed by death or dissolution."""
    return NAME, "withdraw", [query, reason, basis or ZERO]


def exhaust(query: Digest, uses: int, basis: Digest | None = None) -> CallIntent:
    """`uses`: the provider's final count."""
    return NAME, "exhaust", [query, uses, basis or ZERO]


class AuthorisedQueriesView(ContractView):
    contract = NAME

    def query(self, id_: Digest, block: int) -> Query | None:
        """The query as kept; None if there is none."""
        fields = self.read("queryOf", [id_], block)[0]
        return _query(fields) if fields[2] else None

    def effective_state(self, id_: Digest, at: BlockTime, block: int) -> State | None:
        """The contract's own judgement of the state at `at`; None if there is no such query."""
        state = self.read("effectiveState", [id_, at], block)[0]
        return State(state) if state else None


def terms_tuple(t: Terms) -> tuple[Any, ...]:
    """The contract's struct `Terms`, in its order."""
    return (
        t.resource,
        t.authorisation or ZERO,
        t.organisation or ZERO,
        t.matter or ZERO,
        t.items or ZERO,
        t.not_after,
        t.max_uses,
        t.purpose,
    )


def _query(fields: tuple[Any, ...]) -> Query:
    """The contract's struct `Query`, in its order."""
    terms, provider, state, reason, ended_at, uses, consented_at, handler = fields
    resource, authorisation, organisation, matter, items, not_after, max_uses, purpose = terms
    return Query(
        terms=Terms(
            Digest(resource),
            optional(authorisation),
            optional(organisation),
            optional(matter),
            optional(items),
            BlockTime(not_after),
            max_uses,
            purpose,
        ),
        provider=department_code(provider),
        state=State(state),
        handler=Digest(handler),
        reason=reason,
        consented_at=BlockTime(consented_at),
        ended_at=BlockTime(ended_at),
        uses=uses,
    )
