"""The detail and edit page of a connection, and what can be done there."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from connections.access import access
from connections.access.requests import PersonRequest
from connections.access.seldom import seldom
from connections.checking.checking import check
from connections.checking.trying import counted_try
from connections.forms.details import form_for
from connections.frame.just_saved import was_just_saved
from connections.frame.live_check import end_check, go_on_in_a_worker, polled, what_was_posted
from connections.frame.moving_part import moving_part
from connections.frame.tabs import pressed_on
from connections.keeping.editing import BelongsElsewhere, EditConflict, WhoseAccount, save_edit
from connections.keeping.forms import EditForm
from connections.keeping.standby_form import StandbyForm, standby_hint
from connections.login import confirming
from connections.models import Connection
from connections.models.sync import AlreadyActive, Trigger
from connections.safe.sealing import Unsealable
from sources.errors import SourceError, TooSlow

SHOWN_EVENTS = 2
MOST_SIBLINGS = 50  # In the list beside a connection; the others are found on their source's page.


@sensitive_post_parameters("api_key")
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """The connection, and for those who manage it the form that edits it."""
    if request.method == "POST":
        connection = access.manageable_connection(request, workspace, source, pk)
        data = what_was_posted(request, connection)
        return redirect(connection) if data is None else edit(request, connection, data)
    connection = access.visible_connection(request, workspace, source, pk)
    if request.htmx:
        return polled(request, connection)
    form = shown_form(request, connection) if connection.may_manage and connection.source else None
    return detail_page(request, connection, form)


@sensitive_variables()
def edit(request: PersonRequest, connection: Connection, data: QueryDict) -> HttpResponse:
    if connection.source is None:
        messages.error(request, f"{connection.source_name} is no longer part of BlinkMetrics. Nothing was saved.")
        return redirect(connection)
    form = edit_form(request, connection, data=data)
    is_valid = form.is_valid()
    was_confirmed = data is not request.POST or confirming.is_recent(request)
    if form.touches_credentials and not was_confirmed:
        return ask_to_confirm(request, connection, form)
    if not is_valid:
        return detail_page(request, connection, form)
    try:
        said = save_edit(connection, form, by=request.user)
    except EditConflict as conflict:
        messages.error(request, str(conflict))
        return conflict_page(request, connection, form)
    except TooSlow:
        go_on_in_a_worker(request, connection, data, form.credentials())
        return redirect(connection)
    except WhoseAccount as question:
        form.ask_whose_account(question.evidence)
        return detail_page(request, connection, form)
    except BelongsElsewhere as elsewhere:
        end_check(request, connection)
        messages.info(request, "Nothing was changed here. This is the set-up of the other account.")
        return redirect(elsewhere.draft.url("set_up"))
    except SourceError as failure:
        end_check(request, connection)
        form.refuse(failure)
        return detail_page(request, connection, form, status=form.refusal_status)
    end_check(request, connection)
    messages.success(request, said)
    # Who narrowed the privacy may just have lost the connection.
    return redirect(connection if access.still_visible(request, connection) else connection.list_url())


def ask_to_confirm(request: PersonRequest, connection: Connection, form: EditForm) -> HttpResponse:
    """Nothing is stored, and the key nowhere kept; what else was typed waits until they come back."""
    confirming.keep_typing(request, connection, form.typed())
    messages.info(request, "Nothing was saved yet. Confirm your password; then paste the key again.")
    return redirect(confirming.confirm_url(connection.get_absolute_url()))


def conflict_page(request: PersonRequest, connection: Connection, form: EditForm) -> HttpResponse:
    present = access.manageable_connection(request, connection.workspace.slug, connection.source_key, connection.pk)
    return detail_page(request, present, form.shown_again(version=present.version), status=409)


def shown_form(request: PersonRequest, connection: Connection) -> EditForm:
    typed = confirming.take_typing(request, connection)
    form = edit_form(request, connection, typed=typed)
    if typed:
        form.resume()
    return form


def edit_form(
    request: PersonRequest, connection: Connection, data: object = None, typed: Mapping[str, str] | None = None
) -> EditForm:
    initial = {**initial_of(connection), **(typed or {})}
    form: EditForm = form_for(EditForm, connection.source_key)(
        data,
        initial=initial,
        connection=connection,
        sharers=access.sharers(request, connection),
        user=request.user,
        workspace=connection.workspace,
    )
    return form


def initial_of(connection: Connection) -> dict[str, object]:
    try:
        api_url = connection.address()
    except Unsealable:
        api_url = ""
    fields = {field: getattr(connection, field) for field in ("name", "privacy", "team", "version")}
    return {**fields, "api_url": api_url}


def new_standby_form(connection: Connection, data: object = None) -> StandbyForm:
    form: StandbyForm = form_for(StandbyForm, connection.source_key)(data)
    return form


def standby_confirm_url(connection: Connection) -> str:
    return confirming.confirm_url(f"{connection.get_absolute_url()}#standby-heading")


def standby_part(request: PersonRequest, connection: Connection, form: StandbyForm | None) -> dict[str, object]:
    """For those who manage the connection."""
    standby, form = access.standby_of(connection), form or new_standby_form(connection)
    return {
        "standby": standby,
        "standby_hint": standby_hint(standby, viewer=request.user) if standby else "",
        "standby_form": form,
        "standby_confirm_url": "" if confirming.is_recent(request) else standby_confirm_url(connection),
        "form_has_errors": bool(form.errors),
    }


def detail_page(
    request: PersonRequest,
    connection: Connection,
    form: EditForm | None,
    *,
    standby_form: StandbyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    siblings = [*access.siblings(request, connection)[:MOST_SIBLINGS]]
    there = seldom(request, connection)
    context = {
        **moving_part(request, connection),
        "is_new": was_just_saved(request, connection),
        "live_check": access.my_check(request, connection) if there.my_check and request.method != "POST" else None,
        "siblings": [shown_beside(connection, sibling) for sibling in siblings],
        "sibling_count": siblings[0].of_all if siblings else 0,
        "form": form,
        "confirm_url": "" if confirming.is_recent(request) else confirming.confirm_url(connection.get_absolute_url()),
        "missing": access.missing_of(connection) if there.missing and connection.may_manage else [],
        "hidden": access.hidden_of(connection) if there.hidden and form else None,
        "audience": connection.audience,  # For those who may not change it.
        "events": access.events_of(request, connection)[:SHOWN_EVENTS],
        **(standby_part(request, connection, standby_form) if form else {}),
    }
    return render(request, "connections/keeping/detail.html", context, status=status)


def shown_beside(connection: Connection, sibling: Any) -> tuple[str, ...]:
    """In the order of `_siblings.html`: there are up to fifty, and a template takes its time to look each part up."""
    sibling.workspace = connection.workspace
    host = sibling.host or "unreadable address"
    return sibling.get_absolute_url(), sibling.name, host, sibling.shown_health, sibling.health_word


@require_POST
def test(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    if "go_on" in request.POST:
        return tell_test(request, connection)
    tested_key = connection.key_stored_at
    try:
        with counted_try(
            connection.account_fingerprint, by=request.user, workspace=connection.workspace, tests=connection
        ):
            check(connection, by=request.user)
    except TooSlow:
        go_on_in_a_worker(request, connection, request.POST)
    except SourceError as failure:
        messages.error(request, str(failure))
    else:
        another = "" if connection.key_stored_at == tested_key else " That is another key than before: see Activity."
        messages.success(request, f"{works_words(connection)}{another}")
    return redirect(connection)


def tell_test(request: PersonRequest, connection: Connection) -> HttpResponse:
    """What came of one that went on in a worker, where it was noted."""
    live_check = access.my_check(request, connection)
    if live_check and live_check.is_over:
        try:
            live_check.told()
        except SourceError as failure:
            messages.error(request, str(failure))
        else:
            messages.success(request, works_words(connection))
        live_check.delete()
    return redirect(connection)


def works_words(connection: Connection) -> str:
    return f"It works: {connection.source_name} answered as {connection.person}."


@require_POST
@transaction.atomic
def pause(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.manageable_now(request, workspace, source, pk)
    if not connection.is_paused:
        connection.pause(by=request.user)
    messages.success(request, "Paused. Nothing is synced until somebody resumes it.")
    return redirect(connection)


@require_POST
@transaction.atomic
def resume(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.manageable_now(request, workspace, source, pk)
    if connection.is_paused:
        connection.resume(by=request.user)
        if connection.is_scheduled and not connection.needs_action:
            with suppress(AlreadyActive):  # Queued at once, so that the page shows it coming.
                connection.syncs.queue(connection, trigger=Trigger.PERSON, by=request.user)
    messages.success(request, f"Resumed. {what_follows(connection)}", extra_tags="passing")
    return redirect(pressed_on(request, connection))


def what_follows(connection: Connection) -> str:
    if connection.is_full:
        return "It waits for room: press Sync now once there is some."
    if connection.needs_action:
        return "It waits for another key."
    return "A sync starts in a moment." if connection.is_scheduled else "It syncs when somebody presses Sync now."


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """GET asks first, and says what goes with it."""
    connection = access.manageable_connection(request, workspace, source, pk)
    if request.method == "POST":
        connection.remove(by=request.user)
        messages.success(request, f"{connection.name} was deleted, with its key and its data.")
        return redirect(connection.list_url())
    counts = connection.row_counts.by_stream()
    context = {
        "workspace": connection.workspace,
        "connection": connection,
        "records": sum(counts.values()),
        "audience": connection.audience(),
        "syncs": connection.syncs.count(),
    }
    return render(request, "connections/keeping/delete.html", context)
