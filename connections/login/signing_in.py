"""What is noted of each sign-in, and how many wrong codes there may be."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core.internal import ratelimit
from django.http import HttpRequest

from connections.access.requests import browser_of, client_address, home_of
from connections.models import SignIn, User
from connections.models.sign_in import Outcome


def note_sign_in(outcome: Outcome, request: HttpRequest, *, person: User | None) -> None:
    SignIn.objects.note(
        outcome,
        person=person,
        client=client_address(request),
        browser=browser_of(request),
        used_code=any(one.get("method") == "mfa" for one in get_authentication_records(request, person)),
    )


def take_code_try(request: HttpRequest, *, person: User) -> Any:
    """Count a code before it is looked at; None when there were too many. `rollback()` when it was right.

    Wrong codes count for the person wherever they come from, or a thousand clients would guess six digits within days.
    Only who has the password gets here, and still cannot lock anybody out: where the person usually comes from has a
    count of its own.
    """
    home = home_of(client_address(request))
    usual = {home_of(client) for client in SignIn.objects.usual_clients(person)}
    key = f"code of {person.pk} from {home if home in usual else 'elsewhere'}"
    return ratelimit.consume(request, app="allauth.account", action="login_failed", key=key)
