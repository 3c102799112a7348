"""The part of a connection's page that moves while a sync runs: what came in, how far it is, what the account bears."""

from datetime import timedelta

from django.utils import timezone

from connections.access import access
from connections.access.requests import PersonRequest
from connections.checking.watching import is_worker_missing
from connections.frame.outlook import BudgetInUse, budget_in_use, remaining, sizes
from connections.frame.reading import Reader
from connections.models import Connection, Health, Pace, Sync
from connections.models.bounds import bytes_of, room_among
from sources.spec import Stream

SHOWN_ROWS, SHOWN_COLUMNS = 5, 3  # Beside its name.
SETTLES_WITHIN = timedelta(seconds=2)  # A sync ends before what it means for the connection's health is written down.
STILL_COUNTS = timedelta(seconds=70)  # So long its calls are among those of the last minute.


def strip(request: PersonRequest, connection: Connection) -> dict[str, object]:
    """What heads each tab of it: its health, the one button that helps now, and while a sync runs how far it is."""
    latest = connection.syncs.newest_first().first()
    is_unattended = is_waiting(connection, latest) and is_worker_missing(connection)
    return {
        "workspace": connection.workspace,
        "connection": connection,
        "source": connection.source,
        "latest": latest,
        "shown": f"{latest.number}-{latest.state_word}-{connection.health_word}-{is_unattended}" if latest else "",
        "next_look": next_look(latest) if latest else "",
        "is_unattended": is_unattended,
        "may_manage": connection.may_manage,
        "may_stop": bool(latest and latest.is_active and access.may_stop(request, latest)),
        **still_to_come(request, connection, latest),
    }


def moving_part(request: PersonRequest, connection: Connection) -> dict[str, object]:
    """The same, and what has come in so far."""
    held = [*connection.row_counts.all()]
    counts = {one.stream: one.rows for one in held if one.rows}
    filled = next((stream for stream in connection.streams if counts.get(stream.key)), None)
    return {
        **strip(request, connection),
        "sharers": access.sharers(request, connection) if may_tell_calls(connection) else [],
        "room": room_among(held, of_workspace=bytes_of(connection.workspace_id)),
        "newest_stream": filled,
        "is_all_here": filled is not None and is_all_here(connection, filled),
        **(newest_of(connection, filled) if filled else {}),
    }


def is_all_here(connection: Connection, stream: Stream) -> bool:
    """Whether it was read to its end once."""
    return connection.stream_healths.filter(stream=stream.key, read_at__isnull=False).exists()


def is_waiting(connection: Connection, latest: Sync | None) -> bool:
    """Whether a worker has anything to do for it, now or soon."""
    is_due = connection.next_sync_at is not None and connection.next_sync_at <= timezone.now()
    return is_due or (latest is not None and latest.is_active)


def next_look(latest: Sync) -> str:
    """When the page asks again, in htmx's words; empty once nothing moves any more."""
    if latest.finished_at is None:
        return "every 1s"
    ended_ago = timezone.now() - latest.finished_at
    if ended_ago < SETTLES_WITHIN:
        return "load delay:3s"
    return "load delay:70s" if ended_ago < STILL_COUNTS else ""


def by_stream(connection: Connection, latest: Sync | None) -> list[dict[str, object]]:
    """How many rows there are of each chosen stream, and what the newest sync made of it."""
    runs = latest.stream_runs.all() if latest else []
    ran, counts = {run.stream: run for run in runs}, connection.row_counts.by_stream()
    healths = {one.stream: one for one in connection.stream_healths.all()}
    return [
        {
            "stream": stream,
            "count": counts.get(stream.key, 0),
            "run": ran.get(stream.key),
            "health": healths.get(stream.key),
        }
        for stream in connection.streams
    ]


def newest_of(connection: Connection, stream: Stream) -> dict[str, object]:
    reader = Reader(connection)
    columns = reader.usual_columns(stream)[:SHOWN_COLUMNS]
    rows = connection.records.newest_of(stream, SHOWN_ROWS, reader.fields(stream, columns))
    return {"newest": reader.lines(stream, rows, columns), "columns": columns}


def may_tell_calls(connection: Connection) -> bool:
    """Who merely knows an address is not told what others do there."""
    return connection.source is not None and connection.is_proven


def calls(request: PersonRequest, connection: Connection, latest: Sync | None) -> dict[str, object]:
    """What the account bears, and who else calls it."""
    if not may_tell_calls(connection):
        return {}
    pace = pace_of(connection, latest)
    return {
        "budget": shown_budget(connection, latest),
        "pace": Pace(pace),
        "sharers": access.sharers(request, connection),
    }


def still_to_come(request: PersonRequest, connection: Connection, latest: Sync | None) -> dict[str, object]:
    """The time that a running sync still needs, at the account's rate."""
    if latest is None or not latest.is_running or not may_tell_calls(connection):
        return {}
    budget = shown_budget(connection, latest)
    sharers = access.sharers(request, connection)
    side_by_side = 1 + sum(sharer.health_word == Health.SYNCING.label for sharer in sharers)
    counted = sizes(connection, connection.row_counts.by_stream())
    runs = [*latest.stream_runs.all()]
    return {"left": remaining(latest, runs, counted, rate=budget.granted / side_by_side, pause=budget.pause)}


def shown_budget(connection: Connection, latest: Sync | None) -> BudgetInUse:
    running = latest if latest and latest.is_running else None
    source = connection.known_source()
    return budget_in_use(source, access.budget_of(connection), pace_of(connection, latest), running)


def pace_of(connection: Connection, latest: Sync | None) -> str:
    return latest.pace if latest and latest.is_running else connection.pace
