"""Form controls that several rooms show."""

from collections.abc import Collection
from typing import Any

from django import forms


class HintedRadios(forms.RadioSelect):
    """Radio buttons with a sentence under each label; what is `closed` is shown and cannot be chosen."""

    def __init__(self, hints: dict[str, str], *, closed: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hints, self.closed = hints, closed

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if str(value) in self.closed:
            option["attrs"]["disabled"] = True
        return {**option, "hint": self.hints.get(str(value), "")}
