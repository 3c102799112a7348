"""What can be done with the data that was hidden when a connection went to another account."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from connections.access import access
from connections.access.requests import PersonRequest
from connections.keeping.parting import NothingHidden, erase_now, take_back
from connections.login import confirming
from connections.models import Connection

Act = Callable[..., None]


@require_POST
def take_back_former(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.manageable_connection(request, workspace, source, pk)
    return done(request, connection, take_back, "The data of before is back. Enter the key of that account.")


@require_http_methods(["GET", "HEAD", "POST"])
def erase_former(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """GET asks first."""
    connection = access.manageable_connection(request, workspace, source, pk)
    hidden = access.hidden_of(connection)
    if request.method != "POST" and hidden:
        context = {"workspace": connection.workspace, "connection": connection, "hidden": hidden}
        return render(request, "connections/keeping/erase_former.html", context)
    if request.method != "POST":
        messages.info(request, "There is no hidden data any more.")
        return redirect(connection)
    return done(request, connection, erase_now, "The hidden data is being erased.")


def done(request: PersonRequest, connection: Connection, act: Act, said: str) -> HttpResponse:
    if not confirming.is_recent(request):
        messages.info(request, "Nothing was changed yet. Confirm your password; then press the button again.")
        return redirect(confirming.confirm_url(connection.get_absolute_url()))
    try:
        act(connection, by=request.user)
    except NothingHidden as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect(connection)
