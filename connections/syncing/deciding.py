"""What a person decides about what is held: rows that were not found, and all of it."""

from django.db import transaction
from django.template.defaultfilters import pluralize

from connections.access.access import present_row
from connections.models import Connection, Holding, MissingRows, User
from sources.spec import Stream


def decide(connection: Connection, stream: str, *, are_gone: bool, by: User) -> int | None:
    """Mark the missing rows of a stream as deleted, or keep them; returns how many were marked.

    None when there was nothing to decide any more. Raises Http404 when the person may no longer change the connection.
    """
    with transaction.atomic():
        row = present_row(connection, by=by)
        known = row.known_source().stream(stream)
        missing = MissingRows.objects.to_decide().filter(holding=row.holding, stream=stream).first()
        if missing is None or known is None:
            return None
        detail = f"{missing.missing:,} of {missing.held:,} {stream} {pluralize(missing.missing, 'was,were')} not found."
        if not are_gone:
            missing.keep()
            row.record("kept the missing rows", by=by, detail=detail)
            return 0
        row.record("marked the missing rows as deleted", by=by, detail=detail)
    return missing.mark_gone(known)  # In pieces, so that nobody waits for hundreds of thousands.


@transaction.atomic
def clear(connection: Connection, *, by: User) -> None:
    """Let go of all rows: nobody sees them from this moment on, and the next sync reads everything anew.

    Raises Http404 when the person may no longer change the connection.
    """
    row = present_row(connection, by=by)
    row.go_on_after(row.stop_syncs("The data was cleared."))
    row.holding = Holding.objects.create()
    row.save(update_fields=["holding", "next_sync_at"])
    row.record("cleared the data", by=by)


@transaction.atomic
def clear_stream(connection: Connection, stream: Stream, *, by: User) -> None:
    """The same of one stream, which is pulled again when its rows are erased."""
    row = present_row(connection, by=by)
    row.go_on_after(row.stop_syncs("Some of the data was cleared."))
    row.save(update_fields=["next_sync_at"])
    holding = Holding.objects.select_for_update().get(pk=row.holding_id)
    holding.begin_to_clear(stream.key)
    for told in (holding.row_counts, holding.marks, holding.missing_rows):
        told.filter(stream=stream.key).delete()
    row.record("cleared the data", by=by, detail=f"{stream.name} alone.")
