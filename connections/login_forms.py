"""What allauth's forms keep, kept sealed."""

from contextlib import suppress
from typing import Any

from allauth.core import context
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY

from connections.sealing import Unsealable
from connections.second_factor import open_secret, seal_secret


class ActivateForm(ActivateTOTPForm):
    """Between being shown and being confirmed, the new secret waits in the session: sealed, as later in its row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        with suppress(Unsealable):  # It was made this moment.
            self.secret = open_secret(self.secret)
        context.request.session[SECRET_SESSION_KEY] = seal_secret(self.secret)
