"""Saves an edit: new credentials are proven first, and what others changed meanwhile is respected."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connections.access.access import hold_membership, present_row
from connections.checking.checking import account_of, ask, note_success, unreadable_key
from connections.checking.going_on import told_before
from connections.checking.patience import of_a_person
from connections.checking.recognising import Verdict, whose_account
from connections.checking.trying import counted_try
from connections.models import Connection, Membership, Privacy, StandbyKey, Sync, User
from connections.models.people import in_words
from connections.models.sync import AlreadyActive, Trigger
from connections.safe.sealing import Unsealable
from sources.spec import Credentials, Proof, host_of

EDITABLE = ("name", "privacy", "api_url", "api_key")
OTHERS_CHANGED = "Which connections use this key has changed meanwhile. Look again, then enter the key and save."
SEPARATE, REPLACE = "separate", "replace"
ORDER_OF_PRIVACY = (Privacy.PRIVATE, Privacy.TEAM, Privacy.WORKSPACE)


@dataclass(frozen=True)
class Proven:
    """New credentials, and what the account said to them."""

    credentials: Credentials
    proof: Proof
    parts: bool = False
    """They are of another account: the rows of before must not be seen beside theirs."""


class EditConflict(Exception):
    """Somebody else changed the same field since the form was rendered. The text is for the person."""


class WhoseAccount(Exception):
    """The new credentials are not proven to be the same account's, and the person has not said what to do then."""

    def __init__(self, evidence: str) -> None:
        super().__init__(evidence)
        self.evidence = evidence


class BelongsElsewhere(Exception):
    """The person wants the account to be a connection of its own: `draft` is its set-up."""

    def __init__(self, draft: Connection) -> None:
        super().__init__()
        self.draft = draft


class Edit(Protocol):
    """A form that was posted, and that comes to terms with what others changed meanwhile."""

    cleaned_data: dict[str, Any]
    conflicts: Sequence[Any]

    @property
    def changes_credentials(self) -> bool: ...

    @property
    def changes_privacy(self) -> bool: ...

    @property
    def also_in(self) -> dict[UUID, int]: ...

    @property
    def wanted_account(self) -> str: ...

    def credentials(self) -> Credentials: ...

    def typed(self) -> dict[str, str]: ...

    def is_valid(self) -> bool: ...

    def meet(self, row: Connection) -> None: ...

    def require_team(self) -> None: ...


@sensitive_variables("credentials")
def save_edit(connection: Connection, form: Edit, *, by: User) -> str:
    """Save a valid form; returns what to say.

    Saves nothing when it raises EditConflict, SourceError, Http404, WhoseAccount or BelongsElsewhere.
    """
    refuse_conflicts(form)
    before = readers(connection) if form.changes_privacy else []
    if not form.changes_credentials:
        was_syncing = connection.syncs.active().exists()
        (row,) = store(connection, form, by=by)
        return " ".join(filter(None, ["Saved.", change_of_access(row, before), beginning_anew(row, was_syncing)]))
    try:
        credentials = form.credentials()
    except Unsealable:
        raise unreadable_key() from None
    proof, verdict = prove(connection, credentials, by=by)
    if not verdict.is_same and form.wanted_account != REPLACE:
        raise another_account(connection, form, credentials, verdict, by=by)
    standby = StandbyKey.objects.of(connection)
    row, *others = store(connection, form, by=by, proven=Proven(credentials, proof, parts=not verdict.is_same))
    for each in (row, *others):
        note_success(each, proof)
        pull_with_new_key(each, by=by)
    said = f"Saved. The new credentials work: {connection.source_name} answered as {proof.person}."
    if not verdict.is_same:
        said += " The data of before is hidden now."
    more = [replaced_in(others), loss_of_standby(row, standby), change_of_access(row, before)]
    return " ".join(filter(None, [said, *more]))


@sensitive_variables("credentials")
def another_account(
    connection: Connection, form: Edit, credentials: Credentials, verdict: Verdict, *, by: User
) -> WhoseAccount | BelongsElsewhere:
    if form.wanted_account != SEPARATE:
        return WhoseAccount(verdict.evidence)
    return BelongsElsewhere(begin_separately(connection, form.typed(), credentials, by=by))


@sensitive_variables("credentials")
def prove(connection: Connection, credentials: Credentials, *, by: User) -> tuple[Proof, Verdict]:
    if told := told_before(connection, credentials, by=by):
        return told["proof"], Verdict(is_same=told["is_same"], evidence=told["evidence"])
    patience = of_a_person()
    with counted_try(account_of(credentials), by=by, workspace=connection.workspace):
        proof = ask(connection.known_source(), credentials, patience)
        return proof, whose_account(connection, credentials, proof, patience)


@transaction.atomic
@sensitive_variables("credentials")
def begin_separately(
    connection: Connection, typed: dict[str, str], credentials: Credentials, *, by: User
) -> Connection:
    """A set-up of its own, with what was typed."""
    source = connection.known_source()
    draft: Connection = Connection.objects.take_up_draft(workspace=connection.workspace, user=by, source=source)
    draft.remember_typed({field: typed[field] for field in ("api_url", "name", "privacy", "team")})
    draft.hold_key(credentials, by=by, was_tried=False)
    return draft


