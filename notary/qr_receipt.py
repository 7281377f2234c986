"""From a QR code to a receipt: the log gives the checkpoint that the code has no room for. Formats.md §6.

What the log serves is believed no more than the code itself: `verify` judges path, signature and anchor afterwards.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.errors import InputError, UnavailableError, UnreadableError
from notary.checkpoint import parse_checkpoint
from notary.collect import LogReader
from notary.qr import QrProof, fragment_of, is_ticket, parse_qr
from notary.receipt import Receipt


def read_qr(text: str) -> QrProof:
    """The proof in what a camera read or somebody pasted, with or without the page's address. UnreadableError; a moving
    code is InputError `qr.ticket`."""
    fragment = fragment_of(text)
    if is_ticket(fragment):
        raise InputError("qr.ticket")
    return parse_qr(fragment)


def receipt_of(proof: QrProof, log: LogReader | None) -> Receipt:
    """The receipt under the checkpoint of the code's own size, else, where that was never anchored, under the newest
    with a fresh path. UnavailableError where there is no log to ask, or it doesn't reach so far: that is no answer.
    """
    if log is None:
        raise UnavailableError("qr.needs_log", origin=proof.origin)
    try:
        note = log.checkpoint_at(proof.origin, proof.size)
        if note is not None:
            return proof.receipt(note)
        newest = log.checkpoint(proof.origin)
        size = 0 if newest is None else parse_checkpoint(newest).size
        if newest is None or size <= proof.index:
            raise UnavailableError("qr.log_behind", origin=proof.origin, size=size)
        path = tuple(log.inclusion(proof.origin, proof.index, size))
        return replace(proof, size=size, path=path).receipt(newest)
    except (InputError, UnreadableError) as error:  # a log that answers nonsense hasn't answered
        raise UnavailableError(error.code, **error.params) from error
