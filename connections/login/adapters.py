"""What allauth asks us: who may sign up, how many tries there are, and where its links lead."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse

from connections.access.acting import require_room_for_sign_in
from connections.access.requests import client_address, home_of
from connections.access.second_factor import open_secret, seal_secret
from connections.checking.mailing import send_beside
from connections.login import confirming
from connections.login.signing_in import note_sign_in
from connections.models import User
from connections.models.people import opens_nothing
from connections.models.sign_in import Outcome
from connections.safe.sealing import Unsealable

WAYS_TO_CONFIRM = {
    "reauthenticate": "Use your password instead",
    "mfa_reauthenticate": "Use a code from your authenticator app instead",
}
TO_STRANGERS = "account/email/unknown_account"


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The e-mail address or the password is not right.",
        "incorrect_password": "This is not your password.",
        "incorrect_code": "This code is not right. Enter the newest one of the app, or an unused recovery code.",
        "too_many_login_attempts": "Too many tries that failed. Wait five minutes, then try again.",
        "published_password": "This is the demo's password, which everybody knows: it opens nothing on a real site.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        # Workspaces are made by staff; an account without one would have nothing to see.
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a try before it is made; a password that is right takes it back. Refuses what is too many."""
        if opens_nothing(credentials.get("password", "")):
            raise self.validation_error("published_password")
        super().pre_authenticate(request, **credentials)
        of_client = ratelimit.consume(request, app="allauth.account", action="login_failed_of_client")
        if of_client is None:
            self._rollback_login_failed_rl_usage()
            raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage.usage += of_client.usage

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # With the client in it, strangers who try cannot lock out the person whose address it is.
        return f"{(credentials.get('email') or '').lower()} from {self.get_client_ip(request)}"

    def is_safe_url(self, url: str) -> bool:
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False  # It is no address at all, such as one with half a bracket.

    def get_client_ip(self, request: HttpRequest) -> str:
        """Who counts as one client."""
        return home_of(client_address(request)) or "nowhere"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        person = User.objects.filter(email__iexact=(credentials.get("email") or "").strip()).first()
        note_sign_in(Outcome.WRONG_PASSWORD, request, person=person)

    def login(self, request: HttpRequest, user: User) -> None:
        require_room_for_sign_in(user)
        super().login(request, user)
        note_sign_in(Outcome.SIGNED_IN, request, person=user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        # Whoever has just logged in is not asked for the same password again.
        return not confirming.is_recent(context.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        ways = super().get_reauthentication_methods(user)
        return [{**way, "description": WAYS_TO_CONFIRM[way["id"]]} for way in ways]

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, {**context, "email": email, "site": settings.SITE_URL})
        if template_prefix != TO_STRANGERS or may_write_to_stranger(self.request, email):
            send_beside(message)

    def get_reset_password_from_key_url(self, key: str) -> str:
        # The address that links in mails lead to is the operator's word, not the Host header of whoever asked.
        return f"{settings.SITE_URL}{reverse('account_reset_password')}key/{key}/"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return f"{settings.SITE_URL}{reverse('account_confirm_email', args=[emailconfirmation.key])}"

    def format_email_subject(self, subject: str) -> str:
        return subject


class NotPublished:
    """As one of the rules for new passwords."""

    def validate(self, password: str, user: User | None = None) -> None:
        if opens_nothing(password):
            raise ValidationError(AccountAdapter.error_messages["published_password"], code="published_password")

    def get_help_text(self) -> str:
        return "Your password can’t be one that we have published."


def may_write_to_stranger(request: HttpRequest, email: str) -> bool:
    """Anybody may ask for a password of any address: what we send to people without an account is kept to a few."""
    for_them = ratelimit.consume(request, app="allauth.account", action="mail_to_stranger", key=email.casefold())
    of_all = for_them and ratelimit.consume(request, app="allauth.account", action="mail_to_strangers", key="all")
    return bool(of_all)


class UnreadableSecret(ValidationError):
    """Sealed under a key that is gone."""

    silent_variable_failure = True  # A page that counts recovery codes shows none.


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right. Enter the newest one that the app shows.",
    }

    def encrypt(self, text: str) -> str:
        return seal_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return open_secret(encrypted_text)
        except Unsealable:
            raise UnreadableSecret(
                "Your two-step login cannot be read any more. Ask BlinkMetrics’ support to switch it off."
            ) from None
