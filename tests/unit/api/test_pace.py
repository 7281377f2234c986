"""Pace and gate: what is allowed, what is refused, and when to come back."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from api.language import preferred
from api.pace import MOST_KEPT, Gate, Pace, network_of
from ledger.errors import UnavailableError


def test_pace__burst_then_average__says_how_long_to_wait() -> None:
    now = [0.0]
    pace = Pace(30, clock=lambda: now[0])
    for _ in range(30):
        pace.take("a")
    with pytest.raises(UnavailableError) as caught:
        pace.take("a")
    assert caught.value.retry_after == 2
    pace.take("b")
    now[0] += 2
    pace.take("a")
    with pytest.raises(UnavailableError):
        pace.take("a")


def test_gate__full__refuses_and_frees_after_an_error() -> None:
    gate = Gate(1)
    with gate.pass_through(), pytest.raises(UnavailableError) as caught, gate.pass_through():
        pass
    assert caught.value.code == "server.busy"
    with pytest.raises(ValueError, match="inside"), gate.pass_through():
        raise ValueError("inside")
    with gate.pass_through():
        assert gate.inside == 1


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "zh"), ("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,zh;q=0.9", "en"), ("de,fr", "zh"),
     ("zh;q=0.1,en;q=0.2", "en"), ("en;q=0", "zh"), ("en;q=x,zh;q=0.1", "zh"), (",,;;=,", "zh")],
)  # fmt: skip
def test_language__accept_language__chooses(header: str, language: str) -> None:
    assert preferred(header) == language


def test_pace__addresses_without_end__keeps_a_bounded_number() -> None:
    pace = Pace(30, clock=lambda: 0.0)
    for number in range(MOST_KEPT + 100):
        pace.take(str(number))
    assert len(pace._buckets) == MOST_KEPT


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "testclient", True),
    ],
)
def test_network_of__addresses_of_one_subscriber__are_one(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


def test_gate__longest__is_how_long_the_oldest_is_inside() -> None:
    gate = Gate(2)
    assert gate.longest() == 0
    with gate.pass_through():
        first = gate.longest()
        with gate.pass_through():
            assert gate.longest() >= first
    assert gate.longest() == 0


@settings(max_examples=300)
@given(
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True)
    | st.ip_addresses(v=4).map(str)
    | st.text(max_size=20)
)
def test_network_of__what_looks_like_ipv4__is_what_reading_it_gives(host: str) -> None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        expected = host
    else:
        assume(address.version == 4)
        expected = str(address)
    assert network_of(host) == expected
