"""What can be done with the standby key of a connection."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from connections.access import access
from connections.access.requests import PersonRequest
from connections.frame.live_check import end_check, go_on_in_a_worker, what_was_posted
from connections.keeping.standby_form import StandbyForm
from connections.keeping.standing_by import remove_standby, store_standby
from connections.keeping.views import detail_page, new_standby_form, shown_form, standby_confirm_url
from connections.login import confirming
from connections.models import Connection
from sources.errors import SourceError, TooSlow
from sources.spec import Credentials


@sensitive_post_parameters("standby-api_key")
@sensitive_variables()
@require_POST
def store(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.manageable_connection(request, workspace, source, pk)
    if connection.source is None:
        messages.error(request, f"{connection.source_name} is no longer part of BlinkMetrics. Nothing was saved.")
        return redirect(connection)
    data = what_was_posted(request, connection)
    if data is None:
        return redirect(connection)
    if data is request.POST and not confirming.is_recent(request):
        return ask_to_confirm(request, connection, then="paste the key again")
    form = new_standby_form(connection, data=data)
    try:
        is_stored = form.is_valid() and stored(request, connection, form)
    except TooSlow:
        credentials = Credentials(api_url=connection.address(), api_key=form.cleaned_data["api_key"])
        go_on_in_a_worker(request, connection, data, credentials)
        return redirect(connection)
    end_check(request, connection)
    if is_stored:
        return redirect(connection)
    edit = shown_form(request, connection)
    return detail_page(request, connection, edit, standby_form=form, status=form.refusal_status)


def stored(request: PersonRequest, connection: Connection, form: StandbyForm) -> bool:
    try:
        proof = store_standby(connection, form.cleaned_data["api_key"], by=request.user)
    except TooSlow:
        raise
    except SourceError as failure:
        form.refuse(failure)
        return False
    messages.success(request, f"Stored. If the first key is refused, that of {proof.person} takes over.")
    return True


@require_POST
def remove(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.manageable_connection(request, workspace, source, pk)
    if not confirming.is_recent(request):
        return ask_to_confirm(request, connection, then="press Remove again")
    if remove_standby(connection, by=request.user):
        messages.success(request, "Removed. Nothing takes over any more when the first key is refused.")
    else:
        messages.info(request, "There was no standby key any more.")
    return redirect(connection)


def ask_to_confirm(request: PersonRequest, connection: Connection, *, then: str) -> HttpResponse:
    messages.info(request, f"Nothing was changed yet. Confirm your password; then {then}.")
    return redirect(standby_confirm_url(connection))
