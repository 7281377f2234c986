"""Credit items: who may do what, and what the book is afterwards.

Pure twin of the contract `CreditRecords`: same questions, same order, same refusals (the errors' codes are the
contract's own), so that an act is refused before it costs a transaction. Each function returns the book after the act,
and the very same book where the act was done before.
"""

from ledger.credit_acts.acting import NOBODY, Now
from ledger.credit_acts.definitions import (
    authorise_contributor,
    end_contributor,
    seal_item_class,
    set_item_class,
    set_profile,
    set_rules,
)
from ledger.credit_acts.items import add, archive, attach_statement, end_event, record_filing, repair
from ledger.credit_acts.objections import (
    REASONS,
    RULED,
    RULINGS,
    appeal,
    correct,
    move_deadline,
    object_to,
    rule,
    uphold,
    withdraw,
)
from ledger.credit_acts.rules import authority_of

__all__ = [
    "NOBODY",
    "REASONS",
    "RULED",
    "RULINGS",
    "Now",
    "add",
    "appeal",
    "archive",
    "attach_statement",
    "authorise_contributor",
    "authority_of",
    "correct",
    "end_contributor",
    "end_event",
    "move_deadline",
    "object_to",
    "record_filing",
    "repair",
    "rule",
    "seal_item_class",
    "set_item_class",
    "set_profile",
    "set_rules",
    "uphold",
    "withdraw",
]
