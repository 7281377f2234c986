"""Singles: records that came one at a time, each with its own caller and key, taken through the notary together.

Whoever sends one record waits for one commit; thirty such callers need thirty of everything unless somebody gathers
them (api/certificates/gathered.py). Here one call prepares, submits and signs for all of them. Each is judged alone:
what is wrong with one is its own answer and stops no other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from ledger.errors import UnavailableError
from ledger.types import DepartmentCode, Origin
from notary.packed import pack_rows
from notary.submission import Answer, Submission

if TYPE_CHECKING:
    from notary.reception import Accepted, Reception


class Single(NamedTuple):
    """One record as it was received, and the key that its sender chose."""

    record: bytes
    key: str | None


def accept_singles(
    notary: Reception,
    department: DepartmentCode,
    origin: Origin,
    singles: Sequence[Single],
    *,
    operation: str,
    wait: float,
) -> list[Accepted | Exception]:
    """What `accept_records` answers or raises for each of them alone, in their order; durable when this returns.

    An error that is everybody's (the log is another's, or closed) is raised.
    """
    issuer = notary.writable(department, origin)
    found: dict[int, Accepted | Exception] = {}
    submissions: dict[int, tuple[Submission, bytes]] = {}
    for number, single in enumerate(singles):
        try:
            [prepared] = notary.prepare([single.record], issuer)
            packed = pack_rows([prepared.row])
            notary.check_kinds(origin, packed)
            detail = prepared.detail
            kept = notary.kept_under(single.key, prepared)
        except Exception as error:  # of this record; whoever sent the others isn't to suffer from it
            found[number] = error
        else:
            submission = Submission(department, origin, operation, kept, detail.content, packed, [detail])
            submissions[number] = submission, prepared.salt
    notary.acceptance.submit_all([submission for submission, _ in submissions.values()])
    until = time.monotonic() + wait
    answers: dict[int, Answer] = {}
    for number, (submission, _) in submissions.items():
        try:
            answer = _result(submission.answer, until)
            notary.standing_in(answer.positions[0])
            answers[number] = answer
        except Exception as error:
            found[number] = error
    if answers:
        try:
            salts = [submissions[number][1] for number in answers]
            found.update(zip(answers, notary.promised(_joined(list(answers.values())), salts), strict=True))
        except Exception as error:  # they are durable and have no promise: a retry finds them and asks again
            found.update(dict.fromkeys(answers, error))
    return [found[number] for number in range(len(singles))]


def _result(answer: Future[Answer], until: float) -> Answer:
    try:
        return answer.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        raise UnavailableError("notary.slow", retry_after=5.0) from None


def _joined(answers: Sequence[Answer]) -> Answer:
    """One answer for all, so that runs of consecutive indexes are signed at once; each has one row."""
    return Answer(
        [answer.positions[0] for answer in answers],
        [answer.entries[0] for answer in answers],
        {at: sealed for at, answer in enumerate(answers) for sealed in answer.repeated.values()},
    )
