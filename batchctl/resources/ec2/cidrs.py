"""EC2: sets of networks, what one lets in that another refuses, and which are open to the world."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# More public addresses than this are nobody's own: a /16, of IPv6 what a registry gives a provider.
WIDEST = {4: 16, 6: 32}
# RFC 1918, RFC 6598 and RFC 4193.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def newly_let_in(before: Iterable[str], after: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of `after` whose addresses are not all in `before`, merged and sorted.

    By their addresses, not their names: two halves are as good as the whole.
    """
    known, wanted = _merged(before), _merged(after)
    return tuple(each for each in wanted if not any(_within(each, other) for other in known))


def is_wide(cidr: str) -> bool:
    """Whether a network is so large, and public, that strangers are in it."""
    network = ipaddress.ip_network(cidr, strict=False)
    is_private = any(_within(network, ipaddress.ip_network(each)) for each in PRIVATE)
    return network.prefixlen < WIDEST[network.version] and not is_private


def _merged(cidrs: Iterable[str]) -> list[Network]:
    networks = [ipaddress.ip_network(cidr, strict=False) for cidr in cidrs]
    fours = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    sixes = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(fours), *ipaddress.collapse_addresses(sixes)]


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False
