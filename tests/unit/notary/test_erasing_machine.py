"""Erasure as a state machine against a small model: any order of acts, by anybody, with a crash at any step.

The model knows four things of an entry: what was registered, who proposed by which order, whether it is gone, and
whether the process that confirmed it lived to the end. Everything that people can ask is compared with it. Over 300
lines: an act is a rule here, with what is drawn for it.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.errors import ConflictError, DeniedError, NotFoundError
from ledger.types import Kind, Origin
from notary.erasures import ERASED, State, proves
from notary.filing import Filing
from notary.stores.content import EmbeddedStore
from tests.databases import KINDS, of_kind
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, document, packed
from tests.postgres import MissingPostgresError

READER = X25519PrivateKey.generate().public_key()
PERSONS = (b"\1" * 32, b"\2" * 32, b"\3" * 32)
ORDERS = ("〔2026〕12号", "〔2026〕13号")
ACTS = ("destroyed", "listed", "entered", "proved", "dropped", "forgotten", "unnamed", "scrubbed")
LOGS = (ORIGIN, SECOND)


class Died(Exception):
    """The process ended here."""


@dataclass
class Known:
    """What the model knows of one entry."""

    origin: Origin
    index: int
    record: dict[str, Any] | None
    """None: the client committed and kept it."""
    file: bool = False
    again: Callable[[], object] = lambda: None
    """Submits the same once more."""
    proposed: tuple[str, bytes] | None = None
    confirmed: tuple[str, bytes] | None = None


class Erasures(RuleBasedStateMachine):
    """`kind` of database and the sizes of a run are set by the tests below."""

    kind = "sqlite"

    @initialize()
    def begin(self) -> None:
        self.ends = ExitStack()
        self.folder = Path(mkdtemp(prefix="chuzheng-erasing-"))
        self.ends.callback(shutil.rmtree, self.folder, True)
        databases = self.ends.enter_context(of_kind(self.kind))
        self.rig = Rig(self.folder / "home", origins=LOGS, database=databases.fresh())
        self.known: list[Known] = []
        self.made = 0
        self.unfinished = False
        self._with_files()
        self._register(ORIGIN, certificate(self._number()), None)
        self._register_file(self._number())

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            self.rig.notary.close()
            self.rig.notary.store.engine.dispose()
            self.ends.close()

    def _with_files(self) -> None:
        self.rig.notary.filing = Filing(EmbeddedStore(self.folder / "content"))

    def _number(self) -> int:
        self.made += 1
        return self.made

    # -- registering --------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.known) < 6)
    @rule(what=st.sampled_from(("certificate", "document", "versions", "file", "commitment")), keyed=st.booleans())
    def register(self, what: str, keyed: bool) -> None:
        n = self._number()
        origin, key = LOGS[n % 2], f"k{n}" if keyed else None
        match what:
            case "certificate":
                self._register(origin, certificate(n), key)
            case "document":
                self._register(origin, document(n), key)
            case "versions":  # what supersedes a certificate is another record: the order reaches one of them
                for version in (1, 2):
                    self._register(ORIGIN, certificate(n, version=version), None)
            case "file":
                self._register_file(n)
            case _:
                placed = self.rig.notary.accept_durably(ISSUER, ORIGIN, packed(1, start=n), key=None)
                self.known.append(Known(ORIGIN, placed.first, None))

    def _register(self, origin: Origin, record: dict[str, Any], key: str | None) -> None:
        def send() -> int:
            [accepted] = self.rig.notary.accept_records(ISSUER, origin, [record], key=key)
            return accepted.receipt.index

        self.known.append(Known(origin, send(), record, again=send))

    def _register_file(self, n: int) -> None:
        def send() -> int:
            made = self.rig.notary.accept_document(
                ISSUER, ORIGIN, io.BytesIO(b"file %d" % n), media_type="text/plain",
                readers={ISSUER: READER, OTHER: READER},
            )  # fmt: skip
            return made.receipt.index

        index = send()
        self.known.append(Known(ORIGIN, index, self.rig.notary.record(ORIGIN, index), file=True, again=send))

    # -- two persons --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.known)
    @rule(data=st.data(), order=st.sampled_from(ORDERS), person=st.sampled_from(PERSONS))
    def propose(self, data: st.DataObject, order: str, person: bytes) -> None:
        entry = data.draw(st.sampled_from(self.known))

        def act() -> State:
            return self.rig.notary.erasing.propose(ISSUER, entry.origin, entry.index, order, person).state

        if entry.confirmed is not None and entry.proposed == (order, person):
            assert act() in ERASED  # the same proposal again, after the other person acted on it
        elif entry.confirmed is not None or entry.proposed not in (None, (order, person)):
            with pytest.raises(ConflictError, match=r"erasure\.state"):
                act()
        else:
            assert act() is State.PROPOSED
            entry.proposed = (order, person)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.known))
        erasing = self.rig.notary.erasing
        row = erasing.target(ISSUER, entry.origin, entry.index).row
        now = 0 if row is None else row.proposed_at

        def act(proposed_at: int) -> State:
            return erasing.withdraw(ISSUER, entry.origin, entry.index, proposed_at=proposed_at).state

        if row is None or entry.confirmed:
            with pytest.raises((NotFoundError, ConflictError), match=r"erasure\.(unknown|state)"):
                act(now)
        else:
            if entry.proposed is not None:
                with pytest.raises(ConflictError, match=r"erasure\.other_proposal"):
                    act(now - 1)  # an older one's, sent again
            assert act(now) is State.WITHDRAWN
            entry.proposed = None

    @precondition(lambda self: any(entry.proposed and not entry.confirmed for entry in self.known))
    @rule(data=st.data(), dies=st.sampled_from((None, *ACTS)))
    def confirm_what_is_proposed(self, data: st.DataObject, dies: str | None) -> None:
        entry = data.draw(st.sampled_from([e for e in self.known if e.proposed and not e.confirmed]))
        assert entry.proposed is not None
        order, proposer = entry.proposed
        self._confirm(entry, order, data.draw(st.sampled_from([p for p in PERSONS if p != proposer])), dies)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), order=st.sampled_from(ORDERS), person=st.sampled_from(PERSONS))
    def confirm(self, data: st.DataObject, order: str, person: bytes) -> None:
        self._confirm(data.draw(st.sampled_from(self.known)), order, person, None)

    def _confirm(self, entry: Known, order: str, person: bytes, dies: str | None) -> None:
        erasing = self.rig.notary.erasing
        row = erasing.target(ISSUER, entry.origin, entry.index).row
        expected: tuple[type[Exception], str] | None = None
        if row is None:
            expected = NotFoundError, "erasure.unknown"
        elif row.order_code != order:
            expected = ConflictError, "erasure.other_order"
        elif row.proposer == person:
            expected = DeniedError, "erasure.same_person"
        elif entry.confirmed:
            expected = None if entry.confirmed == (order, person) else (ConflictError, "erasure.state")
        elif entry.proposed is None:
            expected = ConflictError, "erasure.state"
        if expected is not None:
            with pytest.raises(expected[0], match=expected[1].replace(".", r"\.")):
                erasing.confirm(ISSUER, entry.origin, entry.index, order, person)
            return
        self._dying_at(dies)
        try:
            with suppress(Died):
                done = erasing.confirm(ISSUER, entry.origin, entry.index, order, person)
                assert done.state is State.DONE
                self.unfinished = False
                entry.confirmed = (order, person)
                self._refused(entry)
                return
        finally:
            self._dying_at(None)
        entry.confirmed = (order, person)
        self.unfinished = True
        self._refused(entry)

    def _dying_at(self, act: str | None) -> None:
        def hook(step: str) -> None:
            if act is not None and step == act:
                raise Died

        self.rig.hook = hook

    @precondition(lambda self: self.known)
    @rule(data=st.data(), person=st.sampled_from(PERSONS))
    def anothers_log__refused(self, data: st.DataObject, person: bytes) -> None:
        entry = data.draw(st.sampled_from(self.known))
        erasing = self.rig.notary.erasing
        for act in (erasing.propose, erasing.confirm):
            with pytest.raises(DeniedError, match=r"notary\.other_log"):
                act(OTHER, entry.origin, entry.index, ORDERS[0], person)

    # -- what follows -------------------------------------------------------------------------------------------------

    @rule(dies=st.sampled_from((None, *ACTS)))
    def worker(self, dies: str | None) -> None:
        self._dying_at(dies)
        try:
            self.rig.notary.erasing.step()
        except Died:
            return
        finally:
            self._dying_at(None)
        self.unfinished = False

    @rule()
    def restart(self) -> None:
        """The process ends and starts again; whoever forgets what it held is held to the logs' lists."""
        self.rig.again()
        self._with_files()

    @precondition(lambda self: any(entry.confirmed and entry.record for entry in self.known))
    @rule(data=st.data())
    def send_again_what_was_erased(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from([e for e in self.known if e.confirmed and e.record]))
        self._refused(entry)

    def _refused(self, entry: Known) -> None:
        if entry.record is not None:
            with pytest.raises(ConflictError, match=r"erased\.(name|answer)"):
                entry.again()

    # -- what must be so ----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_of_what_is_gone_is_served_and_the_rest_is(self) -> None:
        if not hasattr(self, "rig"):
            return
        notary = self.rig.notary
        for entry in self.known:
            assert notary.receipt(entry.origin, entry.index).salt is None  # anyone's copy, always
            if entry.record is None:
                continue
            if entry.confirmed:
                for ask in (notary.record, notary.wraps, lambda o, i: notary.receipt(o, i, salted=True)):
                    with pytest.raises(NotFoundError) as caught:
                        ask(entry.origin, entry.index)
                    assert (caught.value.code, caught.value.params["order"]) == ("erased", entry.confirmed[0])
            else:
                assert notary.record(entry.origin, entry.index) == entry.record
                assert bool(notary.wraps(entry.origin, entry.index)) is entry.file

    @invariant()
    def once_finished_each_has_one_entry_of_kind_6_and_one_item_of_the_list_that_proves_it(self) -> None:
        if not hasattr(self, "rig") or self.unfinished:
            return
        notary = self.rig.notary
        for origin in LOGS:
            gone = {e.index: e.confirmed[0] for e in self.known if e.origin == origin and e.confirmed}
            listed = notary.erasing.listed(origin)
            assert {item.index: item.order for item in listed} == gone
            for item in listed:
                assert item.proof is not None
                assert proves(item, origin, notary.prover.entry(item.proof.origin, item.proof.index))
            assert sum(raw[1] == Kind.ERASURE for raw in self.rig.entries(origin)) == len(gone)
        assert notary.filing is not None
        kept = [e.record["document"]["cid"] for e in self.known if e.file and e.record]
        gone_files = {e.record["document"]["cid"] for e in self.known if e.file and e.record and e.confirmed}
        assert {cid for cid in kept if not notary.filing.content.has(cid)} == gone_files


def _run(kind: str, examples: int, steps: int) -> None:
    machine = type("Erasures", (Erasures,), {"kind": kind})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_erasures__any_order_of_acts__as_the_model_says(kind: str) -> None:
    """Many on SQLite, a few on PostgreSQL, where each scrub rewrites tables."""
    try:
        _run(kind, *((20, 15) if kind == "sqlite" else (4, 15)))
    except MissingPostgresError as error:
        pytest.skip(str(error))
