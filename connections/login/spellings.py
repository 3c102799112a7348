"""The login of accounts from before that share an address with another but for capitals."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from connections.models import User


class ExactSpelling(BaseBackend):
    """Whoever types it exactly as it is kept is that account; in small letters it is the other one's."""

    def authenticate(self, request: HttpRequest | None, email: str = "", password: str = "", **_: Any) -> User | None:
        person = User.objects.filter(email=email, is_active=True).first() if email != email.lower() else None
        return person if person and person.check_password(password) else None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
