"""How often a person may do what adds rows, and the refusal of what is too much at the moment."""

import math
from datetime import datetime, timedelta
from heapq import nlargest

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from connections.models import Event, SignIn, Sync, User

WITHIN = timedelta(minutes=10)
MOST_ACTS = 100  # More than a person presses, less than a loop wants.
MOST_DOWNLOADS = 60  # All that a connection offers.
MOST_SIGN_INS = 300


class TooMuch(Exception):
    """Not now; the text says why and when to try again. Answered with 429."""

    def __init__(self, why: str, *, seconds: int) -> None:
        super().__init__(f"{why} Try again in {seconds} second{'s' if seconds != 1 else ''}.")
        self.seconds = seconds


def require_room_for_act(person: User) -> None:
    """Raises TooMuch. What is changed stands in the trail, but for the syncs that somebody asks for."""
    acts = Event.objects.filter(actor=person).exclude(verb="exported")
    syncs = Sync.objects.filter(requested_by=person)
    require_fewer(
        MOST_ACTS, newest(acts, "at") + newest(syncs, "created_at"), "You have changed a great deal just now."
    )


def require_room_for_download(person: User) -> None:
    """Raises TooMuch."""
    downloads = Event.objects.filter(actor=person, verb="exported")
    require_fewer(MOST_DOWNLOADS, newest(downloads, "at"), "You have downloaded many files just now.")


def require_room_for_sign_in(person: User) -> None:
    """Raises TooMuch."""
    sign_ins = SignIn.objects.filter(person=person)
    require_fewer(MOST_SIGN_INS, newest(sign_ins, "at"), "You have signed in very often just now.")


def newest(rows: QuerySet, moment: str) -> list[datetime]:
    # In the order in which they were added: no index holds one person's by time.
    return [*rows.order_by("-pk").values_list(moment, flat=True)[:MOST_SIGN_INS]]


def require_fewer(most: int, moments: list[datetime], why: str) -> None:
    now = timezone.now()
    counted = nlargest(most, (at for at in moments if at > now - WITHIN))
    if len(counted) == most and settings.RATE_LIMITS != "off":
        raise TooMuch(why, seconds=math.ceil((counted[-1] + WITHIN - now).total_seconds()))
