"""Name look-ups that end in time."""

import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

Resolve = Callable[[str, int], list[str]]

LOOKUP_SECONDS = 3.0
MOST_ANSWERS = 16  # An honest host has a few; a long list is an attempt to make us dial for ever.


class LookupTimeout(OSError):
    """The resolver did not answer in time."""


def ask_resolver(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver gives them. Raises socket.gaierror."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def look_up(host: str, port: int, *, resolve: Resolve, seconds: float) -> list[str]:
    """Ask `resolve` in a thread of its own, because getaddrinfo knows no time limit.

    Raises LookupTimeout, or the resolver's own OSError.
    """
    outcome: SimpleQueue[list[str] | OSError] = SimpleQueue()
    Thread(target=_resolve_into, args=(outcome, resolve, host, port), name="lookup", daemon=True).start()
    try:
        answers = outcome.get(timeout=max(0.001, min(LOOKUP_SECONDS, seconds)))
    except Empty:
        raise LookupTimeout from None
    if isinstance(answers, OSError):
        raise answers
    return answers


def _resolve_into(outcome: SimpleQueue[list[str] | OSError], resolve: Resolve, host: str, port: int) -> None:
    try:
        outcome.put(resolve(host, port))
    except UnicodeError:
        outcome.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))
    except OSError as error:
        outcome.put(error)
