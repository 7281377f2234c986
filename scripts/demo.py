"""The main job once, on sample data: anchor, upgrade, verify online and offline, decide, and show each verdict.

May be run again on the same network: what was anchored before is answered with the same receipts, and decisions are
tried on certificates that have none yet. The summary is on stdout; the exit code is 0 only if every verdict is right.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.auth import TokenStore
from ledger.errors import ChuzhengError, ConflictError, UnavailableError
from ledger.texts import text
from ledger.types import DepartmentCode, Millis, Role, Stage
from notary.canonical import parse_record
from notary.collect import Collector
from notary.disclosure import make_disclosure, parse_disclosure
from notary.entry import status_key
from notary.evidence import Evidence, FileDigests, Presented
from notary.receipt import Receipt, parse_receipt
from notary.report import Report, Verdict
from notary.trust import TrustFile, read_trust
from notary.verify import verify
from scripts import output
from scripts.client import Client
from scripts.commands.anchor import anchor_file
from scripts.commands.csv_rows import anchor_csv
from scripts.commands.files import beside, replace_file
from scripts.commands.receipt import upgraded
from scripts.commands.status import decide
from scripts.remote import chain_of, log_of
from scripts.samples import SampleDepartment, sample_certificates_of, sample_network
from scripts.samples.documents import sample_documents

if TYPE_CHECKING:
    from api.settings import Settings

ANCHORED_WITHIN = 60.0
"""Seconds that the chain may take to hold everything."""
ONLINE = 25
"""Certificates verified in each way, spread over all departments."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the summary: what was tried, what should come out, what came out."""

    what: str
    expected: Verdict
    found: Verdict

    @property
    def right(self) -> bool:
        return self.expected is self.found


@dataclass(slots=True)
class Held:
    """One sample that a department holds: its record and newest receipt."""

    path: Path
    record: dict[str, Any]
    receipt: Receipt

    @property
    def key(self) -> str:
        return status_key(self.receipt.entry.issuer, self.receipt.entry.sha256).hex()

    @property
    def in_date(self) -> bool:
        """Whether the record's dates include today (Beijing)."""
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
        end = self.record.get("valid_to")
        return self.record.get("valid_from", today) <= today and (end is None or today <= end)


