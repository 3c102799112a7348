"""The pages that say what of an account's rows is left out or hashed, by kind of data and by field."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.frame.reading import field_of, labels_of
from connections.models import Connection
from connections.models.field_rules import Rule
from connections.syncing.choosing_fields import read_what_is_missing, save_rules
from connections.syncing.forms import FieldsForm
from sources.spec import Stream


@require_safe
def fields(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.manageable_connection(request, workspace, source, pk)
    listed = connection.streams_among({*connection.stream_keys, *connection.row_counts.by_stream()})
    lines = [
        {"stream": one, "left_out": ruled(connection, one, Rule.LEAVE_OUT), "hashed": ruled(connection, one, Rule.HASH)}
        for one in listed
    ]
    others = access.sharers(request, connection)
    context = {"workspace": connection.workspace, "connection": connection, "lines": lines, "others": others}
    return render(request, "connections/syncing/fields.html", context)


def ruled(connection: Connection, stream: Stream, wanted: Rule) -> list[str]:
    """What the fields are called with which this is done."""
    rules = connection.rules_of(stream)
    return [label for name, label in labels_of(stream, rules).items() if rules[name] == wanted]


def also_there(connection: Connection, chosen: Stream, before: Mapping[str, str]) -> str:
    """What other data holds under the same name as that which was kept out of this just now."""
    kept_out = {name for name, rule in connection.rules_of(chosen).items() if rule != Rule.KEEP}
    labels = {field_of(chosen, name).label for name in kept_out if before.get(name, Rule.KEEP) == Rule.KEEP}
    found = [
        f"{one.label} is in {stream.name}, too."
        for stream in connection.streams
        for one in stream.facts.fields
        if stream != chosen
        and one.label in labels
        and connection.rules_of(stream).get(one.name, Rule.KEEP) == Rule.KEEP
    ]
    return " ".join(["", *dict.fromkeys(found)])


@require_http_methods(["GET", "HEAD", "POST"])
def fields_of(request: PersonRequest, workspace: str, source: str, pk: UUID, stream: str) -> HttpResponse:
    connection = access.manageable_connection(request, workspace, source, pk)
    chosen = access.offered_stream(connection, stream)
    form = FieldsForm(request.POST if request.method == "POST" else None, connection=connection, stream=chosen)
    if form.is_valid():
        before = connection.rules_of(chosen)
        if saved := save_rules(connection, chosen, form.chosen(), by=request.user):
            more = read_what_is_missing(saved, chosen, before, by=request.user)
            also = also_there(saved, chosen, before)
            messages.success(
                request, f"Saved. {chosen.name} that are here already are being changed to match.{more}{also}"
            )
        else:
            messages.info(request, "Nothing was changed.")
        place = [connection.workspace.slug, connection.source_key, connection.pk]
        return redirect(reverse("connections:fields", args=place))
    context = {"workspace": connection.workspace, "connection": connection, "stream": chosen, "form": form}
    return render(request, "connections/syncing/fields_of.html", context)
