"""ShareAuthorisations: applications and grants at a named block, and the calls that change them."""

from __future__ import annotations

from typing import Any

from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.views import ContractView
from ledger.shares.grants import Clock, Grant, Profile, State, Terms
from ledger.types import Address, BlockTime, DepartmentCode, Digest

NAME = "ShareAuthorisations"
CallIntent = tuple[str, str, list[Any]]


def propose(grant: Digest, terms: Terms) -> CallIntent:
    """(contract, function, arguments) for the outbox; `grant` is a new random id."""
    return NAME, "propose", [grant, terms_tuple(terms)]


def submit(grant: Digest) -> CallIntent:
    return NAME, "submit", [grant]


def pre_review(grant: Digest, passed: bool, reason: int, article: int, basis: Digest | None) -> CallIntent:
    """`reason` and `article` 0 where it passed."""
    return NAME, "preReview", [grant, passed, reason, article, basis or ZERO]


def review(grant: Digest) -> CallIntent:
    return NAME, "review", [grant]


def return_for_more(grant: Digest, missing: Digest) -> CallIntent:
    """`missing`: commitment of the complete list."""
    return NAME, "returnForMore", [grant, missing]


def resubmit(grant: Digest, body: Digest) -> CallIntent:
    return NAME, "resubmit", [grant, body]