class Demo:
    """State of one run; each step adds its lines to `cases`."""

    def __init__(self, settings: Settings, tokens: dict[DepartmentCode, str], rest: Callable[[], None]) -> None:
        self.settings = settings
        self.tokens = tokens
        self.rest = rest
        self.folder = settings.home / "demo"
        self.folder.mkdir(exist_ok=True)
        self.trust: TrustFile = read_trust(settings.trust_path.read_bytes())
        self.chain = chain_of(settings.rpc_url, self.trust)
        self.certificates: dict[DepartmentCode, list[Held]] = {}
        self.documents: list[Held] = []
        self.cases: list[Case] = []
        self.language = output.language()

    # -- anchoring ----------------------------------------------------------------------------------------------------

    def anchor(self, issuers: tuple[SampleDepartment, ...]) -> float:
        """All sample certificates and documents; records a second."""
        started, count = time.monotonic(), 0
        for issuer in issuers:
            path = self.folder / f"{issuer.code}.csv"
            replace_file(path, sample_certificates_of(issuer.code))
            with Client(self.settings.url, self.tokens[issuer.code]) as server:
                done = anchor_csv(server, path)
            self.certificates[issuer.code] = [
                Held(p, parse_record(beside(p, ".record.json").read_bytes()), receipt) for p, receipt in done
            ]
            count += len(done)
            self.rest()
        rate = count / (time.monotonic() - started)
        first = issuers[0].code
        samples = sample_documents()
        with (
            Client(self.settings.url, self.tokens[first]) as server,
            output.progress(self.say("documents"), len(samples)) as bar,
        ):
            for sample in samples:
                path = sample.write(self.folder)
                target, receipt = anchor_file(server, path)
                record = parse_record(beside(path, ".record.json").read_bytes())
                self.documents.append(Held(target, record, receipt))
                bar.advance(bar.task_ids[0])
        return rate

    def upgrade(self) -> None:
        """Wait until everything is anchored, then fetch the receipts as they grew."""
        held = [h for some in self.certificates.values() for h in some] + self.documents
        waiting = {
            h.receipt.origin: max(x.receipt.index for x in held if x.receipt.origin == h.receipt.origin) for h in held
        }
        deadline = time.monotonic() + ANCHORED_WITHIN
        with Client(self.settings.url) as server:
            while waiting:
                for origin, index in list(waiting.items()):
                    if parse_receipt(server.receipt(origin, index, salted=False)).stage is Stage.ANCHORED:
                        del waiting[origin]
                if waiting:
                    if time.monotonic() > deadline:
                        raise UnavailableError("cli.demo.not_anchored", logs=len(waiting))
                    self.rest()
                    time.sleep(0.3)
            with output.progress(self.say("upgrading"), len(held)) as bar:
                by_path = {h.path: h for h in held}
                for path, found in upgraded(server, list(by_path)):
                    if isinstance(found, ChuzhengError):
                        raise found
                    by_path[path].receipt = found
                    bar.advance(bar.task_ids[0])

    # -- verifying ----------------------------------------------------------------------------------------------------

    def judge(self, presented: Presented, *, online: bool) -> Report:
        """As a counterparty would: its own trust file, its own node, nothing of ours believed."""
        now = Millis(time.time_ns() // 1_000_000)
        evidence = Evidence()
        if online:
            evidence = Collector(self.chain, log_of(self.settings.url)).collect(presented, self.trust, now)
        return verify(presented, evidence, self.trust, now, now)

    def add(self, key: str, expected: Verdict, found: Verdict, **params: Any) -> None:
        self.cases.append(Case(self.say(key, **params), expected, found))

    def verify_samples(self) -> None:
        """Online and offline; whole, in part, changed; certificates and documents."""
        every = [h for some in self.certificates.values() for h in some]
        fresh = [h for h in every if h.in_date and not self._decided(h)]
        chosen = fresh[:: max(1, len(fresh) // ONLINE)][:ONLINE]
        expired = next((h for h in every if (h.record.get("valid_to") or "9999") < "2026"), None)
        with output.progress(self.say("verifying"), 2 * len(chosen)) as bar:
            for online, expected in ((True, Verdict.VALID), (False, Verdict.CANNOT_CHECK)):
                for h in chosen:
                    found = self.judge(Presented(h.receipt, record=h.record), online=online).answer
                    if found is not expected or h is chosen[-1]:
                        self.add("online" if online else "offline", expected, found, count=len(chosen))
                        if found is not expected:
                            break
                    bar.advance(bar.task_ids[0])
        h = chosen[0]
        if expired is not None:
            self.add(
                "expired",
                Verdict.EXPIRED,
                self.judge(Presented(expired.receipt, record=expired.record), online=True).answer,
            )
        changed = {**h.record, "name": h.record["name"] + "（改）"}
        self.add("changed", Verdict.MISMATCH, self.judge(Presented(h.receipt, record=changed), online=True).answer)
        assert h.receipt.salt is not None
        data = make_disclosure(h.record, h.receipt.salt, ["name", "issuer_name"], h.receipt)
        replace_file(beside(h.path, ".disclosure.json"), data)
        shown = parse_disclosure(data)
        self.add("disclosed", Verdict.VALID, self.judge(Presented(shown.receipt, disclosure=shown), online=True).answer)
        for d in self.documents:
            file = d.record["document"]
            digests = FileDigests(file["size"], bytes.fromhex(file["sha256"]), bytes.fromhex(file["sm3"]))
            found = self.judge(Presented(d.receipt, record=d.record, file=digests), online=True).answer
            self.add("document", Verdict.VALID, found, name=d.path.name.removesuffix(".receipt.json"))
        self.add("receipt_alone", Verdict.CANNOT_CHECK, self.judge(Presented(h.receipt), online=True).answer)

    # -- deciding -----------------------------------------------------------------------------------------------------

    def decide_samples(self) -> None:
        """Suspend, resume, rescind, annul, supersede; the verdict after each. A renewal alone decides nothing."""
        every = [h for some in self.certificates.values() for h in some]
        by_identifier = {h.record["identifier"]: h for h in every}
        pairs = [(by_identifier[p], h) for h in every if (p := h.record.get("previous_identifier")) in by_identifier]
        renewed = {id(old) for old, _ in pairs} | {id(new) for _, new in pairs}
        free = [h for h in every if id(h) not in renewed and h.in_date]
        undecided = (h for h in free if not self._decided(h))
        first, second = next(undecided, None), next(undecided, None)
        old, new = next(((o, n) for o, n in pairs if o.in_date and not self._decided(o)), (None, None))
        if first is None or second is None or old is None or new is None:
            raise ConflictError("cli.demo.used_up", home=self.settings.home)
        steps: list[tuple[str, Held, dict[str, Any], Verdict]] = [
            ("suspend", first, {"decision": "suspend", "cause": 1}, Verdict.SUSPENDED),
            ("resume", first, {"decision": "resume", "ends": 1}, Verdict.VALID),
            ("rescind", second, {"decision": "rescind", "effective_from": 0}, Verdict.NOT_IN_FORCE),
            ("annul", second, {"decision": "annul", "number": 1}, Verdict.VALID),
            ("renewed", old, {}, Verdict.VALID),
            ("supersede", old, {"decision": "supersede", "successor": new.key}, Verdict.SUPERSEDED),
        ]
        with output.progress(self.say("deciding"), len(steps)) as bar:
            for key, held, wanted, expected in steps:
                if wanted:
                    with Client(self.settings.url, self.tokens[DepartmentCode(held.record["issuer"])]) as server:
                        intent = decide(server, held.key, wanted)
                    if intent["state"] != "final":
                        raise UnavailableError("cli.demo.refused", step=key, state=intent["state"])
                self.add(key, expected, self.judge(Presented(held.receipt, record=held.record), online=True).answer)
                self.rest()
                bar.advance(bar.task_ids[0])

    def _decided(self, held: Held) -> bool:
        from ledger.types import Digest

        return bool(self.chain.decisions(Digest(bytes.fromhex(held.key))))

    def say(self, key: str, **params: Any) -> str:
        return text(f"cli.demo.{key}", self.language, **params)


def run_demo(settings: Settings, *, while_waiting: Callable[[], None] = lambda: None, as_json: bool = False) -> int:
    """Everything above, in order; 0 if every verdict was the expected one."""
    network = sample_network()
    started = time.monotonic()
    with _tokens(settings) as tokens:
        demo = Demo(settings, tokens, while_waiting)
        rate = demo.anchor(network.issuers)
        demo.upgrade()
        demo.verify_samples()
        demo.decide_samples()
    right = all(case.right for case in demo.cases)
    seconds = time.monotonic() - started
    done = {
        "certificates": sum(len(some) for some in demo.certificates.values()),
        "documents": len(demo.documents), "rate": f"{rate:,.0f}", "seconds": f"{seconds:.0f}",
    }  # fmt: skip
    payload = output.message("chuzheng-demo/1", "cli.demo.summary", ok=right, **done)
    cases = [{"what": c.what, "expected": c.expected.value, "found": c.found.value, "ok": c.right} for c in demo.cases]
    figures = {**done, "rate": round(rate), "seconds": round(seconds, 1)}
    output.result({**payload, **figures, "cases": cases}, _summary(demo, payload), as_json=as_json)
    return output.EXIT_OK if right else output.EXIT_UNEXPECTED


@contextmanager
def _tokens(settings: Settings) -> Iterator[dict[DepartmentCode, str]]:
    """Tokens for this run only: whoever can write the tokens file may act for the departments of this machine."""
    store = TokenStore(settings.tokens_path)
    made = {d.code: store.issue(d.code, Role.ANCHOR | Role.STATUS, "demo") for d in sample_network().issuers}
    try:
        yield made
    finally:
        for token in made.values():
            store.end(token.split("_")[1])


def _summary(demo: Demo, payload: dict[str, Any]) -> str:
    """What was done and each verdict, in a terminal of 80 columns."""
    verdicts = {v: text(f"verdict.{v.value}", demo.language) for v in Verdict}
    lines = [payload[f"message_{demo.language}"], ""]
    for case in demo.cases:
        mark = "[ OK ]" if case.right else "[FAIL]"
        wrong = "" if case.right else "  <- " + demo.say("expected", verdict=verdicts[case.expected])
        lines.append(f"{mark} {case.what}: {verdicts[case.found]}{wrong}")
    sample = next(iter(demo.certificates.values()))[0].path
    lines += ["", demo.say("files", folder=demo.folder), demo.say("try", path=sample, trust=demo.settings.trust_path)]
    return "\n".join(lines)


def main() -> int:
    """For `python -m scripts.demo`."""
    from api.settings import load

    return run_demo(load().settings)


if __name__ == "__main__":
    sys.exit(main())
