"""How numbers read: counts, shares, days, and amounts with their currency."""

from decimal import Decimal
from typing import Protocol

from django import template

from connections.templatetags.cells import NOTHING, SIGNS
from sources.spec import Definition, Unit

register = template.Library()

Amount = int | float | Decimal


class Measured(Protocol):
    """A figure, as far as its values read by it."""

    @property
    def definition(self) -> Definition: ...

    @property
    def currency(self) -> str: ...

    @property
    def scale(self) -> int: ...


@register.simple_tag
def amount(value: Amount | None, figure: Measured) -> str:
    return NOTHING if value is None else words_of(value, figure)


def words_of(value: Amount, figure: Measured) -> str:
    return in_unit(value, figure.definition.unit, currency=figure.currency, scale=figure.scale)


def in_unit(value: Amount, unit: str, *, currency: str = "", scale: int = 2) -> str:
    """1240000 euro cents are “€ 12,400”, a share of 0.413 is “41.3 %”, and half a day “0.5 days”."""
    match unit:
        case Unit.MONEY:
            code = currency.upper()
            return f"{'−' if value < 0 else ''}{SIGNS.get(code, code)} {units(abs(float(value)), scale)}".strip()
        case Unit.SHARE:
            return f"{round_half(float(value) * 100)} %"
        case Unit.DAYS:
            return f"{round_half(value)} day{'' if value == 1 else 's'}"
    return round_half(value)


def units(value: float, scale: int) -> str:
    """Cents only where there are any."""
    whole, part = divmod(round(value), 10**scale)
    return f"{whole:,}.{part:0{scale}d}" if part else f"{whole:,}"


def round_half(value: Amount) -> str:
    """With one digit after the point, where that is not nought."""
    rounded = round(float(value), 1)
    text = f"{int(rounded):,}" if rounded == int(rounded) else f"{rounded:,}"
    return text.replace("-", "−")


def as_typed(value: Decimal, unit: str, *, scale: int = 2) -> float:
    """What people write, in units of money and per cent, as a figure counts it."""
    match unit:
        case Unit.MONEY:
            return float(value) * 10**scale
        case Unit.SHARE:
            return float(value) / 100
    return float(value)


@register.simple_tag
def change(value: Amount | None, before: Amount | None, unit: str) -> str:
    """“+12 %”, of a share “+6.1 points”; empty where there is nothing to compare with, or it is about the same."""
    if value is None or before is None:
        return ""
    if unit == Unit.SHARE:
        points = round_half((float(value) - float(before)) * 100)
        return "" if points in ("0", "−0") else f"{'' if points.startswith('−') else '+'}{points} points"
    if not before:
        return ""
    changed = f"{(float(value) - float(before)) / abs(float(before)):+.0%}"
    return "" if changed[1:] == "0%" else changed.replace("-", "−").replace("%", " %")
