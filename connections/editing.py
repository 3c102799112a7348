"""Saves an edit: new credentials are proven first, and what others changed meanwhile is respected."""

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connections.checking import ask, note_success, unreadable_key
from connections.forms import EditForm
from connections.models import Connection, Privacy, Sync, User
from connections.models.sync import Trigger
from connections.sealing import Unsealable
from sources.spec import Credentials

EDITABLE = ("name", "privacy", "api_url", "api_key")
ORDER_OF_PRIVACY = (Privacy.PRIVATE, Privacy.TEAM, Privacy.WORKSPACE)


class EditConflict(Exception):
    """Somebody else changed the same field since the form was rendered."""


@sensitive_variables("credentials")
def save_edit(connection: Connection, form: EditForm, *, by: User) -> str:
    """Save a valid form; returns what to say. Raises EditConflict and SourceError, and saves nothing then."""
    if form.conflicts:
        raise EditConflict
    if not form.changes_credentials:
        store(connection, form, by=by)
        return "Saved."
    try:
        credentials = form.credentials()
    except Unsealable:
        raise unreadable_key() from None
    proof = ask(connection.known_source(), credentials)
    row = store(connection, form, by=by, proven=credentials)
    note_success(row, proof)
    if not row.is_paused:
        Sync.objects.queue(row, trigger=Trigger.NEW_KEY, by=by)
    return f"Saved. The new credentials work: {connection.source_name} answered as {proof.person}."


@transaction.atomic
def store(connection: Connection, form: EditForm, *, by: User, proven: Credentials | None = None) -> Connection:
    row = Connection.objects.select_for_update().get(pk=connection.pk)
    if row.version != connection.version:
        # Somebody saved while the new credentials were being proven: look again at what they changed.
        raise EditConflict
    before = {field: row.value_of(field) for field in EDITABLE}
    row.name, row.privacy, row.team = (form.cleaned_data[field] for field in ("name", "privacy", "team"))
    if proven:
        row.keep_credentials(proven, by=by)
        row.stop_syncs("The key was replaced during the sync.")
    elif is_narrower(before["privacy"], row.privacy):
        row.stop_syncs("The privacy was narrowed during the sync.")
    row.save_changes(before, by=by)
    return row


def is_narrower(before: str, after: str) -> bool:
    was, now = (ORDER_OF_PRIVACY.index(Privacy(value.partition(":")[0])) for value in (before, after))
    return now < was
