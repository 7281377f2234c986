"""Engines as data: one profile object each, and nowhere else a difference (nodes.md, Engines)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from ledger.errors import ConfigurationError


class Refusal(Enum):
    """What a node means when it doesn't take a signed transaction."""

    KNOWN = "known"
    """It has it already: success."""
    NONCE_USED = "nonce_used"
    """The account's nonce is past it: ask for the own hash before anything else."""
    LATER = "later"
    """Pool full, or something else waits at that nonce: send the same bytes again later."""
    REFUSED = "refused"
    """It will never take these bytes as things stand: a person must look."""


_GETH_TEXTS = {
    "already known": Refusal.KNOWN,
    "known transaction": Refusal.KNOWN,
    "nonce too low": Refusal.NONCE_USED,
    "underpriced": Refusal.LATER,
    "txpool is full": Refusal.LATER,
    "nonce too high": Refusal.LATER,
}


@dataclass(frozen=True, slots=True)
class EngineProfile:
    """What differs between engines. Times are seconds."""

    name: str
    gas_price: int
    """wei"""
    transaction_type: int
    transaction_gas: int
    """gas limit of each of our transactions; the unused part costs nothing at these prices"""
    finality_depth: int
    """blocks on top of a block before it counts as final; 0: a block is final when it is there"""
    log_range: int
    """blocks of one eth_getLogs call at most; the indexer goes down from here by itself"""
    batch_limit: int
    in_flight: int
    """signed and not yet mined transactions per sender at most"""
    resend_after: float
    """a sent transaction that isn't mined by then is sent again, the same bytes"""
    poll: float
    refusals: Mapping[str, Refusal]
    """part of the node's lower-case message → what it means; the first that occurs counts"""
    validators_call: str | None = None
    propose_call: str | None = None
    permission_calls: tuple[str, ...] = ()
    sealed_headers: bool = False
    """whether a block's header carries QBFT seals, so that evidence can be captured from it (formats.md §6)"""

    def refusal(self, message: str) -> Refusal:
        """What `message`, the node's answer to eth_sendRawTransaction, means."""
        lower = message.lower()
        return next((kind for part, kind in self.refusals.items() if part in lower), Refusal.REFUSED)


ANVIL = EngineProfile(
    name="anvil",
    gas_price=0,
    transaction_type=0,
    transaction_gas=16_000_000,
    finality_depth=0,
    log_range=10_000,
    batch_limit=100,
    in_flight=1024,
    resend_after=5.0,
    poll=0.2,
    refusals={"already imported": Refusal.KNOWN, **_GETH_TEXTS},
)
GETH_CLIQUE = EngineProfile(
    name="geth-clique",
    gas_price=1,
    transaction_type=0,
    transaction_gas=16_000_000,
    finality_depth=6,
    log_range=5_000,
    batch_limit=100,
    in_flight=512,
    resend_after=15.0,
    poll=0.25,
    refusals=_GETH_TEXTS,
    validators_call="clique_getSigners",
    propose_call="clique_propose",
)
QUORUM_QBFT = replace(
    GETH_CLIQUE,
    name="quorum-qbft",
    gas_price=0,
    finality_depth=0,
    validators_call="istanbul_getValidators",
    propose_call="istanbul_propose",
    sealed_headers=True,
)
BESU_QBFT = replace(
    QUORUM_QBFT,
    name="besu-qbft",
    in_flight=64,
    refusals={
        **_GETH_TEXTS,
        "nonce_too_low": Refusal.NONCE_USED,
        "nonce below": Refusal.NONCE_USED,
        "nonce_too_distant": Refusal.LATER,
        "transaction nonce": Refusal.LATER,
    },
    validators_call="qbft_getValidatorsByBlockNumber",
    propose_call="qbft_proposeValidatorVote",
    sealed_headers=True,
    permission_calls=("perm_getAccountsAllowlist", "perm_getNodesAllowlist"),
)
PROFILES: Mapping[str, EngineProfile] = {p.name: p for p in (ANVIL, GETH_CLIQUE, QUORUM_QBFT, BESU_QBFT)}


def profile_named(name: str) -> EngineProfile:
    """The profile `name`; ConfigurationError with the names there are."""
    if name not in PROFILES:
        raise ConfigurationError("chain.profile", found=name, expected=", ".join(PROFILES))
    return PROFILES[name]
