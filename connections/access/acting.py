"""How often a person may do what adds rows, and the refusal of what is too much at the moment."""

import math
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import chain
from typing import Any

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
    acts = Event.objects.filter(actor=person).exclude(verb="exported").values_list("at", flat=True)
    syncs = Sync.objects.filter(requested_by=person).values_list("created_at", flat=True)
    require_fewer(MOST_ACTS, "You have changed a great deal just now.", acts, syncs)


def require_room_for_download(person: User) -> None:
    """Raises TooMuch."""
    downloads = Event.objects.filter(actor=person, verb="exported").values_list("at", flat=True)
    require_fewer(MOST_DOWNLOADS, "You have downloaded many files just now.", downloads)


def require_room_for_sign_in(person: User) -> None:
    """Raises TooMuch."""
    sign_ins = SignIn.objects.filter(person=person).values_list("at", flat=True)
    require_fewer(MOST_SIGN_INS, "You have signed in very often just now.", sign_ins)


def require_fewer(most: int, why: str, *moments: QuerySet[Any, datetime]) -> None:
    # In the order in which they were added: no index holds one person's by time.
    newest = nlargest(most, chain.from_iterable(some.order_by("-pk")[:most] for some in moments))
    if len(newest) == most and settings.RATE_LIMITS:
        left = (newest[-1] + WITHIN - timezone.now()).total_seconds()
        if left > 0:
            raise TooMuch(why, seconds=math.ceil(left))
