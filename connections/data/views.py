"""The pages about what was pulled: streams, rows and downloads."""

import json
from functools import partial
from itertools import chain
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from connections.access import access
from connections.access.acting import require_room_for_download
from connections.access.requests import PersonRequest
from connections.data.exporting import for_spreadsheets, pieces, values_of
from connections.data.places import Download
from connections.models import Connection, Record
from connections.models.bounds import room_of
from connections.models.record import RecordQuerySet
from connections.safe.sealing import Unsealable
from sources.spec import Stream

PAGE_SIZE = 50
LONGEST_ROW = 200_000  # Letters on its page; the files have all.
A_FIELD = 100  # Letters that a field takes on a page beside its own.
FORMAT_WORDS = {"csv": "CSV", "jsonl": "JSON lines"}
BYTE_ORDER_MARK = "\ufeff"  # Without it Excel reads accented letters wrongly.
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


@require_safe
def data(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    counts, sizes = connection.row_counts.by_stream(), connection.row_counts.bytes_by_stream()
    # Of what is no longer chosen, the rows that came before stay, and rows that are gone from the account take room.
    listed = connection.streams_among({*connection.stream_keys, *counts, *sizes})
    context = {
        "workspace": connection.workspace,
        "connection": connection,
        "streams": [
            {
                "stream": one,
                "count": counts.get(one.key, 0),
                "size": sizes.get(one.key, 0),
                "is_pulled": one.key in connection.stream_keys,
            }
            for one in listed
        ],
        "records": sum(counts.values()),
        "room": room_of(connection),
        "may_manage": connection.may_manage,
    }
    return render(request, "connections/data/data.html", context)


@require_safe
def rows(request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    page = Paginator(connection.records.living().filter(stream=stream).newest_first(), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "workspace": connection.workspace,
        "connection": connection,
        "stream": chosen,
        "page": page,
        "rows": cast(RecordQuerySet, page.object_list).shown(chosen),
        "latest": connection.syncs.newest_first().first(),
    }
    return render(request, "connections/data/rows.html", context)


@require_safe
def row(request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str) -> HttpResponse:
    """One row with all that it holds."""
    connection = access.visible_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    named = request.GET.get("id", "").replace("\x00", "")  # Which PostgreSQL would not even compare.
    record = get_object_or_404(connection.records.filter(stream=stream), external_id=named)
    context = {
        "workspace": connection.workspace,
        "connection": connection,
        "stream": chosen,
        "record": record,
        **whole(record, connection),
    }
    return render(request, "connections/data/row.html", context)


def whole(record: Record, connection: Connection) -> dict[str, object]:
    """The fields of a row, as much of them as one page bears."""
    try:
        address = connection.address()
    except Unsealable:
        address = "…"
    left, fields = LONGEST_ROW, []
    values = values_of(record.exact(address=address))
    for name, value in values.items():
        text = json.loads(value) if value.startswith('"') else value
        fields.append((name[:left], text[:left]))
        left -= len(name) + len(text) + A_FIELD
        if left < 0:
            break
    return {"fields": fields, "is_cut": left < 0}


@require_safe
def download(
    request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str, format: str
) -> HttpResponseBase:
    connection = access.visible_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    try:
        found = for_spreadsheets(connection, chosen) if format == "csv" else pieces(connection, chosen, format)
    except Unsealable:
        messages.error(request, "The stored address cannot be read any more, and the rows repeat it. Enter it again.")
        return redirect(connection)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(connection, chosen, format)}"'}
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


def file_name(connection: Connection, stream: Stream, format: str) -> str:
    """Plain ASCII, so that every browser and disk keeps it; a name of other letters alone falls to the source's."""
    named = slugify(connection.name) or slugify(connection.source_key)
    return f"{named}-{slugify(stream.key)}.{format}"
