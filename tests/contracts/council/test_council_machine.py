"""Council beside its Python twin, ledger.council_moves: the same steps, the same answers.

Hypothesis draws proposals (of the council's own changes, of names, pins, and calls of another contract), approvals,
withdrawals, executions, pauses and waiting, by delegates, machines and strangers. A refusal of one must be the other's
refusal; after each step what the step was about is compared, and at the end all that the contract tells.
"""

from __future__ import annotations

from dataclasses import astuple

from brownie import Council, Departments, accounts, web3
from council_world import A, B, C, D, code_hash, person
from eth_abi import encode
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from machines import TakenBack, drive
from mining import ask, transact
from world import NONE, digest, left, now, plain

from ledger import council as twin
from ledger import council_moves as moves
from ledger.errors import ChuzhengError, DeniedError

CODES = {code.rstrip(b"\0").decode(): code for code in (A, B, C, D)}
MEMBERS = sorted(CODES)
PEOPLE = [None, *(person(str(n)) for n in range(4))]
IDS = [digest(f"case {n}") for n in range(3)]
HOUR = 3_600
DAY = 86_400
# Delegates mostly; 4 is a machine, 5 to 7 may be appointed, 8 is a stranger.
ACCOUNT = st.sampled_from([1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5, 6, 8])
NAMES = ["Departments", "AnchorLog"]
RULES = [
    twin.Rules(1, 1, 0, DAY),
    twin.Rules(2, 1, 0, 40 * DAY),
    twin.Rules(2, 1, HOUR, 3 * DAY),
    twin.Rules(3, 2, HOUR, 3 * DAY),
    twin.Rules(2, 2, HOUR, DAY),
    twin.Rules(1, 1, DAY, DAY),
]


def acts():
    """One act of a proposal; accounts are numbers, made real by the machine."""
    account, member = st.integers(1, 7), st.sampled_from(MEMBERS)
    return st.one_of(
        st.builds(twin.AddMember, member),
        st.builds(twin.RemoveMember, member),
        st.builds(twin.AppointDelegate, account, member, st.sampled_from(PEOPLE)),
        st.builds(twin.EndDelegate, account),
        st.builds(twin.SetRules, st.sampled_from(RULES)),
        st.just(twin.EndPause()),
        st.builds(twin.NameContract, st.sampled_from(NAMES), st.sampled_from(["departments", "council", 8]), st.none()),
        st.builds(twin.PinTrustFile, st.sampled_from([digest("t1"), digest("t2")]), st.integers(0, 4)),
        st.sampled_from([twin.Elsewhere(), twin.Elsewhere(DeniedError("departments.not_council"))]),
    )


def founded(members: int, with_person: bool) -> tuple:
    """(contract, twin) of a council of that many members; the first has a machine too, or nobody else."""
    given = MEMBERS[:members]
    delegates = [
        twin.Delegate(str(accounts[n + 1]), member, PEOPLE[n + 1] if with_person else None)
        for n, member in enumerate(given)
    ]
    delegates.append(twin.Delegate(str(accounts[4]), given[0], None))
    rules = RULES[{1: 0, 2: 2, 3: 3}[members]]
    contract = Council.deploy(
        [CODES[m] for m in given],
        [(d.account, CODES[d.member], d.person or NONE) for d in delegates],
        astuple(rules),
        {"from": accounts[0]},
    )
    return contract, moves.found(str(contract), given, delegates, rules, now())


