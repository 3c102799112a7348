"""The trail: who did what to a connection, and when. Rows are added, never changed."""

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.utils import timezone

from connections.models.choices import Privacy
from connections.models.connection import Connection
from connections.models.connection_query import as_admin
from connections.models.people import User, Workspace

OF_A_CONNECTION = (
    *("stopped a sync", "asked for a sync", "changed what is left out"),
    *("stored a standby key", "removed the standby key", "switched to the standby key"),
)
BY_ITSELF = ("stopped working", "fell behind", "caught up", "changed at its source")
FIELD_WORDS = {"name": "name", "api_url": "API URL", "api_key": "API key", "privacy": "privacy"}


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: User) -> "EventQuerySet":
        """What happened to connections that I may see; of deleted ones, what I did, or may know as an administrator.

        What happened while one was private stays its creator's, whoever may see the connection now.
        """
        living = Q(connection__in=Connection.objects.visible_to(user))
        gone = Q(connection=None) & (Q(private_to=user) | Q(actor=user) | Q(as_admin(user)))
        return self.readable_by(user).filter(living | gone)

    def readable_by(self, user: User) -> "EventQuerySet":
        """Of connections that the user may see."""
        return self.filter(Q(private_to=None) | Q(private_to=user))

    def of_credentials(self) -> "EventQuerySet":
        """Another key or another account."""
        return self.filter(Q(changes__has_any_keys=["api_key", "api_url"]) | Q(verb="switched to the standby key"))

    def with_people(self) -> "EventQuerySet":
        return self.select_related("actor", "connection", "connection__workspace")


class Event(models.Model):
    """One thing that happened. `changes` maps a field to what it was and became, as `Connection.value_of` gives it."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="events")
    connection = models.ForeignKey(Connection, models.SET_NULL, null=True, related_name="events")
    # Goes with the person: emptied instead, it would be read as "anybody's".
    private_to = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by_staff = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=40)
    about = models.CharField(max_length=100, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["workspace", "-at"], name="event_newest")]

    def __str__(self) -> str:
        about = f"a connection that is {self.connection or 'private'}" if self.is_hidden else self.about
        return f"{about} {self.verb}" if self.is_by_itself else f"{self.who} {self.verb} {about}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("The trail is only added to.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("The trail is only added to.")

    @property
    def who(self) -> str:
        """Whoever did it, in the words of those whose workspace it is."""
        if self.by_staff:
            return f"BlinkMetrics staff ({self.actor})" if self.actor else "BlinkMetrics staff"
        return str(self.actor or "BlinkMetrics")

    @property
    def is_hidden(self) -> bool:
        """Whether what it names is somebody's alone, or has become so."""
        return self.private_to_id is not None or (self.connection is not None and self.connection.is_hidden)

    @property
    def changed_words(self) -> list[str]:
        # PostgreSQL keeps what it holds as JSON in an order of its own.
        return [FIELD_WORDS.get(field, field) for field in sorted(self.changes)]

    @property
    def is_by_itself(self) -> bool:
        """Whether nobody did it: it happened to the connection."""
        return self.verb in BY_ITSELF

    @property
    def is_of_a_connection(self) -> bool:
        """Whether “of” stands between what was done and the connection's name."""
        return self.verb in OF_A_CONNECTION

    @property
    def privacy_after(self) -> str:
        after = self.changes.get("privacy", ["", ""])[1]
        return Privacy.TEAM.label if after.startswith("team:") else dict(Privacy.choices).get(after, "")
