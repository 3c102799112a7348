"""Brings a draft through the stepper: keeps what was typed, tries it, stores it, and makes it a connection."""

from typing import Any, Protocol

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connections.access.access import hold_membership
from connections.checking.checking import account_of, ask, count
from connections.checking.going_on import told_before
from connections.checking.patience import of_a_person
from connections.checking.trying import counted_try
from connections.models import Connection, State, Sync, User, Workspace
from connections.models.check_try import TooManyAtOnce, TooManyTries
from connections.models.sync import Trigger
from connections.safe.sealing import Unsealable
from sources.errors import NoCallFree, SourceError, TemporarilyDown
from sources.spec import Counted, Credentials, Proof, Source

MOST_DRAFTS = 20  # Of one person. Each holds what was typed, and nobody comes back to so many.


class SetUp(Protocol):
    """A valid form of step 2."""

    cleaned_data: dict[str, Any]

    def credentials(self) -> Credentials: ...

    def require_team(self) -> None: ...


class Finish(Protocol):
    """A valid form of step 3. `version` is that of the draft which the person was shown."""

    cleaned_data: dict[str, Any]

    def require_team(self) -> None: ...


class NoLongerADraft(Exception):
    """Another tab or click was first: the set-up is finished, or discarded."""


class SetUpChanged(Exception):
    """The set-up is not what the person saw when they pressed Finish."""


def begin(workspace: Workspace, source: Source, *, by: User) -> Connection:
    """My draft of this source that nothing was typed into yet, else a new one."""
    draft: Connection = Connection.objects.take_up_draft(workspace=workspace, user=by, source=source)
    return draft


@transaction.atomic
def drop_oldest(*, by: User) -> list[Connection]:
    """The set-ups beyond the most that one person may leave unfinished are deleted, and returned to be told of."""
    unfinished = Connection.objects.drafts_of(by).select_for_update().order_by("-created_at", "-pk")
    dropped = [*unfinished[MOST_DRAFTS:]]
    Connection.objects.filter(pk__in=[draft.pk for draft in dropped]).delete()
    return dropped


def lock(draft: Connection) -> None:
    """Within a transaction: bring the draft up to date, and let nobody else change it, nor take its creator out.

    Raises NoLongerADraft, and Http404 when they have just left.
    """
    hold_membership(draft.created_by_id, workspace=draft.workspace_id)
    try:
        draft.refresh_from_db(from_queryset=Connection.objects.select_for_update(no_key=True).filter(state=State.DRAFT))
    except Connection.DoesNotExist as gone:
        raise NoLongerADraft from gone


@transaction.atomic
def keep_typed(draft: Connection, typed: dict[str, str]) -> None:
    """Raises NoLongerADraft."""
    lock(draft)
    draft.remember_typed(typed)


@transaction.atomic
def discard(draft: Connection) -> None:
    """Raises NoLongerADraft."""
    lock(draft)
    draft.delete()


@sensitive_variables("credentials")
def set_up(draft: Connection, form: SetUp, *, by: User, untested_will_do: bool) -> None:
    """Try what a valid form holds, and store it.

    Raises SourceError when the account says no, Unsealable when the held key cannot be opened, and NoLongerADraft.
    """
    credentials = form.credentials()
    try:
        proof, counted = prove(draft, credentials, by=by, untested_will_do=untested_will_do)
    except SourceError as failure:
        settle_key(draft, credentials, failure, by=by)
        raise
    store(draft, form, credentials, proof, counted, by=by)


@sensitive_variables("credentials")
def keep_right_key(draft: Connection, credentials: Credentials, *, by: User) -> None:
    """Try a key beside which another field is wrong: one that is right need not be pasted again.

    Raises what `set_up` raises.
    """
    try:
        with counted_try(account_of(credentials), by=by, workspace=draft.workspace):
            ask(draft.known_source(), credentials, of_a_person())
    except SourceError as failure:
        settle_key(draft, credentials, failure, by=by)
        raise
    with transaction.atomic():
        lock(draft)
        draft.hold_key(credentials, by=by, was_tried=False)


def prove(
    draft: Connection, credentials: Credentials, *, by: User, untested_will_do: bool
) -> tuple[Proof | None, Counted]:
    """Ask the account, unless it could not be asked a moment ago and the person goes on without.

    Also how much there is of each stream, as far as it says that in the time: Finish then knows how long a pull takes,
    and what of it is not offered.
    """
    if untested_will_do and draft.holds_untested(credentials):
        return None, Counted()
    if told := told_before(draft, credentials, by=by):
        return told["proof"], Counted(totals=told["totals"], refused=told.get("refused", {}))
    source, patience = draft.known_source(), of_a_person()
    with counted_try(account_of(credentials), by=by, workspace=draft.workspace):
        proof = ask(source, credentials, patience)
        return proof, count(source, credentials, proof.counts, patience)


@transaction.atomic
def settle_key(draft: Connection, credentials: Credentials, failure: SourceError, *, by: User) -> None:
    """A key that could not be tried is held for the next try; one that was answered with a no is not kept.

    Without testing only a key is saved that was sent off: else whoever fills all places stores keys as they like.
    """
    if isinstance(failure, TooManyTries):
        return  # Nothing was asked, so nothing is known.
    lock(draft)
    if isinstance(failure, TooManyAtOnce | NoCallFree):
        if not has_same(draft, credentials):
            draft.hold_key(credentials, by=by, was_tried=False)
    elif isinstance(failure, TemporarilyDown):
        draft.hold_key(credentials, by=by, was_tried=True)
    elif draft.has_key and (not draft.set_up_at or has_same(draft, credentials)):
        draft.forget_key()
        draft.save()


def has_same(draft: Connection, credentials: Credentials) -> bool:
    try:
        return draft.has_key and draft.credentials() == credentials
    except Unsealable:
        return False


@transaction.atomic
def store(
    draft: Connection,
    form: SetUp,
    credentials: Credentials,
    proof: Proof | None,
    counted: Counted,
    *,
    by: User,
) -> None:
    # The check may have taken many seconds, in which another tab finished this set-up.
    lock(draft)
    form.require_team()
    name, privacy, team = (form.cleaned_data[field] for field in ("name", "privacy", "team"))
    draft.set_up(credentials, proof, counted, name=name, privacy=privacy, team=team, by=by)


@transaction.atomic
def activate(draft: Connection, form: Finish, *, by: User) -> None:
    """Make the draft a connection, with the privacy that was looked at last, and queue its first sync.

    The pace is that of the first sync alone: the everyday one stays considerate until somebody chooses otherwise. What
    the account has just refused is not asked for again in it.

    Raises SetUpChanged, TeamLost and NoLongerADraft.
    """
    lock(draft)
    chosen = form.cleaned_data
    if not draft.set_up_at or (chosen["version"] and chosen["version"] != str(draft.version)):
        raise SetUpChanged
    form.require_team()
    draft.privacy, draft.team = chosen["privacy"], chosen["team"]
    refused = draft.take_refused()
    draft.activate(by=by)
    Sync.objects.queue(draft, trigger=Trigger.FIRST, by=by, pace=chosen["pace"]).skip(refused)
