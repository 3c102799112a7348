"""Does one thing to several connections that were chosen from a list, and says what came of each."""

from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404

from connections.access import access
from connections.access.access import Place
from connections.access.requests import PersonRequest
from connections.models import Connection
from connections.models.people import in_words
from connections.models.sync import AlreadyActive, Trigger

MOST = 100  # At once. A page shows fewer.


class LeftAsItWas(Exception):
    """Nothing was done to this one; the text says why, after its name."""


def pause(request: PersonRequest, shown: Connection) -> None:
    connection = mine_to_change(request, shown)
    if connection.is_paused:
        raise LeftAsItWas("paused before")
    connection.pause(by=request.user)


def resume(request: PersonRequest, shown: Connection) -> None:
    connection = mine_to_change(request, shown)
    if not connection.is_paused:
        raise LeftAsItWas("not paused")
    connection.resume(by=request.user)


def sync(request: PersonRequest, shown: Connection) -> None:
    if shown.is_paused:
        raise LeftAsItWas("paused")
    if shown.needs_action and shown.key_mends_it:
        raise LeftAsItWas("waiting for another key")
    try:
        shown.syncs.queue(shown, trigger=Trigger.PERSON, by=request.user)
    except AlreadyActive:
        raise LeftAsItWas("syncing already") from None


def mine_to_change(request: PersonRequest, shown: Connection) -> Connection:
    """Locked, by the rules of this moment."""
    try:
        return access.manageable_now(request, shown.workspace.slug, shown.source_key, shown.pk)
    except PermissionDenied:
        raise LeftAsItWas("not yours to change: its creator and admins may") from None


ACTS: dict[str, tuple[Callable[[PersonRequest, Connection], None], str]] = {
    "pause": (pause, "Paused"),
    "resume": (resume, "Resumed"),
    "sync": (sync, "Syncing soon"),
}


def act_on(request: PersonRequest, place: Place, act: str, chosen: list[UUID]) -> list[str]:
    """What to tell: which were done, and which were left, why. Those that are gone meanwhile are not spoken of."""
    do, done_word = ACTS[act]
    said: dict[str, list[str]] = defaultdict(list)
    for connection in access.visible_connections(request, place).filter(pk__in=chosen[:MOST]):
        try:
            with transaction.atomic():
                do(request, connection)
        except LeftAsItWas as why:
            said[f"Left as before, since {why}"].append(connection.name)
        except Http404:
            continue
        else:
            said[done_word].append(connection.name)
    return [f"{what}: {in_words(names)}." for what, names in said.items()]
