"""Which connections: the rules of who may see and manage them, and what is due."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, Value, When, prefetch_related_objects
from django.utils import timezone

from connections.models.account_name import account_fingerprints
from connections.models.choices import Health, Privacy, Schedule, State
from connections.models.holding import Holding
from connections.models.people import ADMINISTRATORS, Membership, Team, User, Workspace
from sources.spec import Source, host_of

ABOUT_TO_BEGIN = timedelta(minutes=15)


class Order(models.TextChoices):
    """Of a list of connections."""

    NEEDS_SOMEBODY = "", "What needs somebody first"
    NAME = "name", "By name"
    NEWEST = "newest", "Newest first"
    OLDEST_SYNC = "synced", "Longest without a sync first"


class ConnectionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User, at: Membership | None = None) -> Self:
        """The one rule of who may see and use a finished connection; in one workspace where they are `at` it."""
        mine = Q(created_by=user)
        shared_with_workspace = Q(privacy=Privacy.WORKSPACE)
        through_team = Q(privacy=Privacy.TEAM) & in_its_team(user, at)
        return self.of_member(user, at).filter(mine | shared_with_workspace | through_team)

    def manageable_by(self, user: User) -> Self:
        return self.of_member(user).filter(managed_by(user))

    def of_member(self, user: User, at: Membership | None = None) -> Self:
        return self.finished().filter(in_workspace_of(user, at))

    def drafts_of(self, user: User, at: Membership | None = None) -> Self:
        return self.filter(in_workspace_of(user, at), state=State.DRAFT, created_by=user)

    def finished(self) -> Self:
        return self.exclude(state=State.DRAFT)

    def without_key(self) -> Self:
        return self.defer("api_key", "typed")

    def for_list(self, user: User, at: Membership | None = None) -> Self:
        """Visible rows with all that a list shows, in one query."""
        visible = self.visible_to(user, at).without_key().select_related("created_by", "team", "workspace")
        return visible.with_health().with_rights(user, at)

    def for_lines(self) -> Self:
        """Of such rows no more than a line of each wants; their workspace is known to whoever asks."""
        columns = ("workspace", "source_key", "name", "api_url", "privacy", "state", "health", "synced_at")
        names = ("created_by__name", "created_by__email", "team__name")
        return self.select_related(None).select_related("created_by", "team").only(*columns, *names)

    def with_rights(self, user: User, at: Membership | None = None) -> Self:
        """Adds, to rows that the user may see, `may_manage`, and `creator_is_member` by which others read it."""
        return self.annotate(may_manage=managed_by(user, at), creator_is_member=creator_is_member())

    def with_late_streams(self) -> Self:
        """Adds `late_streams`, a list."""
        return self.prefetch_related(self.late_streams())

    def add_late_streams(self, connections: Iterable[Any]) -> None:
        """The same to those of these that read as late: mostly none, and nothing is asked."""
        prefetch_related_objects([one for one in connections if one.shown_health == Health.LATE], self.late_streams())

    def late_streams(self) -> Prefetch:
        healths = self.model._meta.get_field("stream_healths").related_model.objects
        return Prefetch("stream_healths", healths.late(), to_attr="late_streams")

    def with_health(self) -> Self:
        """Adds `shown_health`: what a person reads, which is more than what is stored."""
        syncs = self.model._meta.get_field("syncs").related_model.objects
        running = syncs.filter(connection=OuterRef("pk"), state="running")
        healths = self.model._meta.get_field("stream_healths").related_model.objects.filter(connection=OuterRef("pk"))
        nothing_read = Exists(healths) & ~Exists(healths.heard_of())
        return self.annotate(
            shown_health=Case(
                When(state=State.PAUSED, then=Value(Health.PAUSED)),
                When(health=Health.ACTION_NEEDED, then=Value(Health.ACTION_NEEDED)),
                When(Exists(running), then=Value(Health.SYNCING)),
                When(Q(late_at__lt=timezone.now()), then=Value(Health.LATE)),
                When(Q(nothing_read, health=Health.HEALTHY), then=Value(Health.WAITING)),
                default=F("health"),
                output_field=models.CharField(choices=Health),
            )
        )

    def in_order(self, order: str) -> Self:
        match order:
            case Order.NAME:
                return self.order_by("name", "id")
            case Order.NEWEST:
                return self.order_by("-authorised_at", "name", "id")
            case Order.OLDEST_SYNC:
                return self.order_by(F("synced_at").asc(nulls_first=True), "name", "id")
            case _:
                place = Case(When(broken(), then=0), When(late(), then=1), default=2)
                return self.order_by(place, "name", "id")

    def calling_for_somebody(self) -> Self:
        return self.filter(broken() | late())

    def tally(self) -> dict[str, int]:
        """How many there are, and how many call for somebody."""
        return self.order_by().aggregate(total=Count("pk"), needing=Count("pk", filter=broken() | late()))

    def at_host(self, words: str) -> list[Any]:
        """The ids of those whose host has these words in it. Hosts are sealed, so each is opened."""
        wanted = words.casefold()
        return [
            row.pk
            for row in self.order_by().select_related(None).only("workspace", "api_url")
            if wanted in row.host.casefold()
        ]

    def beside(self, connection: Any) -> Self:
        """In the order of a list beside its page: itself, then what needs somebody, then by name."""
        place = Case(When(pk=connection.pk, then=0), When(broken(), then=1), When(late(), then=2), default=3)
        return self.filter(workspace=connection.workspace_id, source_key=connection.source_key).order_by(
            place, "name", "id"
        )

    def late_untold(self) -> Self:
        """Those that a person reads to be late, with a stream that nobody was told of.

        Not while a sync is about to begin: after an outage of ours it makes most of them good.
        """
        now = timezone.now()
        anyone = self.model.objects
        untold = anyone.filter(stream_healths__late_at__lt=now, stream_healths__told_late_at=None)
        begins = anyone.filter(syncs__state="queued", syncs__reason="", syncs__created_at__gt=now - ABOUT_TO_BEGIN)
        late = self.may_run().with_health().filter(shown_health=Health.LATE, pk__in=untold.values("pk"))
        return late.exclude(pk__in=begins.values("pk"))

    def may_run(self) -> Self:
        """Active, and not the private connection of somebody who has left or may not log in."""
        return self.filter(state=State.ACTIVE).exclude(~Q(creator_is_member()), privacy=Privacy.PRIVATE)

    def due(self) -> Self:
        return self.may_run().filter(next_sync_at__lte=timezone.now()).exclude(health=Health.ACTION_NEEDED)

    def plan_anew(self) -> None:
        """The workspace's clock has changed: what runs at a time of the day runs at that time there."""
        for connection in self.finished().without_key().filter(schedule=Schedule.DAILY):
            connection.plan_next_sync()
            connection.save(update_fields=["next_sync_at"])

    def same_account(self, connection: Any) -> Self:
        """Others on the account of this one, which share its budget."""
        of_account = account_fingerprints(host_of(connection.address()))
        return self.filter(account_fingerprint__in=of_account).exclude(pk=connection.pk)

    def sharing_key(self, connection: Any, *, user: User) -> Self:
        """What else the user manages here with a key of the same person on the same account. Raises Unsealable."""
        mine = self.manageable_by(user).filter(workspace=connection.workspace_id, source_key=connection.source_key)
        same_key = Q(key_fingerprint__in=connection.key_fingerprints())
        same_person = Q(account_facts__owner=connection.owner) if connection.owner else same_key
        return mine.same_account(connection).filter(same_key | same_person)

    def unfinished_since(self, moment: datetime) -> Self:
        return self.filter(state=State.DRAFT, created_at__lt=moment)

    def left_behind(self) -> Self:
        """Private connections whose creator is no longer a member, or may no longer log in."""
        return self.finished().filter(~Q(creator_is_member()), privacy=Privacy.PRIVATE)

    @transaction.atomic
    def leave_behind(self) -> None:
        """What of them is left behind stops, and the time until its key is wiped begins."""
        for connection in self.left_behind().filter(orphaned_at=None).without_key():
            connection.stop_syncs("Its owner has left, or may no longer log in.")
            connection.orphaned_at = timezone.now()
            connection.save(update_fields=["orphaned_at"])

    @transaction.atomic
    def remove_all(self, *, by: User) -> int:
        """Delete each with its syncs, records and secrets; returns how many."""
        connections = [*self.select_related("workspace", "created_by")]
        for connection in connections:
            connection.remove(by=by)
        return len(connections)

    @transaction.atomic
    def take_up_draft(self, *, workspace: Workspace, user: User, source: Source) -> Any:
        """My draft of this source that nothing was typed into yet, else a new one."""
        untouched = self.drafts_of(user).filter(workspace=workspace, source_key=source.key, version=1, set_up_at=None)
        draft = untouched.order_by("created_at").first()
        if draft is None:
            return self.create(
                workspace=workspace, created_by=user, source_key=source.key, holding=Holding.objects.create()
            )
        # The time until an unfinished draft is deleted begins anew.
        draft.created_at = timezone.now()
        draft.save(update_fields=["created_at"])
        return draft


