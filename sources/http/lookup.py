"""Name look-ups that end in time."""

import socket
from collections.abc import Callable

from sources.http.waiting import StillWanted, always, in_time

Resolve = Callable[[str, int], list[str]]

LOOKUP_SECONDS = 3.0
MOST_ANSWERS = 16  # An honest host has a few; a long list is an attempt to make us dial for ever.


def ask_resolver(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver gives them. Raises socket.gaierror."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def look_up(host: str, port: int, *, resolve: Resolve, seconds: float, still_wanted: StillWanted = always) -> list[str]:
    """Ask `resolve`, which knows no time limit. Raises TimeoutError, or the resolver's own OSError."""

    def ask() -> list[str]:
        try:
            return resolve(host, port)
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None

    return in_time(ask, seconds=min(LOOKUP_SECONDS, seconds), still_wanted=still_wanted, name="lookup")
