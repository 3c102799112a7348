"""Which IP addresses a call may go to: the public Internet and nothing else."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

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


def is_public(answer: str) -> bool:
    """Whether this answer of a name look-up is an address on the public Internet. Anything unknown is not."""
    try:
        address = ip_address(answer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return _is_ordinary(address) and not any(address in network for network in NEVER)


def _is_ordinary(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address.scope_id or address not in GLOBAL_UNICAST_V6):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
