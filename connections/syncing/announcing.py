"""Says what of an account's structure has appeared, was renamed or is gone: on the page of a sync, and in the trail."""

from collections.abc import Sequence
from datetime import datetime

from connections.models import Change, Event, Sync
from connections.models.change import PRESENCE, THERE
from connections.models.sync import SyncState

ROOM = Event._meta.get_field("detail").max_length or 0
MORE = " And {} more."


def announce(sync: Sync) -> None:
    """In the trail, once the sync has ended; with what those had found before that somebody stopped."""
    told = sync.connection.syncs.filter(number__lt=sync.number, finished_at__isnull=False)
    last = told.exclude(state=SyncState.STOPPED).order_by("number").last()
    said = announced(sync, since=last.finished_at if last else None)
    if said:
        sync.connection.record("changed at its source", by=None, detail=in_short(said))


def announced(sync: Sync, *, since: datetime | None = None) -> list[str]:
    """What this sync has found, or was found since that moment, a sentence each: “List “News” is now “Letters”.”"""
    connection = sync.connection
    rows = {stream.key: stream.facts.row.capitalize() for stream in connection.streams if stream.is_announced}
    changes = Change.objects.filter(holding=connection.holding, stream__in=rows, seen_at__gte=since or sync.started_at)
    if sync.finished_at:
        changes = changes.filter(seen_at__lte=sync.finished_at)
    found = [*changes.order_by("pk")]
    things = connection.records.filter(stream__in=rows, external_id__in=[change.external_id for change in found])
    names = {(one.stream, one.external_id): one.label for one in things.defer("text")} if found else {}
    return [
        f"{rows[change.stream]} {what_became_of(change, names.get((change.stream, change.external_id)))}."
        for change in found
    ]


def what_became_of(change: Change, name: str | None) -> str:
    if change.field != PRESENCE:
        return f"{named(change.before, change)} is now {named(change.after, change)}"
    return f"{named(name, change)} is {'new' if change.after == THERE else 'gone'}"


def named(name: str | None, change: Change) -> str:
    """Not by a name that holds an address: the trail is read by many, and nobody is erased from it."""
    return f"“{name}”" if name and "@" not in name else change.external_id


def in_short(said: Sequence[str]) -> str:
    """As many sentences as the trail has room for."""
    for kept in range(len(said), 0, -1):
        text = " ".join(said[:kept]) + (MORE.format(len(said) - kept) if kept < len(said) else "")
        if len(text) <= ROOM:
            return text
    return f"{len(said)} changes, which the page of the sync names."
