"""AnchorLog beside its Python twin, ledger.logs: opening, anchoring, closing, moving, over a line of three contracts.

Hypothesis draws the steps (wrong ones too); after each the contract that was asked is compared, log by log: owner,
head, closing; at the end of a history all contracts, with each root that counts and each that was ever written. A
refusal of one must be the other's refusal.
"""

from __future__ import annotations

from brownie import AnchorLog
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from machines import TakenBack, drive
from mining import transact
from world import ISSUER, NETWORK, NOBODY, NONE, OTHER, Tree, digest, entry_of, left, log_id, origin_of, plain

from ledger.errors import ChuzhengError
from ledger.logs import Book, Line, anchor, carry, close_log, log_of, open_log, retire, written_root

SIZES = (0, 1, 2, 3, 5)
TREES = {name: Tree([entry_of(ISSUER, digest(f"{name} {i}")) for i in range(max(SIZES))]) for name in ("good", "fork")}
SHARDS = ("a", "b")
LOGS = {shard: log_id(origin_of(ISSUER, shard)) for shard in SHARDS}
VERSIONS = 3


def name_of(refused: ChuzhengError) -> str:
    """The contract's word for the twin's code."""
    return "".join(word.title() for word in refused.code.removeprefix("anchor_log.").split("_"))


class LogMachine(TakenBack):
    world = None
    contracts: tuple = ()

    def __init__(self) -> None:
        super().__init__()
        self.line: Line = (Book(),) * VERSIONS
        self.suspended = False
        self.asked = 0

    def teardown(self) -> None:
        self.compare_roots()
        super().teardown()

    def compare_roots(self) -> None:
        for at, contract in enumerate(self.contracts):
            self.compare_logs(at)
            for logs in LOGS.values():
                log = log_of(self.line, at, logs)
                for size in SIZES:
                    root = log.root(size) if log else None
                    assert bytes(contract.anchoredRoot(logs, size)) == (root or NONE)
                    written = written_root(self.line, at, logs, size)
                    assert bytes(contract.writtenRoot(logs, size)) == (written or NONE)

    def compare(self, at, sent, twin) -> None:
        """The transaction's end beside the twin's: the same refusal, or the same word and the twin's new state."""
        self.asked = at
        error, word, _ = sent
        try:
            line, expected = twin()
        except ChuzhengError as refused:
            assert error == name_of(refused), (refused, error)
            return
        assert (error, word) == (None, expected)
        self.line = line

    @rule(at=st.integers(0, VERSIONS - 1), shard=st.sampled_from(SHARDS))
    def opens(self, at: int, shard: str) -> None:
        sent = transact(self.contracts[at].openLog, self.world.issuer, origin_of(ISSUER, shard))
        logs = LOGS[shard]
        self.compare(
            at,
            sent,
            lambda: (open_log(self.line, at, logs, ISSUER, suspended=self.suspended), int.from_bytes(logs, "big")),
        )

    @rule(
        at=st.integers(0, VERSIONS - 1),
        shard=st.sampled_from(SHARDS),
        size=st.sampled_from(SIZES),
        tree=st.sampled_from(["good", "good", "good", "fork"]),
        proven=st.sampled_from([True, True, True, False]),
        by=st.sampled_from([ISSUER, ISSUER, ISSUER, OTHER]),
    )
    def anchors(self, at: int, shard: str, size: int, tree: str, proven: bool, by: str) -> None:
        logs, root = LOGS[shard], TREES[tree].root(size)
        known = log_of(self.line, at, logs)
        head = known.size if known else 0
        proof = TREES[tree].consistency(head, size) if proven and 0 < head < size else []
        extends = not proof if head == 0 else bool(proof) and known.root(head) == TREES[tree].root(head)
        sent = transact(self.contracts[at].anchor, self.world.operators[by], logs, size, root, proof)
        self.compare(at, sent, lambda: anchor(self.line, at, logs, size=size, root=root, by=by, extends=extends))

    @rule(at=st.integers(0, VERSIONS - 1), shard=st.sampled_from(SHARDS), size=st.sampled_from(SIZES))
    def closes(self, at: int, shard: str, size: int) -> None:
        sent = transact(self.contracts[at].closeLog, self.world.council, LOGS[shard], size, NONE)
        self.compare(at, sent, lambda: close_log(self.line, at, LOGS[shard], size))

    @rule(at=st.integers(0, VERSIONS - 1))
    def retires(self, at: int) -> None:
        after = self.contracts[at + 1] if at + 1 < VERSIONS else NOBODY
        sent = transact(self.contracts[at].retire, self.world.council, after, NONE)
        self.compare(at, sent, lambda: retire(self.line, at))

    @rule(at=st.integers(0, VERSIONS - 1), shards=st.lists(st.sampled_from(SHARDS), max_size=2))
    def carries(self, at: int, shards: list[str]) -> None:
        logs = [LOGS[shard] for shard in shards]
        sent = transact(self.contracts[at].carry, self.world.stranger, logs)
        self.compare(at, sent, lambda: carry(self.line, at, logs))

    @rule()
    def suspension_turns(self) -> None:
        departments, council = self.world.departments, self.world.council
        if self.suspended:
            transact(departments.reinstate, council, left(ISSUER), NONE)
        else:
            transact(departments.suspend, council, left(ISSUER), 1, NONE)
        self.suspended = not self.suspended

    @invariant()
    def same_answers(self) -> None:
        self.compare_logs(self.asked)

    def compare_logs(self, at: int) -> None:
        for logs in LOGS.values():
            log = log_of(self.line, at, logs)
            root = (log.root(log.size) if log else None) or NONE
            expected = (left(log.owner), log.size, root, log.closed) if log else (NONE, 0, NONE, False)
            assert plain(self.contracts[at].logOf(logs)) == expected


def test_log_machine__any_steps__contract_and_twin_agree(world) -> None:
    made = [world.log]
    while len(made) < VERSIONS:
        made.append(AnchorLog.deploy(world.departments, NETWORK, made[-1], {"from": world.council}))
    LogMachine.world, LogMachine.contracts = world, tuple(made)
    drive(LogMachine, share=2, steps=16)  # each has three contracts to compare
