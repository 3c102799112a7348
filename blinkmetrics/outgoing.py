"""The two settings of networks that nothing leaves directly."""

import ssl
from urllib.parse import urlsplit

from blinkmetrics.setting_kinds import Kind, NotMeant


def proxy_address(given: str) -> str:
    try:
        parts = urlsplit(given)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname and parts.port)
    except ValueError:
        is_address = False
    if given and (not is_address or parts.path not in ("", "/") or parts.query or parts.fragment):
        raise NotMeant("with its port; a user and password go before the host, as in http://user:password@host:3128")
    return given


def authorities_file(given: str) -> str:
    try:
        if given:
            ssl.create_default_context(cafile=given)
    except (OSError, ValueError):  # Not there, not to be read, or no certificates in it.
        raise NotMeant("there is none that can be read") from None
    return given


PROXY = Kind("the address of a proxy, such as http://proxy.example.com:3128", proxy_address)
AUTHORITIES = Kind("the path of a file of certificates (PEM)", authorities_file)
