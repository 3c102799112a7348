"""Whether it is surely them: a login or confirmation of the last minutes, and what was typed until there was one."""

import json
import time
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from connections.access.requests import PersonRequest
from connections.access.second_factor import has_second_factor
from connections.models import Connection
from connections.safe.sealing import Unsealable, seal, unseal

TYPED = "typed_before_confirming"
TYPED_LIFE = 3600.0  # Seconds; whoever confirms later begins anew.
BY_CODE = "mfa"
PROOFS = ("password", BY_CODE)


def is_recent(request: HttpRequest, *, by: Collection[str] = PROOFS) -> bool:
    """Whether they have entered their password or a code within the last REAUTHENTICATION_SECONDS."""
    proofs = [one for one in get_authentication_records(request, request.user) if one.get("method") in by]
    return bool(proofs) and 0 <= time.time() - proofs[-1]["at"] < settings.REAUTHENTICATION_SECONDS


def lacks_code(request: PersonRequest) -> bool:
    """For what ends the second step, or gets around it: whoever has one shows it, however recent the password is."""
    return has_second_factor(request.user) and not is_recent(request, by=(BY_CODE,))


def confirm_url(back_to: str, *, by_code: bool = False) -> str:
    """The page that asks for the password, or a code, and then leads on to `back_to`."""
    page = reverse("mfa_reauthenticate" if by_code else "account_reauthenticate")
    return f"{page}?{urlencode({'next': back_to})}"


def keep_typing(request: PersonRequest, connection: Connection, typed: dict[str, str]) -> None:
    """Keep what was typed, which must hold no key, for the next time that the form is shown."""
    text = json.dumps({"typed": typed, "at": time.time()})
    # Sealed like everything that names an account.
    request.session[TYPED] = seal(text, context=place_of(request, connection))


def take_typing(request: PersonRequest, connection: Connection) -> dict[str, str]:
    """What was typed into this connection's form before they confirmed; once."""
    if TYPED not in request.session or not is_recent(request):
        return {}
    with suppress(Unsealable):  # It was typed for another connection.
        kept = json.loads(unseal(request.session[TYPED], context=place_of(request, connection)))
        del request.session[TYPED]
        return kept["typed"] if time.time() - kept["at"] < TYPED_LIFE else {}
    return {}


def place_of(request: PersonRequest, connection: Connection) -> tuple[str, ...]:
    return ("typed", str(request.user.pk), str(connection.pk))
