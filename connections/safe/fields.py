"""A column for sealed text: it can be stored and loaded, and nothing else."""

from typing import Any, NoReturn

from django.core.exceptions import FieldError
from django.db import models


class SealedField(models.TextField):
    """Holds what `sealing.seal` made. It has no form field, and a query cannot compare with it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(blank=True, default="", editable=False)
        super().__init__(*args, **kwargs)

    def formfield(self, **_kwargs: Any) -> None:
        return None

    def get_lookup(self, lookup_name: str) -> NoReturn:
        raise FieldError("A sealed column cannot be searched; compare fingerprints.")
