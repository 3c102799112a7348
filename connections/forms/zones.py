"""A time zone, of which there are six hundred: one is searched, not scrolled to."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connections.models.people import zone_names


class ZoneInput(forms.TextInput):
    """A line in which a zone is searched by what is typed; the browser offers those that fit."""

    template_name = "connections/forms/zone.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        offered = f"{name}-zones"
        return super().get_context(name, value, {**attrs, "list": offered}) | {
            "zones": zone_names(),
            "offered": offered,
        }


class ZoneField(forms.CharField):
    widget = ZoneInput

    def clean(self, value: Any) -> str:
        """However its capitals are typed, with blanks for the lines between words; of a city its name is enough."""
        typed = str(super().clean(value)).strip().replace(" ", "_").lower()
        zone = next((name for name in zone_names() if name.lower() == typed), None)
        of_city = [name for name in zone_names() if name.lower().rpartition("/")[2] == typed]
        if zone is None and len(of_city) == 1:
            return of_city[0]
        if zone is None:
            raise ValidationError("Choose one of the zones that are offered, such as Europe/Berlin.", code="invalid")
        return zone
