"""Why something waits, for people who have nothing to do about it."""

from django import template

register = template.Library()

ADVICE = " Try again later."


@register.filter
def without_advice(reason: str) -> str:
    """Where BlinkMetrics tries again by itself, nobody else has to."""
    return reason.replace(ADVICE, "")