def managed_by(user: User, at: Membership | None = None) -> Q:
    """The one rule of who of the members may edit, pause and delete: its creator, and administrators unless private.

    A sample is there to be looked at.
    """
    is_theirs = Q(created_by=user)
    if at is None:
        is_theirs |= Q(as_admin(user)) & ~Q(privacy=Privacy.PRIVATE)
    elif at.is_administrator:
        is_theirs |= ~Q(privacy=Privacy.PRIVATE)
    return is_theirs & Q(is_sample=False)


def broken() -> Q:
    return Q(health=Health.ACTION_NEEDED, state=State.ACTIVE)


def late() -> Q:
    """By what is stored alone: one that syncs at this moment is among them."""
    return Q(late_at__lt=timezone.now(), state=State.ACTIVE)


def in_workspace_of(user: User, at: Membership | None) -> Q:
    return Q(workspace=at.workspace_id) if at else Q(as_member(user))


def as_member(user: User) -> Exists:
    return Exists(Membership.objects.filter(workspace=OuterRef("workspace"), user=user))


def in_its_team(user: User, at: Membership | None = None) -> Q:
    """Or an administrator of its workspace. Who is `at` it is not looked up once more."""
    if at is None:
        return Q(Exists(Team.objects.of(user).filter(pk=OuterRef("team")))) | Q(as_admin(user))
    if at.is_administrator:
        return Q()
    return Q(Exists(at.teams.through.objects.filter(membership=at, team=OuterRef("team"))))


def as_admin(user: User) -> Exists:
    """Of the row's workspace."""
    return Exists(Membership.objects.filter(workspace=OuterRef("workspace"), user=user, role__in=ADMINISTRATORS))


def creator_is_member() -> Exists:
    """And may log in."""
    members = Membership.objects.filter(user__is_active=True)
    return Exists(members.filter(workspace=OuterRef("workspace"), user=OuterRef("created_by")))
