"""allauth's forms in our words; those that take a code count by our own rule, and seal what they keep."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordForm, ResetPasswordKeyForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, TOTP
from django.core.exceptions import ValidationError

from connections.access.second_factor import open_secret, seal_secret
from connections.login.signing_in import note_sign_in, take_code_try
from connections.models import User
from connections.models.addresses import NO_ADDRESS
from connections.models.sign_in import Outcome
from connections.safe.sealing import Unsealable

E_MAIL = "E-mail"
DEMO_ACCOUNT = (
    "This is an account of the demo, and this a real site. Whoever runs it makes one that is yours, or gives this one "
    "another password by a command."
)


class InOurWords:
    """Labels as the rest of the site writes them, and no second time inside a field."""

    labels: Mapping[str, str]
    fields: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, label in self.labels.items():
            self.fields[field].label = label
            self.fields[field].widget.attrs.pop("placeholder", None)
            if label == E_MAIL:
                self.fields[field].error_messages["invalid"] = NO_ADDRESS


class LogInForm(InOurWords, LoginForm):
    labels = {"login": E_MAIL, "remember": "Keep me logged in"}

    def clean_login(self) -> str:
        typed = self.data["login"].strip()
        return typed if User.objects.filter(email=typed).exists() else super().clean_login()

    def clean(self) -> Any:
        cleaned = super().clean()
        if self.user:
            self._login.email = None  # By which it would look for small letters alone; a person has one address here.
        return cleaned


class LinkForm(InOurWords, ResetPasswordForm):
    labels = {"email": E_MAIL}


class NewPasswordForm(InOurWords, ResetPasswordKeyForm):
    labels = {"password1": "New password", "password2": "New password, again"}

    def clean(self) -> Any:
        if self.user.has_published_password:
            raise ValidationError(DEMO_ACCOUNT)
        return super().clean()


class AnotherPasswordForm(InOurWords, ChangePasswordForm):
    labels = {"oldpassword": "Current password", **NewPasswordForm.labels}


def without_blanks(code: str) -> str:
    """Apps show codes in two halves."""
    return "".join(code.split())


class CountedCode:
    """A code of the app, or a recovery code."""

    user: Any
    cleaned_data: dict[str, str]
    authenticator: Authenticator

    def clean_code(self) -> str:
        attempt = take_code_try(context.request, person=self.user)
        if attempt is None:
            raise get_adapter().validation_error("too_many_login_attempts")
        code = without_blanks(self.cleaned_data["code"])
        for one in Authenticator.objects.filter(user=self.user).select_related("user"):
            if one.wrap().validate_code(code):
                self.authenticator = one
                attempt.rollback()
                return code
        note_sign_in(Outcome.WRONG_CODE, context.request, person=self.user)
        raise get_adapter().validation_error("incorrect_code")


class SecondStepForm(CountedCode, AuthenticateForm):
    """After the password."""


class ConfirmByCodeForm(CountedCode, ReauthenticateForm):
    """In the place of the password once more."""


class ActivateForm(ActivateTOTPForm):
    """Between being shown and being confirmed, the new secret waits in the session: sealed, as later in its row."""

    secret: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        with suppress(Unsealable):  # It was made this moment.
            self.secret = open_secret(self.secret)
        context.request.session[SECRET_SESSION_KEY] = seal_secret(self.secret)

    def clean_code(self) -> str:
        self.cleaned_data["code"] = without_blanks(self.cleaned_data["code"])
        code: str = super().clean_code()
        if not TOTP(Authenticator(user=self.user))._mark_code_used(code):  # It lets in nobody a second time.
            raise get_adapter().validation_error("incorrect_code")
        return code
