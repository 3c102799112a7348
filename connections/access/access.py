"""The only way from an address to a row: 404 before 403, and nothing that a person may not know about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Min, Q, QuerySet, Window
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from structlog.contextvars import bind_contextvars

from connections.access.requests import PersonRequest
from connections.access.second_factor import has_second_factor
from connections.models import (
    AccountBudget,
    Connection,
    Event,
    Holding,
    LiveCheck,
    Membership,
    MissingRows,
    PersonErasure,
    SignIn,
    StandbyKey,
    Sync,
    Team,
    User,
    Workspace,
)
from connections.models.connection_query import ConnectionQuerySet
from connections.models.event import EventQuerySet
from connections.models.person_erasure import PersonErasureQuerySet
from sources.registry import get_source
from sources.spec import Source, Stream


@dataclass(frozen=True)
class Place:
    """Where a person is: a workspace, and what they are there; and where else they may go."""

    workspace: Workspace
    membership: Membership
    others: Sequence[Workspace]


class SecondFactorNeeded(Exception):
    """The workspace wants two-step login, and this member has not set it up."""


def require_second_factor(request: PersonRequest, workspace: Workspace) -> None:
    """For what members may see. Raises SecondFactorNeeded."""
    if workspace.requires_second_factor and not has_second_factor(request.user):
        raise SecondFactorNeeded(f"{workspace} wants two-step login. Set it up, then go on.")


def my_place(request: PersonRequest, slug: str) -> Place:
    """Raises Http404 for a workspace that I am not a member of, as for one that does not exist.

    A page that is only read asks for it once; whatever changes something asks anew each time.
    """
    asked = asked_before(request)
    if slug not in asked:
        asked[slug] = find_place(request, slug)
    place: Place = asked[slug]
    return place


def place_shown(request: HttpRequest, slug: str) -> Place | None:
    """Where they are, if this page has asked: for what stands around it."""
    found: Place | None = asked_before(request).get(slug)
    return found


def asked_before(request: HttpRequest) -> dict[object, Any]:
    """What is remembered from one question to the next: nothing, unless the page is only read."""
    remembered: dict[object, Any] = vars(request).setdefault("asked_before", {}) if request.method == "GET" else {}
    return remembered


def find_place(request: PersonRequest, slug: str) -> Place:
    mine = [*request.user.memberships.select_related("workspace").order_by("workspace__name")]
    membership = next((one for one in mine if one.workspace.slug == slug), None)
    if membership is None:
        raise Http404("There is no such workspace of theirs.")
    require_second_factor(request, membership.workspace)
    if request.method == "GET":  # A change has locks to take first.
        request.user.note_workspace(membership.workspace)
    others = [one.workspace for one in mine if one is not membership]
    return Place(workspace=membership.workspace, membership=membership, others=others)


def my_workspaces(request: PersonRequest) -> QuerySet[Workspace]:
    return Workspace.objects.of(request.user)


def my_sign_ins(request: PersonRequest) -> QuerySet[SignIn]:
    return SignIn.objects.filter(person=request.user)


def administered_place(request: PersonRequest, slug: str) -> Place:
    place = my_place(request, slug)
    require_administrator(place)
    return place


def require_administrator(place: Place) -> None:
    if not place.membership.is_administrator:
        raise PermissionDenied("Only owners and admins of the workspace may do this.")


def owned_place(request: PersonRequest, slug: str) -> Place:
    place = my_place(request, slug)
    if not place.membership.is_owner:
        raise PermissionDenied("Only owners of the workspace may do this.")
    return place


def administered_team(request: PersonRequest, slug: str, pk: int) -> Team:
    """A team that I may change. Every member may know of it, so others are refused and not misled."""
    place = my_place(request, slug)
    team = get_object_or_404(place.workspace.teams, pk=pk)
    require_administrator(place)
    return team


def person_erasures(place: Place) -> PersonErasureQuerySet:
    """For administrators; members know of none."""
    if not place.membership.is_administrator:
        return PersonErasure.objects.none()
    return PersonErasure.objects.filter(workspace=place.workspace).select_related("asked_by", "confirmed_by")


def administered_erasure(request: PersonRequest, slug: str, pk: int) -> PersonErasure:
    place = administered_place(request, slug)
    return get_object_or_404(person_erasures(place).select_related("workspace"), pk=pk)


@dataclass(frozen=True)
class HeldOfPerson:
    """What one connection holds, or held before, about somebody: rows by the names of streams."""

    connection: Connection
    streams: list[tuple[str, int]]


def held_of_person(request: PersonRequest, erasure: PersonErasure) -> tuple[list[HeldOfPerson], int]:
    """Of the connections that I may see; and how many rows there are of others, of which I learn no more."""
    visible, hidden = Connection.objects.visible_to(request.user).filter(workspace=erasure.workspace_id), 0
    holds: dict[Connection, Counter[str]] = {}
    theirs = Q(holding__in=erasure.counts) | Q(former_holdings__in=erasure.counts)
    owners = {}
    for connection in visible.filter(theirs).distinct().without_key().order_by("name", "pk"):
        former = connection.former_holdings.values_list("pk", flat=True)
        owners.update({str(pk): connection for pk in (connection.holding_id, *former)})
        holds[connection] = Counter()
    for holding, streams in erasure.counts.items():
        if holding in owners:
            holds[owners[holding]].update(streams)
        else:
            hidden += sum(streams.values())
    return [HeldOfPerson(connection, named(connection, rows)) for connection, rows in holds.items()], hidden


def named(connection: Connection, rows: Mapping[str, int]) -> list[tuple[str, int]]:
    """With the streams' names, in the order of the source."""
    streams = connection.source.streams if connection.source else ()
    return [(stream.name, rows[stream.key]) for stream in streams if stream.key in rows]


