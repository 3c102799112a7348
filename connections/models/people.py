"""Who uses the product: users, the workspaces that they belong to, and teams."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac
from django.utils.functional import cached_property

from connections.models.addresses import AddressField


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the login."""

    email = AddressField("e-mail address", unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField("may log in", default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Each session carries a keyed hash of it and of the password: with another one all sessions before are over.
    session_mark = models.CharField(max_length=32, blank=True, editable=False)
    last_workspace = models.ForeignKey(
        "Workspace", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    # Set at the door of the admin: what is recorded of them from then on was done as site staff, for whoever reads it.
    acts_as_staff = False

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_per_email")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self).partition(" ")[0]

    def check_password(self, raw_password: str | None) -> bool:
        return not opens_nothing(raw_password) and super().check_password(raw_password)

    @property
    def has_published_password(self) -> bool:
        """Whether everybody could log in as them, were this not a real site. As slow as a login."""
        # Not by the method above, which may also write the password under a newer hash.
        published = settings.PUBLISHED_PASSWORD
        return opens_nothing(published) and check_password(published, self.password)

    def note_workspace(self, workspace: "Workspace") -> None:
        """They land there when they come again."""
        if self.last_workspace_id != workspace.pk:
            self.last_workspace = workspace
            self.save(update_fields=["last_workspace"])

    def end_sessions(self) -> None:
        """Whoever is logged in as this person has to log in again."""
        self.session_mark = get_random_string(32)
        self.save(update_fields=["session_mark"])

    def record(self, verb: str, *, by: "User", detail: str = "") -> None:
        """Put into the trail of each of their workspaces what staff did to their account."""
        for membership in self.memberships.select_related("workspace"):
            membership.workspace.record(verb, by=by, about=str(self), detail=detail)

    def get_session_auth_hash(self) -> str:
        return session_hash(self)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return (session_hash(self, secret=retired) for retired in settings.SECRET_KEY_FALLBACKS)


def opens_nothing(password: str | None) -> bool:
    """Whether it is the demo's, on a real site."""
    return password == settings.PUBLISHED_PASSWORD and not settings.PUBLISHED_PASSWORD_OPENS


def session_hash(user: User, *, secret: str | None = None) -> str:
    """Sessions that began in development, where a published password opens, are over on a real site."""
    sealed = f"{user.session_mark} {user.password}"
    salt = f"connections.session{'.development' if settings.PUBLISHED_PASSWORD_OPENS else ''}"
    return salted_hmac(salt, sealed, secret=secret, algorithm="sha256").hexdigest()


@cache
def zone_names() -> list[str]:
    return sorted(available_timezones())


def zone_choices() -> Iterator[tuple[str, str]]:
    return ((name, name) for name in zone_names())


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def of(self, user: User) -> "WorkspaceQuerySet":
        """Where they were last comes first."""
        last = models.Case(models.When(pk=user.last_workspace_id, then=0), default=1)
        return self.filter(memberships__user=user).order_by(last, "name")


class Workspace(models.Model):
    """One customer company. Everything belongs to exactly one workspace."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    timezone = models.CharField(
        "time zone",
        max_length=64,
        choices=zone_choices,
        default="UTC",
        help_text="Days of numbers end at its midnight, and syncs at a time of the day go by it.",
    )
    requires_second_factor = models.BooleanField(
        "requires two-step login", default=False, help_text="Members without it set it up before they see anything."
    )

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("connections:list", args=[self.slug])

    @cached_property
    def member_count(self) -> int:
        return self.memberships.count()

    def administrators_words(self) -> str:
        """Who sees and manages what is shared, whether in its team or not."""
        present = self.memberships.filter(role__in=ADMINISTRATORS, user__is_active=True).select_related("user")
        names = [str(one) for one in present]
        if len(names) == 1:
            return f"The administrator ({names[0]}) sees and manages it too"
        named = f" ({in_words(names)})" if names else ""
        return f"The administrators{named} see and manage it too"

    @property
    def zone(self) -> ZoneInfo:
        # A name that the machine's list has lost must not keep the syncs of everybody else from being planned.
        return ZoneInfo(self.timezone if self.timezone in zone_names() else "UTC")

    @transaction.atomic
    def change(self, *, name: str, zone: str, by: "User") -> bool:
        """What it is called, and by which clock its syncs run. Returns whether that is anything new."""
        row = Workspace.objects.select_for_update(no_key=True).get(pk=self.pk)
        was = [f"Its name was {row.name}."] if name != row.name else []
        was += [f"Its time zone was {row.timezone}."] if zone != row.timezone else []
        row.name, row.timezone = name, zone
        row.save(update_fields=["name", "timezone"])
        if was:
            row.record("changed the workspace", by=by, about=name, detail=" ".join(was))
        row.connections.plan_anew()
        return bool(was)

    @transaction.atomic
    def require_second_factor(self, *, wanted: bool, by: "User") -> None:
        """Of all members, or of none."""
        if wanted != self.requires_second_factor:
            self.requires_second_factor = wanted
            self.save(update_fields=["requires_second_factor"])
            self.record_second_factor(by=by)

    def record_second_factor(self, *, by: "User") -> None:
        verb = "now requires" if self.requires_second_factor else "no longer requires"
        self.record(f"{verb} two-step login in", by=by, about=str(self))

    def record(self, verb: str, *, by: User | None, about: str = "", detail: str = "") -> None:
        """Put into the trail what happened to its people; administrators read it, and who did it."""
        by_staff = by is not None and by.acts_as_staff
        self.events.create(verb=verb, about=about[:100], actor=by, by_staff=by_staff, detail=detail[:300])


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"


ADMINISTRATORS = (Role.OWNER, Role.ADMIN)


class LastOwner(Exception):
    """A workspace keeps at least one owner."""


class MembershipQuerySet(models.QuerySet["Membership"]):
    def with_counts(self) -> "MembershipQuerySet":
        """With the number of private connections, which is all that others learn of them."""
        private = models.Q(user__connections_created__privacy="private") & models.Q(
            user__connections_created__workspace=models.F("workspace")
        )
        finished = private & ~models.Q(user__connections_created__state="draft")
        count = models.Count("user__connections_created", filter=finished, distinct=True)
        return self.select_related("user").prefetch_related("teams").annotate(private_connections=count)

    def with_second_factor(self) -> "MembershipQuerySet":
        """With whether they have set up two-step login."""
        app = models.Q(user__authenticator__type="totp")
        return self.annotate(has_second_factor=models.Count("user__authenticator", filter=app, distinct=True))


class Membership(models.Model):
    """A user in a workspace, with a role. Ending it ends their teams there too."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_per_workspace")]
        ordering = ["user__name", "user__email"]

    def __str__(self) -> str:
        return str(self.user)

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER

    @property
    def is_administrator(self) -> bool:
        return self.role in ADMINISTRATORS

    def require_another_owner(self) -> None:
        """Raises LastOwner when this is the workspace's only one, or the others may not log in."""
        owners = Membership.objects.filter(workspace=self.workspace_id, role=Role.OWNER, user__is_active=True)
        others = owners.exclude(pk=self.pk)
        if self.role == Role.OWNER and not others.exists():
            raise LastOwner(f"{self.user} is the last owner of {self.workspace}: make somebody else an owner first.")


class TeamQuerySet(models.QuerySet["Team"]):
    def of(self, user: User) -> "TeamQuerySet":
        return self.filter(members__user=user)

    def with_members(self) -> "TeamQuerySet":
        return self.prefetch_related("members__user")

    def with_member_counts(self) -> "TeamQuerySet":
        return self.annotate(member_count=models.Count("members", distinct=True))


class Team(models.Model):
    """A named group of members of one workspace."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)
    members = models.ManyToManyField(Membership, related_name="teams", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_team_per_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("connections:team", args=[self.workspace.slug, self.pk])

    @transaction.atomic
    def disband(self) -> None:
        """Delete the team. Its connections become private to their creators: narrower, never wider."""
        for connection in self.connections.select_for_update(no_key=True):
            connection.become_private(because=f"The team {self.name} was deleted.")
        self.delete()


def in_words(names: Sequence[str], *, most: int = 5) -> str:
    """“Ana, Bo and 3 more”."""
    shown, rest = list(names[:most]), len(names) - most
    if rest > 0:
        shown.append(f"{rest} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]])) or "nobody yet"
