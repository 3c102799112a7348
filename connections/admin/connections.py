"""Connections, syncs, what happened, and budgets: found and inspected, and acted on as on the pages. No secrets."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from connections.access.requests import PersonRequest
from connections.admin.pages import ReadOnly, ReadOnlyInline
from connections.checking.checking import check
from connections.checking.trying import Holder, places
from connections.models import AccountBudget, Connection, Event, Health, Notice, Sync, User, Workspace
from connections.models.sync import AlreadyActive, Trigger
from sources.errors import SourceError

SECRETS = ("api_url", "api_key", "typed", "account_fingerprint", "key_fingerprint")


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


class EventInline(ReadOnlyInline):
    model = Event
    verbose_name_plural = "What happened, newest first"
    fields = ("at", "actor", "verb", "changed", "detail")
    readonly_fields = ("changed",)
    show_change_link = False

    @admin.display(description="fields")
    def changed(self, event: Event) -> str:
        return ", ".join(event.changed_words)


@admin.register(Connection)
class ConnectionAdmin(ReadOnly):
    """Its actions run through the same client, budget and trail as the pages."""

    list_display = ("name", "workspace", "source_key", "privacy", "health_shown", "since", "health_reason", "synced_at")
    list_filter = (ShownHealth, "source_key", "privacy", "state")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name", "created_by__email", "created_by__name", "person", "person_email", "id")
    exclude = SECRETS
    actions = ("test_now", "sync_now", "pause", "resume")
    inlines = (SyncInline, EventInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        return Connection.objects.with_health().defer(*SECRETS).select_related("workspace", "created_by", "team")

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
        for connection in Connection.objects.filter(pk__in=queryset.values("pk")).select_related("workspace"):
            try:
                self.message_user(request, f"{connection}: {act(connection)}")
            except (SourceError, AlreadyActive) as refusal:
                self.message_user(request, f"{connection}: {refusal}", messages.ERROR)


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
    list_display = ("connection", "number", "trigger", "state", "reason", "created_at", "finished_at", "calls")
    list_filter = ("state", "trigger")
    list_select_related = ("connection",)
    search_fields = ("connection__name", "connection__workspace__name")
    date_hierarchy = "created_at"


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("at", "workspace", "actor", "verb", "about", "detail")
    list_select_related = ("workspace", "actor")
    search_fields = ("about", "workspace__name", "actor__email")
    exclude = ("changes",)


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    """Which e-mails wait or were given up, and why. Not what they say, nor of which connection: it may be private."""

    list_display = ("written_at", "workspace", "what", "reader", "state", "tries", "trouble", "ended_at")
    list_filter = ("state",)
    list_select_related = ("connection__workspace", "reader")
    search_fields = ("reader__email", "connection__workspace__name", "connection__id")
    fields = (*list_display, "try_after", "handed_over")
    readonly_fields = ("workspace",)

    @admin.display(description="workspace")
    def workspace(self, notice: Notice) -> Workspace:
        return notice.connection.workspace


@admin.register(AccountBudget)
class AccountBudgetAdmin(ReadOnly):
    list_display = ("short_name", "ease", "refusals", "refused_at", "resumes_at")

    @admin.display(description="account")
    def short_name(self, budget: AccountBudget) -> str:
        return format_html("<code>{}</code>", budget.account[:12])
