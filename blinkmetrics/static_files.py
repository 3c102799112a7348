"""Static files: collected and known by name on a real site; in development looked for at each request."""

from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):
    def find_file(self, url: str) -> Any:
        """None for what lies outside, or is no name that a file can have: it is not there, as on a real site."""
        try:
            return super().find_file(url)
        except (SuspiciousFileOperation, ValueError, OSError):
            return None
