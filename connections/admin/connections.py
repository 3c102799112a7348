"""Connections, syncs, what happened, and budgets: found and inspected, and acted on as on the pages. No secrets.

Of what is somebody's alone, whose it is and how it does; neither its name nor any words that may name the account.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.timezone import localtime

from connections.access.requests import PersonRequest
from connections.admin.pages import ReadOnly, ReadOnlyInline
from connections.checking.checking import check
from connections.checking.trying import Holder, places
from connections.models import (
    AccountBudget,
    Connection,
    Event,
    Health,
    Notice,
    Privacy,
    State,
    Sync,
    User,
    Workspace,
)
from connections.models.sync import AlreadyActive, Trigger
from sources.errors import SourceError

SECRETS = ("api_url", "api_key", "typed", "account_fingerprint", "key_fingerprint")


NAMING = ("name", "team", "health_reason")
"""What is not shown of a connection that is somebody's alone, besides the secrets."""


def hidden(of: str = "") -> Q:
    """As `Connection.is_hidden`."""
    return Q(**{f"{of}privacy": Privacy.PRIVATE}) | Q(**{f"{of}state": State.DRAFT})


def searchable(*columns: str, unless: Q) -> Case:
    """Nothing of a row that is hidden is found by what it is called."""
    spaced = [part for column in columns for part in (F(column), Value(" "))]
    words = Concat(*spaced, output_field=TextField())
    return Case(When(unless, then=Value("")), default=words, output_field=TextField())


class ShownHealth(admin.SimpleListFilter):
    """What a person reads on the connection's page."""

    title = "health"
    parameter_name = "shown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("attention", "Needs attention"), *Health.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "attention":
            return queryset.filter(shown_health__in=[Health.ACTION_NEEDED, Health.LATE]).order_by("health_since")
        return queryset.filter(shown_health=self.value()) if self.value() else queryset


class SyncInline(ReadOnlyInline):
    model = Sync
    verbose_name_plural = "Syncs, newest first"
    fields = ("number", "trigger", "state", "reason", "created_at", "finished_at", "calls")
    ordering = ("-number",)
    max_num = 10

    def get_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        return [field for field in self.fields if field != "reason" or not (obj and obj.is_hidden)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sync]:
        return super().get_queryset(request).select_related("connection__created_by")


class EventInline(ReadOnlyInline):
    model = Event
    verbose_name_plural = "What happened, newest first"
    fields = ("at", "actor", "verb", "changed", "detail")
    readonly_fields = ("changed",)
    show_change_link = False

    def get_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        return [field for field in self.fields if field != "detail" or not (obj and obj.is_hidden)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).select_related("actor", "connection__created_by")

    @admin.display(description="fields")
    def changed(self, event: Event) -> str:
        return ", ".join(event.changed_words)


@admin.register(Connection)
class ConnectionAdmin(ReadOnly):
    """Its actions run through the same client, budget and trail as the pages."""

    list_display = ("__str__", "workspace", "source_key", "privacy", "health_shown", "since", "reason", "synced_at")
    list_filter = (ShownHealth, "source_key", "privacy", "state")
    list_select_related = ("workspace",)
    search_fields = ("names", "workspace__name", "created_by__email", "created_by__name", "id")
    ordering = ("-created_at",)  # By name, it would be told between which others a private one stands.
    actions = ("test_now", "sync_now", "pause", "resume")
    inlines = (SyncInline, EventInline)
    readonly_fields = ("health_shown", "not_read")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        names = searchable("name", "person", "person_email", unless=hidden())
        shown = Connection.objects.with_health().alias(names=names).defer(*SECRETS).order_by(*self.ordering)
        return shown.select_related("workspace", "created_by", "team")

    def get_exclude(self, request: HttpRequest, obj: Connection | None = None) -> tuple[str, ...]:
        return (*SECRETS, "health", *NAMING) if obj and obj.is_hidden else (*SECRETS, "health")

    def get_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        shown = [*super().get_fields(request, obj)]
        return [*self.readonly_fields, *(field for field in shown if field not in self.readonly_fields)]

    @admin.display(description="not read")
    def not_read(self, connection: Connection) -> str:
        """What is late or came to no good end, as its page says it."""
        return "; ".join(
            f"{one.name}, last read to the end {localize(localtime(one.read_at)) if one.read_at else 'never'}"
            + (f": {one.reason}" if one.reason and not connection.is_hidden else "")
            for one in connection.stream_healths.in_trouble()
        )

    @admin.display(description="reason")
    def reason(self, connection: Connection) -> str:
        return connection.health_code if connection.is_hidden else connection.health_reason

    @admin.display(description="health", ordering="shown_health")
    def health_shown(self, connection: Connection) -> str:
        return connection.health_word

    @admin.display(description="since", ordering="health_since")
    def since(self, connection: Connection) -> Any:
        return connection.health_since

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """For staff who may change connections, though nothing of them is edited here."""
        return super().get_actions(request) if request.user.has_perm("connections.change_connection") else {}

    @admin.action(description="Test now")
    def test_now(self, request: PersonRequest, queryset: QuerySet[Connection]) -> None:
        self.on_each(request, queryset, lambda connection: check_said(connection, by=request.user))

    @admin.action(description="Sync now")
    def sync_now(self, request: PersonRequest, queryset: QuerySet[Connection]) -> None:
        self.on_each(request, queryset, lambda connection: sync_said(connection, by=request.user))

    @admin.action(description="Pause")
    def pause(self, request: PersonRequest, queryset: QuerySet[Connection]) -> None:
        self.on_each(request, queryset, lambda connection: pause_said(connection, by=request.user))

    @admin.action(description="Resume")
    def resume(self, request: PersonRequest, queryset: QuerySet[Connection]) -> None:
        self.on_each(request, queryset, lambda connection: resume_said(connection, by=request.user))

    def on_each(self, request: PersonRequest, queryset: QuerySet[Connection], act: Callable[[Connection], str]) -> None:
        """Say for each connection what came of it."""
        chosen = Connection.objects.filter(pk__in=queryset.values("pk"))
        for connection in chosen.select_related("workspace", "created_by"):
            try:
                self.message_user(request, f"{connection}: {act(connection)}")
            except AlreadyActive as refusal:
                self.message_user(request, f"{connection}: {refusal}", messages.ERROR)
            except SourceError as refusal:
                words = f"it does not work ({refusal.code})." if connection.is_hidden else refusal
                self.message_user(request, f"{connection}: {words}", messages.ERROR)


