"""What allauth asks us: who may sign up, and where its links lead."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        # Workspaces are made by staff; an account without one would have nothing to see.
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        # The address that links in mails lead to is the operator's word, not the Host header of whoever asked.
        return f"{settings.SITE_URL}{reverse('account_reset_password')}key/{key}/"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return f"{settings.SITE_URL}{reverse('account_confirm_email', args=[emailconfirmation.key])}"

    def format_email_subject(self, subject: str) -> str:
        return subject
