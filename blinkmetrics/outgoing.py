"""The two settings of networks that nothing leaves directly; each is refused at start when it cannot be meant."""

import ssl
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def proxy_address(given: str) -> str:
    """The refusal never repeats it: it may hold a password."""
    try:
        parts = urlsplit(given)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname and parts.port)
    except ValueError:
        is_address = False
    if given and (not is_address or parts.path not in ("", "/") or parts.query or parts.fragment):
        raise ImproperlyConfigured(
            "OUTGOING_PROXY is no address of a proxy. Write it as http://proxy.example.com:3128, with its port; "
            "a user and password go before the host, as in http://user:password@proxy.example.com:3128."
        )
    return given


def authorities_file(given: str) -> str:
    try:
        if given:
            ssl.create_default_context(cafile=given)
    except (OSError, ValueError):  # Not there, not to be read, or no certificates in it.
        raise ImproperlyConfigured(
            "OUTGOING_CA_FILE names no file of certificates that can be read (PEM). Correct its path, or remove it."
        ) from None
    return given
