"""What sharing costs (conftest: `cost`). A list of subjects is one root on the chain, however long it is."""

from __future__ import annotations

import pytest
from brownie import Authorities, Catalogue, WorkingCalendar
from catalogue_world import weekdays
from shares_world import (
    ACTIVE,
    AUTHORITY,
    BASIS,
    CONDITIONAL,
    DISPUTED,
    GOVERNMENT,
    GRANTED,
    REVIEW,
    SUBMITTED,
    SUSPENDED,
    SharesWorld,
    by,
    terms,
    terms_tuple,
)
from test_authorised_queries import CONSENTED
from test_authorised_queries import bring as bring_query
from test_authorised_queries import given as query_terms
from test_emergency_shares import OPEN, PROPOSED
from test_emergency_shares import bring as bring_emergency
from test_emergency_shares import given as emergency_terms
from world import NONE, digest, left, now, some, wait

from ledger.calendar import DAY, OFFSET, day_of, words
from ledger.shares.subjects import padding_needed, subject_leaves, subjects_root

SECTION = "ShareAuthorisations, EmergencyShares and AuthorisedQueries"
ROWS = 47
VERSION = digest("version")


class RealPlaces(SharesWorld):
    """With the contracts that sharing asks, as they cost too."""

    def places_of_sharing(self) -> tuple:
        mine = {"from": self.council}
        self.calendar = WorkingCalendar.deploy(self.departments, mine)
        self.authorities = Authorities.deploy(self.departments, mine)
        self.catalogue = Catalogue.deploy(self.departments, self.calendar, self.authorities, mine)
        return self.authorities, self.calendar, self.catalogue

    def furnish(self) -> None:
        mine = {"from": self.council}
        for year in range(day_of(now()).year, day_of(now()).year + 2):
            self.calendar.setYear(year, *words(weekdays(year)), NONE, mine)
        self.authorities.setAuthority(1, 420100, left(AUTHORITY), NONE, mine)
        self.authorities.setAuthority(3, 420000, left(GOVERNMENT), NONE, mine)
        approver = by(self.provider_approver)
        self.catalogue.drawUp(CONDITIONAL, VERSION, 2, bytes([1, 2]), BASIS, by(self.provider_handler))
        self.catalogue.review(CONDITIONAL, VERSION, BASIS, approver)
        self.catalogue.approve(CONDITIONAL, VERSION, BASIS, approver)
        self.catalogue.publish(CONDITIONAL, VERSION, BASIS, by(self.authority))


@pytest.fixture(scope="module")
def w(module_isolation):
    return RealPlaces()


def test_applications__each_act__noted(w, cost):
    shares, handler, approver = w.shares, by(w.handler), by(w.approver)
    first, given = digest("first"), terms_tuple(terms(now()))
    cost("`propose` an application by an article", shares.propose(first, given, handler))
    cost("`propose` again, changing nothing", shares.propose(first, given, handler))
    for count in (1, 100, 10_000):
        secret, named = digest(f"secret {count}"), [("resident", f"subject {n}") for n in range(count)]
        padding = [digest(f"{count} padding {n}") for n in range(padding_needed(count))]
        root = subjects_root(subject_leaves(secret, named, padding))
        listed = terms(now(), f"list {count}", scope=2, subjects=root, basis_kind=2, document=digest(f"act {count}"))
        tx = shares.propose(digest(f"list {count}"), terms_tuple(listed), handler)
        cost(f"`propose` with a document and a list of {count:,} subject{'s' if count > 1 else ''}", tx)
    cost("`submit`, the reply's clock starts", shares.submit(first, approver))
    cost("`review`", shares.review(first, by(w.provider_handler)))
    cost("`returnForMore`", shares.returnForMore(first, digest("missing"), by(w.provider_handler)))
    cost("`resubmit`", shares.resubmit(first, digest("completed"), approver))
    w.bring(digest("second"), REVIEW)
    ask = shares.askExtension(digest("second"), 10, 801, some(), by(w.provider_handler))
    cost("`askExtension`", ask)
    cost("`extend`, twenty working days", shares.extend(digest("second"), some(), by(w.authority)))
    tx = shares.reject(digest("second"), 401, 10_021, some(), by(w.provider_approver))
    cost("`reject`", tx)
    tx = shares.setProfile(left(AUTHORITY), True, 1, some(), by(w.council))
    cost("`setProfile`", tx)
    w.bring(digest("third"), SUBMITTED)
    cost("`preReview`", shares.preReview(digest("third"), True, 0, 0, some(), by(w.authority)))
    cost("`withdraw`", shares.withdraw(digest("third"), 501, some(), handler))
    w.bring(digest("fourth"), SUBMITTED)
    shares.preReview(digest("fourth"), True, 0, 0, some(), by(w.authority))
    shares.review(digest("fourth"), by(w.provider_handler))
    wait(7 * DAY)  # five working days
    tx = shares.returnForMore(digest("fourth"), digest("missing 4"), by(w.provider_handler))
    cost("`returnForMore` where the clock rests, five working days gone", tx)


