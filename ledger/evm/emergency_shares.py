"""EmergencyShares: emergencies at a named block, and the calls that change them."""

from __future__ import annotations

from typing import Any

from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.views import ContractView
from ledger.shares.emergencies import Emergency, State, Terms
from ledger.types import BlockTime, DepartmentCode, Digest

NAME = "EmergencyShares"
CallIntent = tuple[str, str, list[Any]]


def propose(emergency: Digest, terms: Terms) -> CallIntent:
    """(contract, function, arguments) for the outbox; `emergency` is a new random id."""
    return NAME, "propose", [emergency, terms_tuple(terms)]


def open_(emergency: Digest) -> CallIntent:
    """By the second officer."""
    return NAME, "open", [emergency]


def close(emergency: Digest, reason: int, reads: int = 0, basis: Digest | None = None) -> CallIntent:
    """`reason` 0: the provider's gateway counted all `reads`."""
    return NAME, "close", [emergency, reason, reads, basis or ZERO]


def report(emergency: Digest, account: Digest) -> CallIntent:
    return NAME, "report", [emergency, account]


def judge(emergency: Digest, justified: bool, reason: int, basis: Digest) -> CallIntent:
    return NAME, "judge", [emergency, justified, reason, basis]


def move_deadline(emergency: Digest) -> CallIntent:
    return NAME, "moveDeadline", [emergency]


class EmergencySharesView(ContractView):
    contract = NAME

    def emergency(self, id_: Digest, block: int) -> Emergency | None:
        """The emergency as kept; None if there is none."""
        fields = self.read("emergencyOf", [id_], block)[0]
        return _emergency(fields) if fields[2] else None

    def effective_state(self, id_: Digest, at: BlockTime, block: int) -> State | None:
        """The contract's own judgement of the state at `at`; None if there is no such emergency."""
        state = self.read("effectiveState", [id_, at], block)[0]
        return State(state) if state else None

    def is_overdue(self, id_: Digest, at: BlockTime, block: int) -> bool:
        return bool(self.read("isOverdue", [id_, at], block)[0])

    def pending(self, department: DepartmentCode, block: int) -> frozenset[Digest]:
        """What the department opened and nobody judged yet."""
        return frozenset(Digest(i) for i in self.read("pendingOf", [code_bytes(department)], block)[0])


def terms_tuple(t: Terms) -> tuple[Any, ...]:
    """The contract's struct `Terms`, in its order."""
    return (
        t.resource,
        t.decision or ZERO,
        t.items or ZERO,
        t.article,
        t.reason,
        t.num_hours,
        t.max_reads,
    )


def _emergency(fields: tuple[Any, ...]) -> Emergency:
    """The contract's struct `Emergency`, in its order."""
    terms, consumer, state, justification, provider, opener, opened_at, closes_at, review_by, officer, account = fields
    resource, decision, items, *numbers = terms
    return Emergency(
        terms=Terms(Digest(resource), optional(decision), optional(items), *numbers),
        consumer=department_code(consumer),
        provider=department_code(provider),
        state=State(state),
        officer=Digest(officer),
        opener=department_code(opener) or None,
        opened_at=BlockTime(opened_at),
        closes_at=BlockTime(closes_at),
        review_by=BlockTime(review_by),
        report=optional(account),
        justification=justification,
    )
