"""Which IP addresses a call may go to: the public Internet and nothing else; and in which order they are tried."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import zip_longest

# `is_global` alone says yes to some of these, and its answers differ between versions of Python.
NEVER = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's host, answering every virtual machine
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "100.64.0.0/10",
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4 wraps any IPv4 address
        "3fff::/20",
    )
)
GLOBAL_UNICAST_V6 = ip_network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how networks with IPv6 alone reach an IPv4 address, its last 32 bits.


def is_public(answer: str) -> bool:
    """Whether this answer of a name look-up is an address on the public Internet. Anything unknown is not."""
    try:
        address = ip_address(answer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = _inner(address) or address
    return _is_ordinary(address) and not any(address in network for network in NEVER)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a call goes to in the end. 6to4 and Teredo hold one, too; no host of an API is there."""
    if address in NAT64 and not address.scope_id:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped


def by_turns(addresses: list[str]) -> list[str]:
    """IPv6 and IPv4 in turns, beginning as the resolver does: a family that leads nowhere must not come first alone.

    Source: RFC 8305, section 4.
    """
    families: dict[bool, list[str]] = {}
    for address in addresses:
        families.setdefault(":" in address, []).append(address)
    turns = zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


def _is_ordinary(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address.scope_id or address not in GLOBAL_UNICAST_V6):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
