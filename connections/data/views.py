"""The pages about what was pulled: streams, rows and downloads."""

from functools import partial
from itertools import chain
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from connections.access import access
from connections.access.acting import require_room_for_download
from connections.access.requests import PersonRequest
from connections.data.exporting import as_shown, for_spreadsheets, pieces
from connections.data.forms import RowsForm
from connections.data.looking import look
from connections.data.places import Download
from connections.data.whole import happened, referring, whole
from connections.frame.moving_part import strip
from connections.frame.reading import Reader
from connections.models import Connection
from connections.models.bounds import room_of
from connections.safe.sealing import Unsealable
from sources.spec import Stream

FORMAT_WORDS = {"csv": "CSV", "jsonl": "JSON lines"}
BYTE_ORDER_MARK = "\ufeff"  # Without it Excel reads accented letters wrongly.
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


@require_safe
def data(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    counts, sizes = connection.row_counts.by_stream(), connection.row_counts.bytes_by_stream()
    read_at = dict(connection.stream_healths.values_list("stream", "read_at"))
    # Of what is no longer chosen, the rows that came before stay, and rows that are gone from the account take room.
    listed = connection.streams_among({*connection.stream_keys, *counts, *sizes})
    context = {
        **strip(request, connection),
        "streams": [
            {
                "stream": one,
                "count": counts.get(one.key, 0),
                "size": sizes.get(one.key, 0),
                "is_pulled": one.key in connection.stream_keys,
                "read_at": read_at.get(one.key),
            }
            for one in listed
        ],
        "records": sum(counts.values()),
        "room": room_of(connection),
    }
    return render(request, "connections/data/data.html", context)


@require_safe
def rows(request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    reader = Reader(connection)
    form = RowsForm(request.GET, stream=chosen, reader=reader)
    context = {
        "workspace": connection.workspace,
        "connection": connection,
        "stream": chosen,
        "form": form,
        "found": look(reader, chosen, form.asked()),
        "latest": connection.syncs.newest_first().first(),
    }
    return render(request, "connections/data/rows.html", context)


@require_safe
def row(request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str) -> HttpResponse:
    """One row with all that it holds, what refers to it, and what became of it."""
    connection = access.visible_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    named = request.GET.get("id", "").replace("\x00", "")  # Which PostgreSQL would not even compare.
    record = get_object_or_404(connection.records.filter(stream=stream), external_id=named)
    reader = Reader(connection)
    context = {
        "workspace": connection.workspace,
        "connection": connection,
        "stream": chosen,
        "record": record,
        "name": reader.name(chosen, record.external_id, record.label or "", record.data),
        "whole": whole(reader, chosen, record),
        "referring": [*referring(reader, chosen, record)],
        "happened": happened(reader, chosen, record),
    }
    return render(request, "connections/data/row.html", context)


@require_safe
def download(
    request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str, format: str
) -> HttpResponseBase:
    connection = access.visible_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    try:
        form = RowsForm(request.GET, stream=chosen, reader=Reader(connection))
        sought = form.sought()
        is_as_shown = format == "csv" and "shown" in request.GET
        if is_as_shown:
            found = as_shown(connection, chosen, form.chosen(), form.place(), sought=sought)
        elif format == "csv":
            found = for_spreadsheets(connection, chosen, sought=sought)
        else:
            found = pieces(connection, chosen, format, sought=sought)
    except Unsealable:
        messages.error(request, "The stored address cannot be read any more, and the rows repeat it. Enter it again.")
        return redirect(connection)
    name = file_name(connection, chosen, *(["as-shown"] if is_as_shown else []))
    headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"'}
    if request.method == "HEAD":  # A look at the headers brings no row.
        return HttpResponse(content_type=CONTENT_TYPES[format], headers=headers)
    require_room_for_download(request.user)
    begun = [BYTE_ORDER_MARK] if format == "csv" else []
    whole = Download(
        chain(begun, found),
        to=request.user,
        workspace=connection.workspace,
        may_see=partial(access.still_visible, request, connection),
    )
    connection.record("exported", by=request.user, detail=f"{chosen.name} as {FORMAT_WORDS[format]}")
    return StreamingHttpResponse(whole, content_type=CONTENT_TYPES[format], headers=headers)


def file_name(connection: Connection, stream: Stream, *kind: str) -> str:
    """Plain ASCII, so that every browser and disk keeps it; a name of other letters alone falls to the source's."""
    named = slugify(connection.name) or slugify(connection.source_key)
    return "-".join([named, slugify(stream.key), *kind])
