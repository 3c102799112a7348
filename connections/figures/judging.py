"""Whether what people want to be told of a pinned number is so: they are told once, and once when it is over."""

import threading
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from connections.checking.notices import tell_number
from connections.figures.figure import A_DAY, Figure, Period, Value
from connections.figures.figures import figures
from connections.models import Alert, Connection, Pin
from connections.templatetags.amounts import as_typed, words_of

MOST_AT_ONCE = 200  # Pins, of a few queries each.
KNOWN_WITHIN = timedelta(days=1)  # What is older says nothing of whether anything is new.


def judge_due(stopping: threading.Event) -> None:
    for pin in Pin.objects.to_judge()[:MOST_AT_ONCE]:
        if stopping.is_set():
            return
        judge(pin)


def judge(pin: Pin) -> None:
    is_visible = Connection.objects.visible_to(pin.user).filter(pk=pin.connection_id).exists()
    today = timezone.now().astimezone(pin.connection.workspace.zone).date()
    figure = figure_of(pin, counted_over(pin, today)) if is_visible else None
    is_met = verdict(pin, figure) if figure else None
    if figure is None or is_met is None:
        pin.note_judged()
        return
    with transaction.atomic():
        if pin.judge(is_met=is_met):
            name = figure.definition.name
            tell_number(pin, name=name, is_met=is_met, said=wish_of(pin, figure), fact=fact_of(pin, figure))


def counted_over(pin: Pin, today: date) -> Period:
    """Whole days, unless it matters whether anything is new today."""
    end = today if pin.alert == Alert.NOTHING_NEW else today - A_DAY
    return Period(start=end - timedelta(days=pin.days - 1), end=end)


def figure_of(pin: Pin, period: Period) -> Figure | None:
    """Of how many there are now, it is that."""
    connection = pin.connection
    source = connection.source
    definition = source.number(pin.number) if source else None
    if definition is None:
        return None
    now = Period(start=period.end, end=max(period.end, timezone.now().astimezone(connection.workspace.zone).date()))
    asked = now if definition.is_stock else period
    found = figures(connection, asked, keys=[pin.number], by=pin.by, group=pin.group, compares=False)
    return next((one for one in found if one.currency == pin.currency), None)


def verdict(pin: Pin, figure: Figure) -> bool | None:
    """None where it is not known."""
    if figure.value is None or figure.as_of is None:
        return None
    match pin.alert:
        case Alert.ABOVE:
            return figure.value > limit_of(pin, figure)
        case Alert.BELOW:
            return figure.value < limit_of(pin, figure)
        case Alert.NOTHING_NEW:
            return figure.value == 0 if timezone.now() - figure.as_of < KNOWN_WITHIN else None
    return None


def limit_of(pin: Pin, figure: Figure) -> Value:
    return as_typed(pin.bound or Decimal(0), figure.definition.unit, scale=figure.scale)


def wish_of(pin: Pin, figure: Figure) -> str:
    """“Contacts: below 5,000”, “New contacts: nothing new for 7 days”."""
    days = f"{pin.days} day{'s' if pin.days != 1 else ''}"
    name = figure.definition.name
    if pin.alert == Alert.NOTHING_NEW:
        return f"{name}: nothing new for {days}"
    over = "" if figure.is_stock else f" over {days}"
    return f"{name}{over}: {pin.alert} {words_of(limit_of(pin, figure), figure)}"


def fact_of(pin: Pin, figure: Figure) -> str:
    return words_of(figure.value or 0, figure)