class CouncilMachine(TakenBack):
    departments = None
    councils: tuple = ()

    def __init__(self) -> None:
        super().__init__()
        self.proposed: dict[bytes, list] = {}
        self.contract, self.state = self.councils[0]

    def teardown(self) -> None:
        try:
            self.same_council()
            for made in self.state.cases:
                self.same_proposal(made)
        finally:
            super().teardown()

    # What both sides are asked

    @initialize(which=st.sampled_from([0, 1, 2, 2, 2, 3, 3, 3]))
    def begun(self, which: int) -> None:
        self.contract, self.state = self.councils[which]

    def real(self, act):
        """The act with addresses instead of numbers, as the twin takes it."""
        match act:
            case twin.AppointDelegate(account, member, who):
                return twin.AppointDelegate(str(accounts[account]), member, who)
            case twin.EndDelegate(account):
                return twin.EndDelegate(str(accounts[account]))
            case twin.NameContract(name, where, _):
                places = {"departments": self.departments, "council": self.contract}
                found = places.get(where)
                account = str(found) if found else str(accounts[where])
                return twin.NameContract(name, account, "0x" + code_hash(account).hex() if found else None)
        return act

    def call(self, act) -> tuple[str, str]:
        """The act as the contract takes it."""
        own = self.contract
        match act:
            case twin.AddMember(member):
                data = own.addMember.encode_input(CODES[member])
            case twin.RemoveMember(member):
                data = own.removeMember.encode_input(CODES[member])
            case twin.AppointDelegate(account, member, who):
                data = own.appointDelegate.encode_input(account, CODES[member], who or NONE)
            case twin.EndDelegate(account):
                data = own.endDelegate.encode_input(account)
            case twin.SetRules(rules):
                data = own.setRules.encode_input(astuple(rules))
            case twin.EndPause():
                data = own.endPause.encode_input()
            case twin.NameContract(name, account, _):
                data = own.nameContract.encode_input(left(name), account)
            case twin.PinTrustFile(hash_, sequence):
                data = own.pinTrustFile.encode_input(hash_, sequence)
            case twin.Elsewhere(refusal):
                # Anyone may ask who is competent; to suspend is the owner's alone.
                other = self.departments
                if refusal is None:
                    return str(other), other.competentFor.encode_input(NONE)
                return str(other), other.suspend.encode_input(D, 1, NONE)
        return str(own), data

    def step(self, function, account: int, args: tuple, move) -> None:
        """Both take the step; `move(by, at, block)` is the twin's."""
        error, done, at = transact(function, accounts[account], *args)
        block = int(ask("eth_blockNumber"), 16)
        try:
            after = move(str(accounts[account]), at, block)
        except ChuzhengError as refused:
            assert error is not None, refused
            assert error == "".join(w.title() for w in refused.code.split(".")[1].split("_")), (refused, error)
            return
        assert (error, bool(done)) == (None, after is not self.state)
        changed = [made for made, case in after.cases.items() if self.state.cases.get(made) is not case]
        others = (after.members, after.appointments, after.rules) != (
            self.state.members,
            self.state.appointments,
            self.state.rules,
        )
        self.state = after
        for made in after.cases if others else changed:
            self.same_proposal(made)

    def content(self, calls: list) -> bytes:
        """As the contract's `contentOf`, which the behaviours are held to."""
        return bytes(
            web3.keccak(encode(["(address,bytes)[]", "bytes32"], [[(a, bytes.fromhex(d[2:])) for a, d in calls], NONE]))
        )

    @rule(made=st.sampled_from(IDS), given=st.lists(acts(), min_size=1, max_size=3), by=ACCOUNT)
    def proposes(self, made: bytes, given: list, by: int) -> None:
        real = [self.real(act) for act in given]
        calls = [self.call(act) for act in real]
        content = self.content(calls)
        self.step(
            self.contract.propose,
            by,
            (made, calls, NONE),
            lambda who, at, _: moves.propose(self.state, made, content, real, by=who, now=at),
        )
        if made in self.state.cases:
            self.proposed.setdefault(made, real)

    @rule(made=st.sampled_from(IDS), by=ACCOUNT, right=st.integers(0, 7))
    def approves(self, made: bytes, by: int, right: int) -> None:
        case = self.state.cases.get(made)
        content = case.content if case and right else digest("other")
        self.step(
            self.contract.approve,
            by,
            (made, content),
            lambda who, at, _: moves.approve(self.state, made, content, by=who, now=at),
        )

    @rule(made=st.sampled_from(IDS[:2]), by=ACCOUNT)
    def withdraws(self, made: bytes, by: int) -> None:
        self.step(
            self.contract.withdrawApproval,
            by,
            (made,),
            lambda who, _, __: moves.withdraw_approval(self.state, made, by=who),
        )

    @rule(made=st.sampled_from(IDS), by=ACCOUNT)
    def executes(self, made: bytes, by: int) -> None:
        real = self.proposed.get(made, [twin.Elsewhere()])
        calls = [self.call(act) for act in real]
        content = self.content(calls)
        self.step(
            self.contract.execute,
            by,
            (made, calls),
            lambda who, at, block: moves.execute(self.state, made, content, real, by=who, now=at, block=block),
        )

    @rule(which=st.integers(0, 2), given=st.lists(acts(), min_size=1, max_size=2), members=st.integers(1, 3))
    def one_proposes_several_approve_and_one_executes(self, which: int, given: list, members: int) -> None:
        """What random steps alone would seldom come to."""
        made = digest(f"whole case {len(self.state.cases)}, {which}")
        self.proposes(made, given, 1)
        for by in range(2, members + 1):
            self.approves(made, by, 1)
        self.time_passes(HOUR)
        self.executes(made, 1)

    @rule(made=st.sampled_from(IDS), act=acts(), by=ACCOUNT)
    def enacts(self, made: bytes, act, by: int) -> None:
        real = [self.real(act)]
        calls = [self.call(real[0])]
        content = self.content(calls)
        self.step(
            self.contract.enact,
            by,
            (made, calls, NONE),
            lambda who, at, block: moves.enact(self.state, made, content, real, by=who, now=at, block=block),
        )
        if made in self.state.cases:
            self.proposed.setdefault(made, real)

    @rule(by=ACCOUNT)
    def asks_for_a_pause(self, by: int) -> None:
        self.step(self.contract.pause, by, (1, NONE), lambda who, at, _: moves.pause(self.state, by=who, now=at))

    @rule(seconds=st.sampled_from([1, HOUR, DAY, 7 * DAY, 30 * DAY]))
    def time_passes(self, seconds: int) -> None:
        ask("evm_increaseTime", hex(seconds))
        ask("evm_mine")

    # What both tell

    @invariant()
    def same_pause(self) -> None:
        assert self.contract.paused() == moves.is_paused(self.state, now())

    def same_council(self) -> None:
        own, state = self.contract, self.state
        assert set(plain(own.members())) == {CODES[m] for m in state.members}
        assert plain(own.rules()) == astuple(state.rules)
        for member in state.members:
            expected = {
                (a, CODES[member], k.person or NONE) for a, k in state.appointments.items() if k.member == member
            }
            assert set(plain(own.delegatesOf(CODES[member]))) == expected
            request = state.requests.get(member)
            assert own.pauseRequestedAt(CODES[member]) == (request.at if request else 0)
        assert plain(own.lastPause()) == (state.paused_since, state.paused_until)
        for name in NAMES:
            told = plain(own.versions(left(name)))
            kept = state.versions.get(name, ())
            assert told == tuple((v.account, v.from_block, v.since, bytes.fromhex(v.code_hash[2:])) for v in kept)
        pinned = sorted(state.trust_files)
        assert plain(own.pinnedTrustFiles()) == ((pinned[0], pinned[-1]) if pinned else (0, 0))
        for sequence in range(5):
            assert plain(own.trustFile(sequence)) == state.trust_files.get(sequence, NONE)

    def same_proposal(self, made: bytes) -> None:
        case = self.state.cases[made]
        counted, since = moves.standing(self.state, case)
        assert plain(self.contract.proposal(made)) == (
            case.content,
            case.basis,
            CODES[case.member],
            case.delegate,
            case.proposed_at,
            case.expires_at,
            case.executed_at or 0,
            counted,
            since or 0,
        )
        expected = tuple((k.delegate, CODES[k.member], k.at, moves.counts(self.state, k)) for k in case.approvals)
        assert plain(self.contract.approvals(made)) == expected


def test_council_machine__any_steps__contract_and_twin_agree(module_isolation) -> None:
    CouncilMachine.departments = Departments.deploy(accounts[0], {"from": accounts[0]})
    CouncilMachine.councils = (founded(1, False), founded(1, True), founded(2, True), founded(3, True))
    drive(CouncilMachine, steps=20)
