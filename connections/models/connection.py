"""One authorised account of a source: its credentials, and its life from draft to deletion."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from connections.models.choices import Health, Privacy, Schedule, State
from connections.models.condition import STREAM_FAILED, Condition
from connections.models.connection_query import ConnectionQuerySet
from connections.models.holding import HoldsRows
from connections.models.people import Membership, Team, User, Workspace, in_words
from connections.models.pull_plan import PullPlan
from connections.models.sealed_credentials import SealedCredentials
from connections.safe.fields import SealedField
from connections.safe.sealing import Unsealable, fingerprint, seal, unseal
from sources.spec import Counted, Credentials, Proof

UNFINISHED_KEY_LIFE = timedelta(hours=24)
UNFINISHED_LIFE = timedelta(days=7)
ORPHANED_KEY_LIFE = timedelta(days=30)
ANY = uuid.UUID(int=0)  # Stands in an address for the id.


@lru_cache(maxsize=10_000)
def address_of_any(page: str, workspace: str, source_key: str) -> str:
    """Of a page with many connections they differ in their id alone, and to look an address up takes a while."""
    return reverse(f"connections:{page}", args=[workspace, source_key, ANY])


class Connection(SealedCredentials, PullPlan, Condition, HoldsRows):
    """One authorised account of a source."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="connections")
    name = models.CharField(max_length=100, blank=True)
    privacy = models.CharField(max_length=10, choices=Privacy, blank=True)
    team = models.ForeignKey(Team, models.RESTRICT, related_name="connections", null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="connections_created")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    set_up_at = models.DateTimeField(null=True, editable=False)
    authorised_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    # An account of invented rows, for looking around: nobody manages it, and who asked for it takes it away.
    is_sample = models.BooleanField(default=False, db_default=False, editable=False)

    typed = SealedField()

    orphaned_at = models.DateTimeField(null=True, editable=False)

    objects = ConnectionQuerySet.as_manager()

    may_manage: bool  # As the queryset's `with_rights` adds it.

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(privacy=Privacy.TEAM, team__isnull=False)
                | (~Q(privacy=Privacy.TEAM) & Q(team__isnull=True)),
                name="team_exactly_when_shared_with_team",
            ),
            models.CheckConstraint(
                condition=Q(state=State.DRAFT) | (~Q(name="") & ~Q(privacy="")), name="finished_has_name_and_privacy"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "source_key", "name"], name="connection_list"),
            models.Index(fields=["next_sync_at"], name="connection_due", condition=Q(state=State.ACTIVE)),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        """For the admin: its readers may know that a private one exists, and not which account that is."""
        if not self.is_hidden:
            return self.name
        return f"{'unfinished' if self.is_draft else 'private'}, of {self.created_by or 'a deleted account'}"

    def get_absolute_url(self) -> str:
        return self.url("detail")

    def url(self, page: str) -> str:
        """The address of one of this connection's pages, by its name in connections.urls."""
        return address_of_any(page, self.workspace.slug, self.source_key).replace(str(ANY), str(self.pk))

    def list_url(self) -> str:
        """The page that lists it and its like; a source that is gone has none of its own."""
        if self.source is None:
            return self.workspace.get_absolute_url()
        return reverse("connections:source_list", args=[self.workspace.slug, self.source_key])

    # What it is -------------------------------------------------------------------------------------------------

    @property
    def typed_name(self) -> str:
        return self.name or self.typed_values().get("name", "")

    @property
    def privacy_word(self) -> str:
        return str(self.team) if self.team else self.get_privacy_display()

    @property
    def is_hidden(self) -> bool:
        """Whether it is its creator's alone."""
        return self.is_draft or self.privacy == Privacy.PRIVATE

    @property
    def is_draft(self) -> bool:
        return self.state == State.DRAFT

    @property
    def is_paused(self) -> bool:
        return self.state == State.PAUSED

    @property
    def creator_has_left(self) -> bool:
        known: bool | None = getattr(self, "creator_is_member", None)  # As the queryset's `with_rights` adds it.
        return not (self.has_member(self.created_by_id) if known is None else known)

    @property
    def key_is_left_behind(self) -> bool:
        """The key in use is that of somebody who is no longer a member, so it may die any day."""
        return self.has_key and not self.has_member(self.key_stored_by_id)

    def has_member(self, user_id: int | None) -> bool:
        """One who may log in: whom staff have switched off counts as somebody who has left."""
        return Membership.objects.filter(workspace=self.workspace_id, user=user_id, user__is_active=True).exists()

    def audience(self) -> str:
        """Who may use it, in words with names and counts."""
        match self.privacy:
            case Privacy.WORKSPACE:
                people = self.workspace.member_count
                return (
                    f"Shared with Workspace: all {people} members of {self.workspace}"
                    if people > 1
                    else f"Shared with Workspace: {self.workspace}, which has no other members yet"
                )
            case Privacy.TEAM:
                team = self.team.members.select_related("user") if self.team else []
                members = [str(member) for member in team]
                return f"Shared with Team {self.team}: {in_words(members)}. {self.workspace.administrators_words()}"
            case _:
                return f"Private to Me: nobody else in {self.workspace} sees it, not even its administrators"

    # Set-up -----------------------------------------------------------------------------------------------------

    def forget_key(self) -> None:
        super().forget_key()
        self.set_up_at = None

    def remember_typed(self, typed: Mapping[str, str]) -> None:
        """Keep what was typed into an unfinished set-up (never the key), so that nothing is lost."""
        if typed == self.typed_values():
            return
        self.typed = seal(json.dumps(dict(typed)), context=self.sealing_context("typed"))
        self.version += 1
        self.save()

    def open_all(self) -> None:
        super().open_all()
        if self.typed:
            unseal(self.typed, context=self.sealing_context("typed"))

    def seal_anew(self) -> None:
        super().seal_anew()
        if self.typed:
            typed = self.sealing_context("typed")
            self.typed = seal(unseal(self.typed, context=typed), context=typed)

    def typed_values(self) -> dict[str, str]:
        try:
            return json.loads(unseal(self.typed, context=self.sealing_context("typed"))) if self.typed else {}
        except Unsealable:
            return {}

    def hold_key(self, credentials: Credentials, *, by: User, was_tried: bool) -> None:
        """The account could not be asked: keep the key sealed, so that it need not be typed again."""
        self.keep_credentials(credentials, by=by)
        self.set_up_at, self.checked_at = None, timezone.now() if was_tried else None
        self.save()

    def holds_untested(self, credentials: Credentials) -> bool:
        """Whether these are the credentials that were tried, and kept because the account could not be asked."""
        try:
            was_tried = self.has_key and self.checked_at and not self.set_up_at
            return bool(was_tried) and self.credentials() == credentials
        except Unsealable:
            return False

    def set_up(
        self,
        credentials: Credentials,
        proof: Proof | None,
        counted: Counted | None = None,
        *,
        name: str,
        privacy: str,
        team: Team | None,
        by: User,
    ) -> None:
        """Step 2 is done. Without a proof the connection is not verified. `counted` is what is known of its streams."""
        self.name, self.privacy, self.team = name, privacy, team
        self.keep_credentials(credentials, by=by)
        self.accept_proof(proof) if proof else self.become_unverified()
        if counted:
            self.account_facts |= {"totals": {**counted.totals}, "refused": {**counted.refused}}
        self.set_up_at = timezone.now()
        self.version += 1
        self.save()

    @property
    def refused(self) -> dict[str, str]:
        """Why the account refused streams when it was set up, by their keys."""
        return {**self.account_facts.get("refused", {})}

    def take_refused(self) -> dict[str, str]:
        """From now on the health of its streams says so; the caller saves."""
        return {**self.account_facts.pop("refused", {})}

    def activate(self, *, by: User) -> None:
        """Step 3 is done: from now on it pulls."""
        self.state, self.authorised_at, self.typed = State.ACTIVE, timezone.now(), ""
        self.stream_keys = [stream.key for stream in self.source.default_streams] if self.source else []
        self.plan_next_sync()
        self.expect(self.stream_keys)
        self.version += 1
        self.save()
        self.record("connected", by=by)

    # Checks ----------------------------------------------------------------------------------------------------

    noted = (*Condition.noted, "account_fingerprint")

    def accept_proof(self, proof: Proof) -> None:
        super().accept_proof(proof)
        self.note_account()

    def note_working(self) -> None:
        """The key works. What is wrong with a stream is waited for, and is never the connection's fault."""
        troubles = self.stream_healths.in_trouble().exclude(reason="")
        if troubles:
            self.set_health(Health.WAITING, self.in_short(troubles), code=STREAM_FAILED)
        else:
            super().note_working()

    def part_from_rows(self) -> None:
        super().part_from_rows()
        self.know_nothing_of_streams()

    def know_nothing_of_streams(self) -> None:
        """It is another account: what that one offers has to be found out; the caller saves."""
        self.stream_healths.all().delete()
        self.expect(self.stream_keys)

    # Changes ----------------------------------------------------------------------------------------------------

    def value_of(self, field: str) -> str:
        """A field as the trail keeps it: comparable, and never a secret."""
        match field:
            case "privacy":
                return f"team:{self.team_id}" if self.privacy == Privacy.TEAM else self.privacy
            case "api_url":
                # Under the newest key, also while the stored one is still that of the key before.
                return fingerprint("account", self.host) if self.host else self.account_fingerprint
            case "api_key":
                return self.key_fingerprint
            case "streams":
                return ",".join(self.stream_keys)
            case "schedule" if self.schedule == Schedule.DAILY:
                return f"daily {self.daily_at:%H:%M}"
            case _:
                return str(getattr(self, field))

    def changes_since(self, version: int) -> list[Any]:
        """The edits after `version`, oldest first; each has `changes`, a dict of field to [before, after]."""
        return list(
            self.events.filter(version__gt=version).exclude(changes={}).order_by("version").select_related("actor")
        )

    def save_changes(self, before: Mapping[str, str], *, by: User, verb: str = "edited", detail: str = "") -> None:
        """Save, raise the version and put into the trail what differs from `before` (by `value_of`)."""
        changes = {field: [old, self.value_of(field)] for field, old in before.items() if self.value_of(field) != old}
        if changes:
            self.version += 1
        self.save()
        if changes:
            self.record(verb, by=by, detail=detail[:300], changes=changes)

    def become_private(self, *, because: str) -> None:
        before = {"privacy": self.value_of("privacy")}
        self.privacy, self.team = Privacy.PRIVATE, None
        if self.creator_has_left:
            self.orphaned_at = timezone.now()
        self.go_on_after(self.stop_syncs(because))
        self.version += 1
        self.save()
        self.record("made private", by=None, detail=because, changes={"privacy": [before["privacy"], Privacy.PRIVATE]})

    def pause(self, *, by: User) -> None:
        self.state = State.PAUSED
        self.save(update_fields=["state"])
        self.stop_syncs("The connection was paused.")
        self.record("paused", by=by)

    def resume(self, *, by: User) -> None:
        self.state = State.ACTIVE
        self.become_due()
        self.save(update_fields=["state", "next_sync_at", "late_at"])
        self.record("resumed", by=by)

    def stop_syncs(self, reason: str) -> int:
        """End what runs or waits: a worker that is at it finds out before it stores its next page. Returns how many."""
        stopped: int = self.syncs.active().stop(reason)
        return stopped

    def go_on_after(self, stopped: int) -> None:
        """What was stopped for the sake of a change begins anew under it; the caller saves."""
        if stopped and not self.is_paused:
            self.next_sync_at = timezone.now()

    def stop_sync(self, number: int, *, by: User) -> bool:
        """Somebody wants this one to end now. Returns whether it was still under way."""
        stopped = self.syncs.active().filter(number=number).stop(f"By {by}.")
        if stopped:
            self.record("stopped a sync", by=by)
        return bool(stopped)

    @transaction.atomic
    def remove(self, *, by: User) -> None:
        """Delete it with its syncs and secrets; the trail keeps that it existed, and its rows are erased in pieces."""
        # First its own row: whoever holds that, and wants what goes with it, must not wait for us.
        Connection.objects.select_for_update(no_key=True).filter(pk=self.pk).first()
        self.stop_syncs("The connection was deleted.")
        self.record("deleted", by=by)
        if self.privacy == Privacy.PRIVATE:
            self.seal_trail()
        self.delete()

    def seal_trail(self) -> None:
        """What happened to a private connection stays its creator's; without a creator nobody may read it."""
        if self.created_by:
            self.events.update(private_to=self.created_by)
        else:
            self.events.all().delete()

    def record(
        self, verb: str, *, by: User | None, detail: str = "", changes: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Put into the trail that this happened."""
        self.events.create(
            workspace=self.workspace,
            verb=verb,
            about=self.name,
            private_to=self.created_by if self.privacy == Privacy.PRIVATE else None,
            actor=by,
            by_staff=by is not None and by.acts_as_staff,
            detail=detail,
            changes=changes or {},
            version=self.version,
        )