def known_source(key: str) -> Source:
    source = get_source(key)
    if source is None:
        raise Http404("There is no such source.")
    return source


def visible_connections(request: PersonRequest, place: Place) -> ConnectionQuerySet:
    return Connection.objects.for_list(request.user, at=place.membership)


def tally(request: PersonRequest, place: Place, source: Source | None) -> Mapping[str, int]:
    """Of the connections that I may use, or those of one source: `total`, and how many of them are `needing` me."""
    visible = Connection.objects.visible_to(request.user, at=place.membership)
    return (visible.filter(source_key=source.key) if source else visible).tally()


def visible_connection(request: PersonRequest, slug: str, source: str, pk: UUID) -> Connection:
    """A connection that I may use, with whether I may manage it."""
    place = my_place(request, slug)
    visible = Connection.objects.visible_to(request.user, at=place.membership).filter(source_key=source)
    related = visible.select_related("created_by", "team", "holding", "standby")
    connection: Connection = get_object_or_404(
        related.with_health().with_rights(request.user, at=place.membership), pk=pk
    )
    connection.workspace = place.workspace
    if connection.key_stored_by_id == connection.created_by_id:  # As most are; anybody else is asked for when shown.
        connection.key_stored_by = connection.created_by
    bind_contextvars(connection=f"{connection.pk}")  # In the lines of this request's log.
    return connection


def has_gone(request: HttpRequest) -> bool:
    """Whether the address names a connection that is there no more: it was deleted after it had been found."""
    pk = request.resolver_match.kwargs.get("pk") if request.resolver_match else None
    return isinstance(pk, UUID) and not Connection.objects.filter(pk=pk).exists()


def siblings(request: PersonRequest, connection: Connection) -> ConnectionQuerySet:
    """The connections of its source that I may use, itself first, as a list beside its page shows them: `of_all`."""
    visible = Connection.objects.visible_to(request.user, at=my_place(request, connection.workspace.slug).membership)
    counted = visible.beside(connection).with_health().annotate(of_all=Window(Count("pk")))
    return counted.only("workspace", "name", "source_key", "health", "api_url")


def manageable_connection(request: PersonRequest, slug: str, source: str, pk: UUID) -> Connection:
    """A connection that I may change. Raises PermissionDenied when I may only use it."""
    connection = visible_connection(request, slug, source, pk)
    if not connection.may_manage:
        raise PermissionDenied("Only who created the connection, and admins, may do this.")
    return connection


def hold_membership(user: int | None, **workspace: int | str) -> None:
    """Within a transaction: they stay a member until it is over. Raises Http404 when they have just left.

    Else what they began before they were removed would be done after it, and run on. Before any connection is locked:
    whoever ends a membership locks it first, and then their connections.
    """
    if Membership.objects.select_for_update(no_key=True, of=("self",)).filter(user=user, **workspace).first() is None:
        raise Http404("They are no longer a member.")


def manageable_now(request: PersonRequest, slug: str, source: str, pk: UUID) -> Connection:
    """Within a transaction: the same, locked against whoever deletes or changes it in this moment."""
    hold_membership(request.user.pk, workspace__slug=slug)
    connection = manageable_connection(request, slug, source, pk)
    locked = Connection.objects.select_for_update(no_key=True, of=("self",)).select_related("workspace")
    return get_object_or_404(locked, pk=connection.pk)


def present_row(connection: Connection, *, by: User) -> Connection:
    """Locked, and by the rules of now: proving a key takes seconds, in which a role or the row may be lost."""
    hold_membership(by.pk, workspace=connection.workspace_id)
    row = Connection.objects.manageable_by(by).select_for_update(no_key=True).filter(pk=connection.pk).first()
    if row is None:
        raise Http404("It is gone, or no longer theirs to change.")
    return row


def may_stop(request: PersonRequest, sync: Sync) -> bool:
    """Who asked for it, and who manages its connection, which is one that was found for this request."""
    return sync.requested_by_id == request.user.pk or sync.connection.may_manage


def still_visible(request: PersonRequest, connection: Connection) -> bool:
    return Connection.objects.visible_to(request.user).filter(pk=connection.pk).exists()