def refuse_conflicts(form: Edit) -> None:
    if form.conflicts:
        raise EditConflict("Nothing was saved yet: somebody else changed the same thing.")


@transaction.atomic
def store(connection: Connection, form: Edit, *, by: User, proven: Proven | None = None) -> list[Connection]:
    """Returns the row, and then the others that got the same key."""
    hold_membership(by.pk, workspace=connection.workspace_id)
    others = locked_others(connection, form.also_in, by=by)
    row = present_row(connection, by=by)
    if row.version != connection.version:
        settle_again(row, form, proven=proven)
    form.require_team()
    before = {field: row.value_of(field) for field in EDITABLE}
    row.name, row.privacy, row.team = (form.cleaned_data[field] for field in ("name", "privacy", "team"))
    if proven:
        put_in(row, proven, by=by)
        for other in others:
            replace_key(other, proven, by=by)
    elif is_narrower(before["privacy"], row.privacy):
        row.go_on_after(row.stop_syncs("The privacy was narrowed during the sync."))
    row.save_changes(before, by=by)
    return [row, *others]


def locked_others(connection: Connection, wanted: dict[UUID, int], *, by: User) -> list[Connection]:
    """All that get the new key, too, by the rules of now. Raises EditConflict unless each is as it was seen."""
    if not wanted:
        return []
    # In one order for everybody: two people who begin at different ends must not wait for each other.
    rows = Connection.objects.filter(pk__in=[connection.pk, *wanted]).order_by("pk")
    list(rows.select_for_update(no_key=True))
    others = Connection.objects.sharing_key(connection, user=by).filter(pk__in=wanted).select_related("workspace")
    if {other.pk: other.version for other in others} != wanted:
        raise EditConflict(f"Nothing was saved. {OTHERS_CHANGED}")
    return list(others)


def replace_key(other: Connection, proven: Proven, *, by: User) -> None:
    before = {"api_key": other.value_of("api_key")}
    put_in(other, proven, by=by)
    other.save_changes(before, by=by)


def put_in(row: Connection, proven: Proven, *, by: User) -> None:
    """The caller has locked the row, and saves it."""
    settle_standby(row, proven, by=by)
    if proven.parts:
        row.part_from_rows()
        row.record("hid the data of before", by=by, detail="It can be taken back for seven days.")
    row.keep_credentials(proven.credentials, by=by)
    row.stop_syncs("The key was replaced during the sync.")


def settle_standby(row: Connection, proven: Proven, *, by: User) -> None:
    """It stays unless it is for another account now, or would die together with the new key."""
    standby = StandbyKey.objects.of(row)
    if standby and row.host != host_of(proven.credentials.api_url):
        standby.discard(by=by, detail="It was for the API URL before.")
    elif standby and standby.is_of(proven.proof):
        standby.discard(by=by, detail="The new key belongs to the same person.")


def settle_again(row: Connection, form: Edit, *, proven: Proven | None) -> None:
    """Somebody saved while the new credentials were being proven: look at what they changed before going on."""
    form.meet(row)
    refuse_conflicts(form)
    if not form.is_valid() or (proven and form.credentials() != proven.credentials):
        raise EditConflict(
            "Nothing was saved: somebody else changed this connection while the new key was being tested. "
            "Look it over, enter the key again and save."
        )


def is_narrower(before: str, after: str) -> bool:
    was, now = (ORDER_OF_PRIVACY.index(Privacy(value.partition(":")[0])) for value in (before, after))
    return now < was


def readers(connection: Connection) -> list[Membership]:
    """The members who may use it, by the one rule."""
    members = connection.workspace.memberships.select_related("user")
    return [one for one in members if Connection.objects.visible_to(one.user).filter(pk=connection.pk).exists()]


def change_of_access(row: Connection, before: list[Membership]) -> str:
    """`before` is empty where the privacy stays."""
    after = readers(row) if before else []
    lost = [str(one) for one in before if one not in after]
    won = [str(one) for one in after if one not in before]
    said = [f"No longer able to use it: {in_words(lost)}."] if lost else []
    return " ".join([*said, f"Now also able to use it: {in_words(won)}."] if won else said)


def beginning_anew(row: Connection, was_syncing: bool) -> str:
    is_stopped = was_syncing and not row.syncs.active().exists() and not row.is_paused
    return "The sync that was under way was stopped, and begins anew." if is_stopped else ""


def replaced_in(others: list[Connection]) -> str:
    return f"Also replaced in: {', '.join(other.name for other in others)}." if others else ""


def loss_of_standby(row: Connection, before: StandbyKey | None) -> str:
    is_lost = before is not None and not StandbyKey.objects.of(row)
    return "There is no standby key any more; Activity says why." if is_lost else ""


def pull_with_new_key(row: Connection, *, by: User) -> None:
    if not row.is_paused:
        with suppress(AlreadyActive):  # The schedule was quicker; its sync opens the key when it begins.
            Sync.objects.queue(row, trigger=Trigger.NEW_KEY, by=by)