def withdraw(grant: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "withdraw", [grant, reason, basis or ZERO]


def ask_extension(grant: Digest, working_days: int, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "askExtension", [grant, working_days, reason, basis or ZERO]


def extend(grant: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "extend", [grant, basis or ZERO]


def grant(id_: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "grant", [id_, basis or ZERO]


def reject(grant: Digest, reason: int, article: int, basis: Digest | None = None) -> CallIntent:
    """`reason` 4xx of ledger/codes/share_reasons.csv; `article` by share_reasons.article_code."""
    return NAME, "reject", [grant, reason, article, basis or ZERO]


def dispute(grant: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "dispute", [grant, basis or ZERO]


def escalate(grant: Digest, stage: int, basis: Digest | None = None) -> CallIntent:
    """`stage`: the one to go to, 2 sharing authority or 3 government."""
    return NAME, "escalate", [grant, stage, basis or ZERO]


def settle(grant: Digest, again: bool, basis: Digest | None = None) -> CallIntent:
    """`again`: the provider reviews anew; otherwise rejected for good, by the government alone."""
    return NAME, "settle", [grant, again, basis or ZERO]


def activate(grant: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "activate", [grant, basis or ZERO]


def file_stop(grant: Digest, ground: int, negotiation: Digest) -> CallIntent:
    return NAME, "fileStop", [grant, ground, negotiation]


def suspend(grant: Digest, ground: int, mend_days: int = 0, basis: Digest | None = None) -> CallIntent:
    """`mend_days`: working days, for misuse (1xx) only."""
    return NAME, "suspend", [grant, ground, mend_days, basis or ZERO]


def resume(grant: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "resume", [grant, basis or ZERO]


def revoke(grant: Digest, ground: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "revoke", [grant, ground, basis or ZERO]


def surrender(grant: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "surrender", [grant, reason, basis or ZERO]


def exhaust(grant: Digest, uses: int, basis: Digest | None = None) -> CallIntent:
    """`uses`: the provider's final count."""
    return NAME, "exhaust", [grant, uses, basis or ZERO]


def record_use(grant: Digest, kind: int, commitment: Digest) -> CallIntent:
    """`kind`: 1 storage, 2 effect, 3 destruction."""
    return NAME, "recordUse", [grant, kind, commitment]


def acknowledge(grant: Digest, stop: int, applied_at: int) -> CallIntent:
    """Stop number `stop` was applied at block `applied_at`; by the gateway."""
    return NAME, "acknowledge", [grant, stop, applied_at]


def move_deadline(grant: Digest) -> CallIntent:
    return NAME, "moveDeadline", [grant]


def set_profile(authority: DepartmentCode, profile: Profile, basis: Digest | None = None) -> CallIntent:
    """By the Council."""
    return NAME, "setProfile", [code_bytes(authority), profile.pre_review, profile.return_clock, basis or ZERO]


class ShareAuthorisationsView(ContractView):
    contract = NAME

    def grant(self, id_: Digest, block: int) -> Grant | None:
        """The application or grant as kept; None if there is none."""
        fields = self.read("grantOf", [id_], block)[0]
        return _grant(fields) if fields[2] else None

    def effective_state(self, id_: Digest, at: BlockTime, block: int) -> State | None:
        """The contract's own judgement of the state at `at`; None if there is no such application."""
        state = self.read("effectiveState", [id_, at], block)[0]
        return State(state) if state else None

    def is_overdue(self, id_: Digest, at: BlockTime, block: int) -> bool:
        return bool(self.read("isOverdue", [id_, at], block)[0])

    def disposal(self, id_: Digest, at: BlockTime, block: int) -> tuple[BlockTime, bool] | None:
        """(due, whether all records exist); None where there is no task."""
        due, done = self.read("disposal", [id_, at], block)
        return (BlockTime(due), done) if due else None

    def acknowledged(self, id_: Digest, gateway: Address, block: int) -> tuple[int, int]:
        """(last stop that the gateway told of, block at which it had applied it); (0, 0): none."""
        stop, applied_at = self.read("acknowledged", [id_, gateway], block)
        return stop, applied_at

    def profile(self, authority: DepartmentCode, block: int) -> Profile:
        return Profile(*self.read("profileOf", [code_bytes(authority)], block))


def terms_tuple(t: Terms) -> tuple[Any, ...]:
    """The contract's struct `Terms`, in its order."""
    return (
        t.resource,
        t.body or ZERO,
        t.items or ZERO,
        t.subjects or ZERO,
        t.document or ZERO,
        t.supersedes or ZERO,
        t.not_before,
        t.not_after,
        t.max_uses,
        t.rate_per_day,
        t.article,
        t.purpose,
        t.basis_kind,
        t.scope,
        t.data_life,
        t.method,
        t.mode,
    )


def terms_record(fields: tuple[Any, ...]) -> Terms:
    """The twin's Terms of the contract's struct."""
    resource, body, items, subjects, document, supersedes, not_before, not_after, *numbers = fields
    max_uses, rate_per_day, article, purpose, basis_kind, scope, data_life, method, mode = numbers
    return Terms(
        resource=Digest(resource),
        body=optional(body),
        items=optional(items),
        subjects=optional(subjects),
        document=optional(document),
        supersedes=optional(supersedes),
        not_before=BlockTime(not_before),
        not_after=BlockTime(not_after),
        max_uses=max_uses,
        rate_per_day=rate_per_day,
        article=article,
        purpose=purpose,
        basis_kind=basis_kind,
        scope=scope,
        data_life=data_life,
        method=method,
        mode=mode,
    )


def _grant(fields: tuple[Any, ...]) -> Grant:
    """The contract's struct `Grant`, in its order."""
    terms, consumer, state, sharing_class, stage, records, extension, *rest = fields
    returned, extended, waits, provided, stops, provider, ground, filed_ground, article, clock, *ends = rest
    ended_at, stop_block, uses, consumer_handler, provider_handler, successor = ends
    return Grant(
        terms=terms_record(terms),
        consumer=department_code(consumer),
        provider=department_code(provider),
        state=State(state),
        consumer_handler=Digest(consumer_handler),
        sharing_class=sharing_class,
        provider_handler=optional(provider_handler),
        stage=stage,
        records=records,
        extension=extension,
        returned=returned,
        extended=extended,
        pre_review=waits,
        provided=provided,
        stops=stops,
        stop_block=stop_block,
        ground=ground,
        filed_ground=filed_ground,
        article=article,
        clock=Clock(*clock),
        ended_at=BlockTime(ended_at),
        uses=uses,
        successor=optional(successor),
    )
