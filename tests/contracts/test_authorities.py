"""Authorities: what the Council sets, climbing, successions, and the twin `ledger.authorities` over any settings."""

from __future__ import annotations

import pytest
from brownie import Authorities as AuthoritiesContract
from brownie import accounts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mining import ask, transact
from world import (
    CODES,
    COMPETENT,
    DIVISION,
    ISSUER,
    NONE,
    OTHER,
    OUTSIDER,
    digest,
    emitted,
    left,
    now,
    reverts,
    unchanged,
    wait,
)

from ledger.authorities import Authorities, authority_for, common_authority, set_authority

BASIS = digest("decision of the government")
SHARING, VETERANS = 1, 2
PLACES = [420000, 420100, 420102, 420103, 420200, 420202, 429004, 429005, 430000, 430102]
PROPERTY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def authorities(world):
    return AuthoritiesContract.deploy(world.departments, {"from": accounts[0]})


@pytest.fixture
def council(world):
    return {"from": world.council}


def test_set_authority__new__told_and_found(authorities, council):
    tx = authorities.setAuthority(SHARING, 420100, left(ISSUER), BASIS, council)
    assert tx.return_value is True
    assert emitted(
        tx,
        "AuthoritySet",
        domain=SHARING,
        division=420100,
        department=left(ISSUER),
        operator=council["from"],
        basis=BASIS,
    )
    assert bytes(authorities.authorityAt(SHARING, 420100)) == left(ISSUER)
    assert unchanged(authorities.setAuthority(SHARING, 420100, left(ISSUER), NONE, council))


def test_set_authority__zero__removed(authorities, council):
    authorities.setAuthority(SHARING, 420000, left(OTHER), BASIS, council)
    authorities.setAuthority(SHARING, 420100, left(ISSUER), BASIS, council)
    assert authorities.setAuthority(SHARING, 420100, NONE, BASIS, council).return_value
    assert bytes(authorities.authorityFor(SHARING, 420100)) == left(OTHER)
    assert unchanged(authorities.setAuthority(SHARING, 420100, NONE, BASIS, council))


def test_set_authority__wrong_ones__refused(world, authorities, council):
    with reverts("Authorities_NotCouncil", world.issuer):
        authorities.setAuthority(SHARING, 420100, left(ISSUER), BASIS, {"from": world.issuer})
    for domain in (0, 4):
        with reverts("Authorities_DomainUnknown", domain):
            authorities.setAuthority(domain, 420100, left(ISSUER), BASIS, council)
    for division in (0, 42, 420001, 429000, 1_420_000):
        with reverts("Authorities_DivisionInvalid", division):
            authorities.setAuthority(SHARING, division, left(ISSUER), BASIS, council)
    with reverts("Authorities_NotDepartment", left(OUTSIDER)):
        authorities.setAuthority(SHARING, 420100, left(OUTSIDER), BASIS, council)
    world.departments.admitServiceOperator(left(CODES[6]), DIVISION, NONE, council)
    with reverts("Authorities_NotDepartment", left(CODES[6])):
        authorities.setAuthority(SHARING, 420100, left(CODES[6]), BASIS, council)


def test_authority_for__county__its_own_then_the_prefecture_s_then_the_province_s(authorities, council):
    def found(division: int) -> bytes:
        return bytes(authorities.authorityFor(SHARING, division))

    assert found(420102) == NONE
    authorities.setAuthority(SHARING, 420000, left(COMPETENT), BASIS, council)
    assert found(420102) == found(429004) == found(420000) == left(COMPETENT)
    authorities.setAuthority(SHARING, 420100, left(OTHER), BASIS, council)
    assert (found(420102), found(429004)) == (left(OTHER), left(COMPETENT))
    authorities.setAuthority(SHARING, 420102, left(ISSUER), BASIS, council)
    assert (found(420102), found(420103)) == (left(ISSUER), left(OTHER))
    assert found(430102) == NONE
    assert bytes(authorities.authorityFor(VETERANS, 420102)) == NONE


def test_common_authority__two_counties__the_lowest_above_both(authorities, council):
    authorities.setAuthority(SHARING, 420000, left(COMPETENT), BASIS, council)
    authorities.setAuthority(SHARING, 420100, left(OTHER), BASIS, council)
    authorities.setAuthority(SHARING, 420102, left(ISSUER), BASIS, council)

    def common(a: int, b: int) -> bytes:
        return bytes(authorities.commonAuthority(SHARING, a, b))

    assert common(420102, 420102) == left(ISSUER)
    assert common(420102, 420103) == common(420102, 420100) == left(OTHER)
    assert common(420102, 420202) == common(420102, 429004) == common(420102, 420000) == left(COMPETENT)
    assert common(420102, 430102) == NONE


def test_authority_for__succeeded_department__the_one_that_carries_it(world, authorities, council):
    authorities.setAuthority(SHARING, 420100, left(ISSUER), BASIS, council)
    world.departments.succeed(left(ISSUER), left(OTHER), now() + 1000, [], BASIS, council)
    assert bytes(authorities.authorityFor(SHARING, 420102)) == left(ISSUER)
    wait(2000)
    assert bytes(authorities.authorityFor(SHARING, 420102)) == left(OTHER)
    assert bytes(authorities.commonAuthority(SHARING, 420102, 420103)) == left(OTHER)
    assert bytes(authorities.authorityAt(SHARING, 420100)) == left(ISSUER)


@PROPERTY
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(PLACES), st.sampled_from([ISSUER, OTHER, COMPETENT, None])),
        min_size=1,
        max_size=6,
    )
)
def test_authorities__any_settings__as_the_twin(authorities, world, steps):
    twin = Authorities()
    snapshot = ask("evm_snapshot")
    try:
        for domain, division, department in steps:
            given_code = left(department) if department else NONE
            error, done, _ = transact(authorities.setAuthority, world.council, domain, division, given_code, NONE)
            changed = set_authority(twin, domain, division, department)
            assert (error, done) == (None, changed is not twin)
            twin = changed
        domain = steps[0][0]
        for place in PLACES:
            expected = authority_for(twin, domain, place, lambda d: d)
            assert bytes(authorities.authorityFor(domain, place)) == (left(expected) if expected else NONE)
            expected = common_authority(twin, domain, steps[0][1], place, lambda d: d)
            found = bytes(authorities.commonAuthority(domain, steps[0][1], place))
            assert found == (left(expected) if expected else NONE)
    finally:
        ask("evm_revert", snapshot)
