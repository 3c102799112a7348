"""What allauth asks us: who may sign up, and where its links lead."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        # Workspaces are made by staff; an account without one would have nothing to see.
        return False
