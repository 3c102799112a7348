"""People whose data was asked to be erased: the request, how far it is, and the hashes that keep them out after it."""

import json
import secrets
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from django.db import models, transaction
from django.db.models import Case, F, Q, When
from django.urls import reverse
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.field_rules import FieldRules, Rule
from connections.models.holding import Holding
from connections.models.kept_out import KeptOut, spelled_plainly
from connections.models.people import User, Workspace
from connections.models.sync import ACTIVE_STATES, Sync, SyncState
from connections.safe.fields import SealedField
from connections.safe.sealing import Unsealable, seal, unseal
from sources.spec import Stream

EVERY_ROW = "@"  # In the place of an address that nobody knows any more: each row is held against the marks.
MOST_UNDECIDED = 20  # Of a workspace: each is looked for in all that it holds.
UNDECIDED_LIFE = timedelta(hours=24)  # Until then somebody has erased what was found, or asks anew.

Ids = dict[str, dict[str, list[str]]]
"""Of persons' rows the ids, by holding and stream."""


class ErasureState(models.TextChoices):
    FINDING = "finding", "Looking"
    FOUND = "found", "Found"
    ERASING = "erasing", "Erasing"
    ERASED = "erased", "Erased"


class Phase(models.TextChoices):
    """First whose rows they are, as the others are known by the ids of these; then all of them."""

    PEOPLE = "people"
    ROWS = "rows"
    EXCERPTS = "excerpts"


class ErasureKey(models.Model):
    """What a workspace's hashes are made with, at random and sealed. It stays when credential keys go.

    Those of people who are kept out, and those that are stored in the place of values.
    """

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="erasure_key")
    key = SealedField()

    def __str__(self) -> str:
        return f"the key of the hashes of {self.workspace}"

    def context(self) -> tuple[str, ...]:
        return ("erasure key", str(self.workspace_id))

    def opened(self) -> bytes:
        """Raises Unsealable."""
        return bytes.fromhex(unseal(self.key, context=self.context()))

    def open_all(self) -> None:
        """Raises Unsealable."""
        self.opened()

    def seal_anew(self) -> None:
        """Under the newest key; the caller saves. Raises Unsealable."""
        self.key = seal(self.opened().hex(), context=self.context())


def key_of(workspace_id: int) -> bytes:
    """Made when it is first asked for. Raises Unsealable."""
    new = ErasureKey(workspace_id=workspace_id)
    new.key = seal(secrets.token_hex(32), context=new.context())
    found, _ = ErasureKey.objects.get_or_create(workspace_id=workspace_id, defaults={"key": new.key})
    return found.opened()


def kept_out_of(holding: Holding, workspace_id: int) -> KeptOut:
    """Whom a sync leaves out of a holding. Raises Unsealable: then nothing may be stored."""
    marks = ErasureMark.objects.filter(erasure__workspace=workspace_id).filter(Q(holding=None) | Q(holding=holding))
    found = dict(marks.values_list("mark", "erasure"))
    return KeptOut(key=key_of(workspace_id) if found else b"", holding=holding.pk, marks=found)


def field_rules_of(connection: Connection, stream: Stream) -> FieldRules:
    """What of a stream's rows is left out or hashed. Raises Unsealable: then nothing may be stored."""
    rules = connection.rules_of(stream)
    return FieldRules(rules, key_of(connection.workspace_id) if Rule.HASH in rules.values() else b"")


class PersonErasureQuerySet(models.QuerySet["PersonErasure"]):
    @transaction.atomic
    def ask(self, workspace: Workspace, address: str, *, by: User | None) -> "PersonErasure":
        """Begin to look for what is held about whoever has this address."""
        erasure = self.create(workspace=workspace, asked_by=by)
        erasure.keep_needles(address=spelled_plainly(address), ids={})
        erasure.save()
        return erasure

    def under_way(self) -> Self:
        return self.filter(state__in=(ErasureState.FINDING, ErasureState.ERASING)).order_by("moved_at")

    def undecided(self) -> Self:
        return self.filter(state__in=(ErasureState.FINDING, ErasureState.FOUND))

    def outdated(self) -> Self:
        """Of which nobody has decided anything; the address that was asked for goes with them."""
        return self.undecided().filter(asked_at__lt=timezone.now() - UNDECIDED_LIFE)

    def meet_again(self, holding: Holding, found: Iterable[tuple[int, str, str]]) -> None:
        """A sync met these persons' rows, by erasure, stream and id: what came before under their ids is erased."""
        for pk, stream, external_id in found:
            with transaction.atomic():
                erasure = self.select_for_update().filter(pk=pk).first()
                if erasure:
                    erasure.begin_again(holding.pk, stream, external_id)


