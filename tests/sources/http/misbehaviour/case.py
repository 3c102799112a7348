"""What one way of misbehaving is, how it is put on the stage, and what has to come of it."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import trustme

from sources.errors import SourceError
from sources.http.limits import Limits
from sources.spec import Row
from tests.sources.http.conftest import PUBLIC, server_tls
from tests.sources.http.scripted_server import Heard, Step, answers

ROWS: Mapping[str, Row] = {"1": {"id": "1", "email": "ana@x.example"}, "2": {"id": "2", "email": "bo@x.example"}}
CONTACTS = {"contacts": [*ROWS.values()], "meta": {"total": "2"}}
ME = {"user": {"id": "3", "firstName": "Mira", "lastName": "Holt", "email": "mira@x.example"}}
SOUND = {"users/me": ME, "contacts": CONTACTS, "settings/account": {"account": "x", "subscriber_limit": 25000}}
SHORT = Limits(connect=0.3, read=0.3, total=0.7)
GENEROUS = 10.0  # Seconds; what a check is given.
ENDLESS = 60.0  # Seconds, however busy the machine is; none of the servers here would ever come to an end.


def sound(heard: Heard) -> Step:
    """What a server in good order answers."""
    return answers(SOUND[heard.target.removeprefix("/api/3/").partition("?")[0]])


@dataclass(frozen=True, kw_only=True)
class Case:
    """`row` is the number in the list of misbehaviours. `script` are the answers, the last one for ever.

    `by` is who meets it: a pull of the contacts, or a test that a person waits for. With `recovers` the server is in
    good order after its script.

    Without an `error`, `rows` have to arrive; `unreadable` others are counted, and `proven` says that no more were
    missed. `slowed` is what everybody was told to wait, `slept` how often this call paused, `lookups` and `dials` how
    often a name was looked up and an address tried. `logs` has to stand in the log.

    `resolve` gets the number of the look-up. Nothing listens at `dead` addresses; `deaf` ones let wait. `greeting` is
    done to each connection before TLS. `patches` are replaced things by their dotted name.
    """

    row: int
    does: str
    script: tuple[Step, ...] = ()
    by: Literal["pull", "test"] = "pull"
    recovers: bool = False
    requests: int
    error: type[SourceError] | None = None
    code: str = ""
    says: str = ""
    rows: Mapping[str, Any] = field(default_factory=lambda: ROWS)
    unreadable: int = 0
    proven: bool = True
    slowed: tuple[float, ...] = ()
    slept: int | None = None
    logs: str = ""
    limits: Limits | None = None
    seconds: float = ENDLESS
    megabytes: float | None = None
    patches: Mapping[str, Any] = field(default_factory=dict)
    resolve: Callable[[int], list[str]] = lambda number: [PUBLIC]
    lookups: int | None = None
    dead: tuple[str, ...] = ()
    deaf: tuple[str, ...] = ()
    dials: int | None = None
    certificate: Callable[[trustme.CA], ssl.SSLContext] = server_tls
    greeting: Step | None = None

    def __str__(self) -> str:
        return f"{self.row:02}-{self.by}-{self.does}"

    def server_script(self) -> Callable[[Heard], Step]:
        left = list(self.script)

        def next_step(heard: Heard) -> Step:
            if not left:
                return sound(heard)
            return left[0] if len(left) == 1 and not self.recovers else left.pop(0)

        return next_step


Cases = tuple[Case, ...]