def check_said(connection: Connection, *, by: User) -> str:
    if connection.is_draft:
        return "it is an unfinished set-up, which is its creator's alone."
    with places.one(Holder(person=by.pk, workspace=connection.workspace_id, connection=connection.pk)):
        check(connection, by=by)
    return "it works."


def sync_said(connection: Connection, *, by: User) -> str:
    if not Connection.objects.may_run().filter(pk=connection.pk).exists():
        return "it cannot be synced: it is paused, unfinished, or its owner has left."
    Sync.objects.queue(connection, trigger=Trigger.STAFF, by=by)
    connection.record("asked for a sync", by=by)
    return "a sync is queued."


def pause_said(connection: Connection, *, by: User) -> str:
    if connection.is_draft or connection.is_paused:
        return "nothing to pause."
    connection.pause(by=by)
    return "paused."


def resume_said(connection: Connection, *, by: User) -> str:
    if not connection.is_paused:
        return "it is not paused."
    connection.resume(by=by)
    return "resumed."


@admin.register(Sync)
class SyncAdmin(ReadOnly):
    list_display = ("of", "number", "trigger", "state", "why", "created_at", "finished_at", "calls")
    list_filter = ("state", "trigger")
    list_select_related = ("connection__created_by",)
    search_fields = ("names", "connection__workspace__name")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sync]:
        names = searchable("connection__name", unless=hidden("connection__"))
        return super().get_queryset(request).alias(names=names)

    def get_exclude(self, request: HttpRequest, obj: Sync | None = None) -> tuple[str, ...]:
        return ("reason",) if obj and obj.connection.is_hidden else ()

    @admin.display(description="connection")
    def of(self, sync: Sync) -> str:
        return str(sync.connection)

    @admin.display(description="reason")
    def why(self, sync: Sync) -> str:
        return "" if sync.connection.is_hidden else sync.reason


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("at", "workspace", "what", "words")
    list_select_related = ("workspace", "actor", "connection__created_by")
    search_fields = ("names", "workspace__name", "actor__email")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        names = searchable("about", "detail", unless=Q(private_to__isnull=False) | hidden("connection__"))
        return super().get_queryset(request).alias(names=names)

    def get_exclude(self, request: HttpRequest, obj: Event | None = None) -> tuple[str, ...]:
        return ("changes", "about", "detail") if obj and obj.is_hidden else ("changes",)

    @admin.display(description="what")
    def what(self, event: Event) -> str:
        return str(event)

    @admin.display(description="detail")
    def words(self, event: Event) -> str:
        return "" if event.is_hidden else event.detail


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    """Which e-mails wait or were given up, and why; not what they say. Private connections are named as everywhere."""

    list_display = ("written_at", "workspace", "about", "what", "reader", "state", "tries", "trouble", "ended_at")
    list_filter = ("state",)
    list_select_related = ("connection__workspace", "connection__created_by", "reader")
    search_fields = ("reader__email", "connection__workspace__name", "connection__id")
    fields = (*list_display, "try_after", "handed_over")
    readonly_fields = ("workspace", "about")

    @admin.display(description="workspace")
    def workspace(self, notice: Notice) -> Workspace:
        return notice.connection.workspace

    @admin.display(description="connection")
    def about(self, notice: Notice) -> str:
        """Not to be sorted by: its place would tell its name."""
        return str(notice.connection)


@admin.register(AccountBudget)
class AccountBudgetAdmin(ReadOnly):
    list_display = ("short_name", "ease", "refusals", "refused_at", "resumes_at")

    @admin.display(description="account")
    def short_name(self, budget: AccountBudget) -> str:
        return format_html("<code>{}</code>", budget.account[:12])
