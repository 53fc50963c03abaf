"""Which networks let in whom another set refuses, by addresses and not by names."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.resources.ec2.cidrs import is_wide, newly_let_in

HALVES = ("0.0.0.0/1", "128.0.0.0/1")


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        (("10.0.0.0/8",), ("0.0.0.0/0",), ("0.0.0.0/0",)),
        (("0.0.0.0/0",), ("10.0.0.0/8",), ()),
        (("0.0.0.0/0",), HALVES, ()),
        (HALVES, ("0.0.0.0/0",), ()),
        (("10.0.0.0/9",), HALVES, ("0.0.0.0/0",)),
        (("203.0.113.0/24",), ("203.0.113.7/32", "198.51.100.0/24"), ("198.51.100.0/24",)),
        (("0.0.0.0/0",), ("0.0.0.0/0", "::/0"), ("::/0",)),
        ((), ("203.0.113.0/24",), ("203.0.113.0/24",)),
    ],
)
def test_only_addresses_that_were_refused_are_let_in_anew(
    before: tuple[str, ...], after: tuple[str, ...], added: tuple[str, ...]
) -> None:
    assert tuple(map(str, newly_let_in(before, after))) == added


networks = st.builds(
    lambda address, length: str(ipaddress.ip_network((address, length), strict=False)),
    st.integers(0, 15),
    st.integers(28, 32),
)


@given(st.lists(networks), st.lists(networks))
def test_nothing_is_let_in_anew_exactly_when_every_address_was_before(
    before: list[str], after: list[str]
) -> None:
    def addresses(cidrs: list[str]) -> set[ipaddress.IPv4Address]:
        return {each for cidr in cidrs for each in ipaddress.IPv4Network(cidr)}

    assert bool(newly_let_in(before, after)) == bool(addresses(after) - addresses(before))


@pytest.mark.parametrize(
    ("cidr", "wide"),
    [
        ("0.0.0.0/0", True),
        ("128.0.0.0/1", True),
        ("8.0.0.0/9", True),
        ("203.0.0.0/16", False),
        ("10.0.0.0/8", False),
        ("100.64.0.0/10", False),
        ("::/0", True),
        ("2001:db8::/32", False),
        ("fc00::/7", False),
    ],
)
def test_public_networks_larger_than_any_one_owner_has_are_wide(cidr: str, wide: bool) -> None:
    assert is_wide(cidr) is wide
