"""The part of a page that shows a check which goes on in a worker, and what the page does when it is posted again."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables
from django_htmx.http import HttpResponseClientRefresh

from connections.access import access
from connections.access.requests import PersonRequest
from connections.models import Connection, LiveCheck
from connections.safe.sealing import Unsealable
from sources.spec import Credentials

UNTESTED = "save_unverified"


def polled(request: PersonRequest, connection: Connection, **more: object) -> HttpResponse:
    """What a page gets that follows a check: the part that shows it, or the word that it has ended elsewhere."""
    check = access.my_check(request, connection)
    if check is None:
        return HttpResponseClientRefresh()
    context = {"live_check": check, "source": connection.source, **more}
    return render(request, "connections/frame/_live_check.html", context)


@sensitive_variables()
def what_was_posted(request: PersonRequest, connection: Connection) -> QueryDict | None:
    """The fields of this request; of one that goes on after a check, those of the request that began it.

    None where there is nothing to go on with: the page as it is now says why.
    """
    if "go_on" not in request.POST:
        return request.POST
    check = access.my_check(request, connection)
    if check is None or not (check.is_over or UNTESTED in request.POST):
        return None
    try:
        posted = check.posted_again()
    except Unsealable:
        check.delete()
        return None
    if UNTESTED in request.POST:
        posted[UNTESTED] = "1"
    return posted


def go_on_in_a_worker(
    request: PersonRequest, connection: Connection, posted: QueryDict, credentials: Credentials | None = None
) -> None:
    """The page polls from now on. Without credentials the stored ones are tested."""
    page = str(request.resolver_match.url_name) if request.resolver_match else ""
    LiveCheck.objects.begin(connection, by=request.user, page=page, posted=posted, credentials=credentials)


def end_check(request: PersonRequest, connection: Connection) -> None:
    """What came of it has been said."""
    if check := access.my_check(request, connection):
        check.delete()
