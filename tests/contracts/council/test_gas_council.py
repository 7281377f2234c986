"""What the Council's acts cost (conftest: `cost`); they are rare, so nothing limits them."""

from __future__ import annotations

from brownie import Departments, accounts
from council_world import ANYTHING, DELAY, alone, new_id
from world import CODES, NONE, digest, left, wait

SECTION = "Council"
ROWS = 9


def test_proposal__two_of_three__noted(house, cost):
    council, made, calls = house.council, new_id(), [house.admit()]
    cost("`propose` one call", council.propose(made, calls, ANYTHING, {"from": house.a}))
    cost("`propose` again, changing nothing", council.propose(made, calls, ANYTHING, {"from": house.a}))
    cost("`approve`", house.approve(made, house.b))
    cost("`withdrawApproval`", council.withdrawApproval(made, {"from": house.b}))
    house.approve(made, house.b)
    wait(DELAY)
    cost("`execute`: one admission", council.execute(made, calls, {"from": house.c}))


def test_enact__many_admissions__noted(cost):
    council = alone()
    departments = Departments.deploy(council, {"from": accounts[0]})
    codes = CODES[:20]
    calls = [(str(departments), departments.admit.encode_input(left(code), 420000, NONE)) for code in codes]
    cost(f"`enact`: {len(codes)} admissions", council.enact(new_id(), calls, NONE, {"from": accounts[1]}))


def test_pause_names_and_pins__noted(house, cost):
    cost("`pause`", house.council.pause(1, NONE, {"from": house.a}))
    name = (left("Departments"), house.departments)
    cost("`execute`: a contract named", house.pass_(house.own("nameContract", *name)))
    cost("`execute`: a trust file pinned", house.pass_(house.own("pinTrustFile", digest("1"), 1)))