def my_draft(request: PersonRequest, slug: str, source: str, pk: UUID) -> Connection:
    """My unfinished set-up, or what became of it: my finished connection. Raises Http404 for anybody else's."""
    mine = Connection.objects.filter(created_by=request.user, workspace__memberships__user=request.user)
    draft = get_object_or_404(in_place(mine, slug, source), pk=pk)
    require_second_factor(request, draft.workspace)
    return draft


def my_drafts(request: PersonRequest, place: Place) -> QuerySet[Connection]:
    """Set-ups that I began and have not finished."""
    drafts = Connection.objects.drafts_of(request.user, at=place.membership).filter(version__gt=1)
    return drafts.without_key().select_related("workspace").order_by("-created_at")


def in_place(connections: QuerySet[Connection], slug: str, source: str) -> QuerySet[Connection]:
    related = connections.select_related("workspace", "created_by", "team", "key_stored_by")
    return related.filter(workspace__slug=slug, source_key=source)


def budget_of(connection: Connection) -> AccountBudget | None:
    """The budget of its account, shared by all who call that account; None when it was never called."""
    return AccountBudget.objects.filter(account=connection.account_fingerprint).first()


def standby_of(connection: Connection) -> StandbyKey | None:
    standby: StandbyKey | None = getattr(connection, "standby", None)
    return standby


def my_check(request: PersonRequest, connection: Connection) -> LiveCheck | None:
    """My live check of it that goes on in a worker, or went on there and waits to be told."""
    return LiveCheck.objects.of(connection, request.user)


def hidden_of(connection: Connection) -> Holding | None:
    """What it held of another account before, while that may be taken back."""
    hidden: Holding | None = connection.former_holdings.to_take_back().first()
    return hidden


def missing_of(connection: Connection) -> list[dict[str, object]]:
    """The rows that were not found, of which somebody has to decide what they are; by stream, with its name."""
    names = {stream.key: stream.name for stream in connection.source.streams} if connection.source else {}
    doubts = MissingRows.objects.to_decide().filter(holding=connection.holding)
    return [{"rows": doubt, "name": names.get(doubt.stream, doubt.stream)} for doubt in doubts]


def sharers(request: PersonRequest, connection: Connection) -> list[Connection]:
    """The connections on the same account, as far as I may know of them."""
    asked = asked_before(request)
    if connection.pk not in asked:
        asked[connection.pk] = find_sharers(request, connection) if connection.is_readable else []
    found: list[Connection] = asked[connection.pk]
    return found


def find_sharers(request: PersonRequest, connection: Connection) -> list[Connection]:
    here = Connection.objects.filter(workspace=connection.workspace_id, source_key=connection.source_key)
    others = [*here.same_account(connection).values_list("pk", flat=True)]  # Most accounts are connected once.
    return (
        [*visible_connections(request, my_place(request, connection.workspace.slug)).filter(pk__in=others)]
        if others
        else []
    )


def visible_sync(connection: Connection, number: int) -> Sync:
    return get_object_or_404(connection.syncs.select_related("requested_by"), number=number)


def offered_stream(connection: Connection, key: str) -> Stream:
    stream = connection.source.stream(key) if connection.source else None
    if stream is None:
        raise Http404("This source has no such data.")
    return stream


def visible_events(request: PersonRequest, place: Place) -> QuerySet[Event]:
    return Event.objects.filter(workspace=place.workspace).visible_to(request.user).with_people()


def events_of(request: PersonRequest, connection: Connection) -> EventQuerySet:
    """What happened to a connection that I may use."""
    events: EventQuerySet = connection.events.all()
    return events.readable_by(request.user).select_related("actor")


@dataclass(frozen=True)
class LeftBehind:
    """That a person who has left has private connections here, their state, and nothing more about them."""

    user_id: int
    person: str
    count: int
    since: datetime
    keys: int


UNKNOWN = 0
"""Stands for the creators whose accounts are gone altogether."""


def left_behind(place: Place) -> list[LeftBehind]:
    """For administrators: whose private connections nobody can reach any more."""
    orphans = Connection.objects.left_behind().filter(workspace=place.workspace)
    people = orphans.order_by().values("created_by", "created_by__name", "created_by__email")
    counted = people.annotate(
        count=Count("pk"),
        since=Min(Coalesce("orphaned_at", "authorised_at", "created_at")),
        keys=Count("pk", filter=~Q(key_stored_at=None)),
    )
    return [
        LeftBehind(
            user_id=row["created_by"] or UNKNOWN,
            person=row["created_by__name"] or row["created_by__email"] or "A deleted account",
            count=row["count"],
            since=row["since"],
            keys=row["keys"],
        )
        for row in counted
    ]


def left_behind_of(place: Place, user_id: int) -> ConnectionQuerySet:
    if user_id not in {person.user_id for person in left_behind(place)}:
        return Connection.objects.none()
    creator = None if user_id == UNKNOWN else user_id
    return Connection.objects.left_behind().filter(workspace=place.workspace, created_by=creator)