class PersonErasure(models.Model):
    """One request of a workspace. `counts` are rows by holding and stream: found, or, in the end, erased.

    `needles` are the address and the ids that are looked for, sealed; nothing of them is kept when all is erased.
    `phase`, `holding`, `stream` and `reached` say how far the walk through all that is held has come: to which id, None
    when that stream is over; and `looked` how many rows that were. `is_to_repeat`: on the way an id was met with which
    what lies behind was not compared.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="person_erasures")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by_staff = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=ErasureState, default=ErasureState.FINDING)
    needles = SealedField()
    counts = models.JSONField(default=dict)
    blanked = models.PositiveBigIntegerField(default=0)
    looked = models.PositiveBigIntegerField(default=0)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.PEOPLE)
    holding = models.UUIDField(null=True)
    stream = models.CharField(max_length=60, blank=True)
    reached = models.CharField(max_length=80, null=True)  # noqa: DJ001  An empty one is before all ids.
    is_to_repeat = models.BooleanField(default=False)

    objects = PersonErasureQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["moved_at"], condition=Q(state__in=["finding", "erasing"]), name="erasure_under_way")
        ]

    def __str__(self) -> str:
        return f"request {self.pk} to erase a person"

    def get_absolute_url(self) -> str:
        return reverse("connections:person_erasure", args=[self.workspace.slug, self.pk])

    @property
    def is_under_way(self) -> bool:
        return self.state in (ErasureState.FINDING, ErasureState.ERASING)

    @property
    def is_found(self) -> bool:
        return self.state == ErasureState.FOUND

    @property
    def is_erasing(self) -> bool:
        return self.state == ErasureState.ERASING

    @property
    def is_confirmed(self) -> bool:
        return self.state in (ErasureState.ERASING, ErasureState.ERASED)

    @property
    def rows(self) -> int:
        return sum(sum(streams.values()) for streams in self.counts.values())

    @property
    def address(self) -> str:
        """For administrators, until it is erased; empty then, and when it cannot be opened."""
        try:
            return str(self.opened()["address"]).removeprefix(EVERY_ROW)
        except Unsealable:
            return ""

    # What is looked for -----------------------------------------------------------------------------------------

    def context(self) -> tuple[str, ...]:
        return ("erasure", str(self.workspace_id), str(self.pk))

    def opened(self) -> dict[str, Any]:
        """`address`, empty when it is known no more, and `ids`. Raises Unsealable."""
        return json.loads(unseal(self.needles, context=self.context())) if self.needles else {"address": "", "ids": {}}

    def keep_needles(self, *, address: str, ids: Ids) -> None:
        self.needles = seal(json.dumps({"address": address, "ids": ids}), context=self.context())

    def open_all(self) -> None:
        """Raises Unsealable."""
        self.opened()

    def seal_anew(self) -> None:
        """Under the newest key; the caller saves. Raises Unsealable."""
        if self.needles:
            self.keep_needles(**self.opened())

    # Its life, in order -----------------------------------------------------------------------------------------

    def is_found_out(self) -> None:
        self.state = ErasureState.FOUND

    def discard(self) -> bool:
        """Nobody is erased; whom it was about is known no more. Returns whether there was still something to decide."""
        return bool(PersonErasure.objects.undecided().filter(pk=self.pk).delete()[0])

    @transaction.atomic
    def confirm(self, *, by: User | None) -> bool:
        """From now on they are kept out, and what is held of them is erased. Returns whether it was not yet so."""
        row = type(self).objects.select_for_update().filter(pk=self.pk, state=ErasureState.FOUND).first()
        if row is None:
            return False
        needles, key = row.opened(), key_of(row.workspace_id)
        marks = [(None, KeptOut(key, UUID(int=0), {}).mark_of_address(needles["address"]))]
        for holding, streams in needles["ids"].items():
            if Holding.objects.filter(pk=holding).exists():
                keeper = KeptOut(key, UUID(holding), {})
                marks += [(holding, keeper.mark_of_row(stream, one)) for stream, ids in streams.items() for one in ids]
        ErasureMark.objects.keep(row.pk, marks)
        row.state, row.confirmed_by, row.by_staff = ErasureState.ERASING, by, bool(by and by.acts_as_staff)
        row.counts, row.blanked = {}, 0
        row.walk_from_the_start()
        row.save()
        row.workspace.record("began to erase a person from the data of", by=by, about=str(row.workspace))
        self.refresh_from_db()
        return True

    def walk_from_the_start(self) -> None:
        self.phase, self.holding, self.stream, self.reached = Phase.PEOPLE, None, "", None
        self.looked, self.is_to_repeat, self.moved_at = 0, False, timezone.now()

    def begin_again(self, holding: UUID, stream: str, external_id: str) -> None:
        """Their row was met under an id that nobody knew before."""
        keeper = KeptOut(key_of(self.workspace_id), holding, {})
        ErasureMark.objects.keep(self.pk, [(str(holding), keeper.mark_of_row(stream, external_id))])
        self.look_also_for(holding, stream, [external_id])
        self.is_to_repeat = self.is_erasing
        if not self.is_erasing:
            self.walk_from_the_start()
        self.state = ErasureState.ERASING
        self.save()

    def look_also_for(self, holding: UUID, stream: str, external_ids: Collection[str]) -> None:
        needles = self.opened()
        there = needles["ids"].setdefault(str(holding), {}).setdefault(stream, [])
        there += [one for one in external_ids if one not in there]
        self.keep_needles(**needles)

    def walk_by_marks(self) -> None:
        """Through every row: the marks are known, and nothing else. The caller saves."""
        self.state = ErasureState.ERASING
        self.keep_needles(address=EVERY_ROW, ids={})
        self.walk_from_the_start()

    def end(self) -> None:
        """Nothing is left of them, and whom it was about is known no more."""
        self.state, self.ended_at, self.needles = ErasureState.ERASED, timezone.now(), ""
        words = f"{self.rows:,} row{'s' * (self.rows != 1)} erased, {self.blanked:,} blanked."
        self.workspace.events.create(
            verb="erased a person from the data of",
            about=str(self.workspace)[:100],
            actor=self.confirmed_by,
            by_staff=self.by_staff,
            detail=words,
        )


class ErasureMarkQuerySet(models.QuerySet["ErasureMark"]):
    def keep(self, erasure: int, marks: Iterable[tuple[str | None, str]]) -> None:
        """Of each the holding, None for all of the workspace, and the hash."""
        made = [self.model(erasure_id=erasure, holding_id=holding, mark=mark) for holding, mark in marks]
        self.bulk_create(made, ignore_conflicts=True)


class ErasureMark(models.Model):
    """A keyed hash of an address, or of an id in a holding. It tells nobody whose it is."""

    erasure = models.ForeignKey(PersonErasure, models.CASCADE, related_name="marks")
    holding = models.ForeignKey(Holding, models.CASCADE, null=True, related_name="+")
    mark = models.CharField(max_length=64)

    objects = ErasureMarkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["erasure", "mark"], name="one_mark_of_an_erasure")]

    def __str__(self) -> str:
        return self.mark[:8]


def release_syncs(syncs: models.QuerySet[Sync]) -> int:
    """Those that are active begin again where they are, and know then what has to be kept out.

    In a transaction after that in which this was written, or in the same. Also those that wait: one of them may be
    taken at this moment.
    """
    now = timezone.now()
    begun = When(state=SyncState.RUNNING, then=now)
    active = syncs.filter(state__in=ACTIVE_STATES)
    return active.update(token=F("token") + 1, run_after=Case(begun, default=F("run_after")), state=SyncState.QUEUED)
