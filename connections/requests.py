"""The request of somebody who is logged in, and where any request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from connections.models import User


class PersonRequest(HttpRequest):
    """For type checkers: `user` is a person and never anonymous.

    The middleware makes sure of that before any view.
    """

    user: User


def client_address(request: HttpRequest) -> str:
    """Where it comes from, as far as our own proxies vouch for it; empty when that is no address."""
    nearest = request.META.get("REMOTE_ADDR", "")
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    count = settings.TRUSTED_PROXY_COUNT
    # Each proxy of ours adds at the right what it saw itself; what stands further left is the client's own claim.
    return plain_address(hops[-count] if 0 < count <= len(hops) else nearest) or plain_address(nearest)


def plain_address(text: str) -> str:
    """Without brackets and port, which some proxies add; empty when it is none."""
    host = text.strip()
    if host.startswith("[") or host.count(":") == 1:
        host = host.removeprefix("[").partition("]" if host.startswith("[") else ":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
