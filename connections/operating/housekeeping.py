"""Throws away what must not be kept: keys and drafts of set-ups that nobody finished, keys of people who left."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from connections.models import (
    CallMinute,
    CheckTry,
    Connection,
    KeyCanary,
    LiveCheck,
    Notice,
    PersonErasure,
    SignIn,
    StandbyKey,
    State,
)
from connections.models.connection import ORPHANED_KEY_LIFE, UNFINISHED_KEY_LIFE, UNFINISHED_LIFE
from connections.operating.retention import forget_outdated

log = logging.getLogger(__name__)

CALLS_SHOWN_FOR = timedelta(days=2)


def keep_house() -> None:
    now = timezone.now()
    stamp_left_behind()
    wiped = forget_keys_of(Connection.objects.filter(state=State.DRAFT, key_stored_at__lt=now - UNFINISHED_KEY_LIFE))
    wiped += forget_keys_of(Connection.objects.left_behind().filter(orphaned_at__lt=now - ORPHANED_KEY_LIFE))
    drafts = delete_drafts_from_before(now - UNFINISHED_LIFE)
    CallMinute.objects.filter(minute__lt=now - CALLS_SHOWN_FOR).delete()
    CheckTry.objects.outdated().delete()
    LiveCheck.objects.outdated().delete()
    SignIn.objects.outdated().delete()
    Notice.objects.outdated().delete()
    PersonErasure.objects.outdated().delete()
    forget_outdated()
    plant_canary()
    if wiped or drafts:
        log.info("house kept", extra={"keys_wiped": wiped, "drafts_deleted": drafts})


def plant_canary() -> None:
    """From now on a missing key is noticed before a customer meets it."""
    latest = Connection.objects.exclude(key_stored_at=None).order_by("-key_stored_at").first()
    if latest is None or latest.is_readable:
        KeyCanary.objects.plant()


def stamp_left_behind() -> None:
    """A person may also leave by another door than the Members page or the admin, and may come back."""
    Connection.objects.leave_behind()
    left_behind = Connection.objects.left_behind().values("pk")
    Connection.objects.exclude(orphaned_at=None).exclude(pk__in=left_behind).update(orphaned_at=None)


@transaction.atomic
def delete_drafts_from_before(moment: datetime) -> int:
    drafts = Connection.objects.unfinished_since(moment).select_for_update()
    return sum(draft.delete()[0] > 0 for draft in drafts)


@transaction.atomic
def forget_keys_of(connections: QuerySet[Connection]) -> int:
    """Wipe each sealed key; returns how many there were."""
    # Locked: whoever finishes a set-up in this moment must not find it undone.
    keepers = [*connections.exclude(key_stored_at=None).select_for_update(of=("self",), no_key=True)]
    for connection in keepers:
        connection.forget_key()
        connection.save()
    StandbyKey.objects.filter(connection__in=keepers).delete()
    return len(keepers)