def test_disputes__each_act__noted(w, cost):
    shares, approver = w.shares, by(w.approver)
    tx = shares.dispute(w.bring(digest("first"), 6), some(), approver)
    cost("`dispute` a rejection", tx)
    silent = w.bring(digest("silent"), SUBMITTED)
    wait(20 * DAY)
    cost("`dispute` a silence", shares.dispute(silent, some(), approver))
    cost("`settle` by the authority: reviewed anew", shares.settle(silent, True, some(), by(w.authority)))
    last = w.bring(digest("last"), DISPUTED)
    cost("`escalate` to the sharing authority", shares.escalate(last, 2, some(), approver))
    cost("`escalate` to the government", shares.escalate(last, 3, some(), by(w.authority)))
    cost("`settle` by the government: rejected for good", shares.settle(last, False, some(), by(w.government)))


def test_grants__each_act__noted(w, cost):
    shares, provider = w.shares, by(w.provider_approver)
    first, renewal = w.bring(digest("first"), REVIEW), digest("renewal")
    cost("`grant`, the clock of provision starts", shares.grant(first, some(), provider))
    cost("`grant` again, changing nothing", shares.grant(first, BASIS, provider))
    tomorrow = (now() + OFFSET) // DAY + 1
    w.calendar.setDays(list(range(tomorrow, tomorrow + 5)), False, NONE, by(w.council))
    cost("`moveDeadline`", shares.moveDeadline(first, by(w.gateway)))
    cost("`activate`", shares.activate(first, some(), by(w.provider_handler)))
    cost("`recordUse`", shares.recordUse(first, 1, digest("storage"), by(w.handler)))
    w.bring(renewal, GRANTED, supersedes=first)
    cost("`activate` a renewal, which supersedes", shares.activate(renewal, some(), by(w.provider_handler)))
    cost("`suspend` for misuse, with time to mend", shares.suspend(renewal, 101, 3, some(), provider))
    stop_block = w.shares.grantOf(renewal)[18]
    cost("`acknowledge` by a gateway", shares.acknowledge(renewal, 1, stop_block, by(w.gateway)))
    cost("`resume`", shares.resume(renewal, some(), provider))
    cost("`fileStop`", shares.fileStop(renewal, 201, digest("negotiation"), by(w.provider_handler)))
    cost("`revoke`, negotiated and filed", shares.revoke(renewal, 201, some(), provider))
    other = w.bring(digest("other"), SUSPENDED)
    cost("`revoke` by the authority's order", shares.revoke(other, 301, some(), by(w.authority)))
    used = w.bring(digest("used"), ACTIVE)
    cost("`exhaust` by the gateway that counts", shares.exhaust(used, 5, some(), by(w.gateway)))
    tx = shares.surrender(w.bring(digest("given up"), ACTIVE), 503, some(), by(w.approver))
    cost("`surrender`", tx)


def test_emergencies__each_act__noted(w, cost):
    contract, first, second = w.emergencies, digest("first"), digest("second")
    cost("emergency: `propose`", contract.propose(first, emergency_terms(first), by(w.handler)))
    cost("emergency: `open`", contract.open(first, by(w.approver)))
    for number in range(14):
        bring_emergency(w, digest(f"waits {number}"), OPEN)
    bring_emergency(w, second, PROPOSED)
    cost("emergency: `open`, fifteen await their reviews", contract.open(second, by(w.approver)))
    cost("emergency: `close` by the gateway that counts", contract.close(first, 0, 20, some(), by(w.gateway)))
    cost("emergency: `report`", contract.report(first, digest("account"), by(w.handler)))
    cost("emergency: `judge`", contract.judge(first, True, 653, some(), by(w.authority)))


def test_queries__each_act__noted(w, cost):
    contract, first = w.queries, digest("first")
    cost("query: `propose`", contract.propose(first, query_terms(first), by(w.provider_handler)))
    cost("query: `consent`", contract.consent(first, some(), by(w.provider_approver)))
    cost("query: `exhaust` by the gateway that counts", contract.exhaust(first, 2, some(), by(w.gateway)))
    tx = contract.withdraw(bring_query(w, digest("second"), CONSENTED), 502, some(), by(w.provider_handler))
    cost("query: `withdraw` on the subject's word", tx)
    tx = contract.refuse(bring_query(w, digest("third"), 1), 401, 10_025, some(), by(w.provider_approver))
    cost("query: `refuse`", tx)
