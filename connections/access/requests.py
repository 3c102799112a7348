"""The request of somebody who is logged in, and where any request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from connections.models import User

IPV6_HOME = 64  # The bits of an IPv6 address that one customer of a provider keeps; the rest is theirs to change.
# The first that is named; most browsers name older ones, too.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")


class PersonRequest(HttpRequest):
    """For type checkers: `user` is a person and never anonymous.

    The middleware makes sure of that before any view.
    """

    user: User
    htmx: HtmxDetails


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
    return str(mapped or address).partition("%")[0]


def home_of(address: str) -> str:
    """What counts as one client: an IPv6 address changes from day to day within its network."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{IPV6_HOME}", strict=False).network_address)


def browser_of(request: HttpRequest) -> str:
    """Roughly, as it says itself: “Firefox on Windows”."""
    told = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS.items() if f"{mark}/" in told), "an unknown browser")
    system = next((name for name in SYSTEMS if name in told), "")
    return f"{browser} on {system}" if system else browser
