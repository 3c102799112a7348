"""Places: what happened at the steps of a period, and the page that somebody came from."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from django.utils.http import url_has_allowed_host_and_scheme

from connections.access import access
from connections.access.requests import PersonRequest
from connections.figures.figure import Period
from connections.models import Connection, Workspace
from connections.numbers.pictures import Mark

NAMED_AT_A_STEP = 3


def marks_of(request: PersonRequest, connection: Connection, period: Period, days: Sequence[date]) -> list[Mark]:
    """What happened in the period, each at its step; `days` are the first of each step."""
    if not days:
        return []
    zone = connection.workspace.zone
    since = datetime.combine(period.start, time(), tzinfo=zone)
    until = datetime.combine(period.end + timedelta(days=1), time(), tzinfo=zone)
    happened = [*sent(connection, since, until), *changed(request, connection, since, until)]
    at: dict[int, list[str]] = defaultdict(list)
    for moment, words in sorted(happened):
        at[max(bisect_right(days, moment.astimezone(zone).date()) - 1, 0)].append(words)
    return [Mark(at=number, words=in_short(words)) for number, words in sorted(at.items())]


def sent(connection: Connection, since: datetime, until: datetime) -> Iterable[tuple[datetime, str]]:
    """What the account sent, of the streams that its source marks."""
    source = connection.source
    for stream in filter(None, (source.stream(key) for key in source.pictures.marks)) if source else ():
        for moment, label in connection.records.marked(stream.key, since, until):
            yield moment, f"{stream.facts.row} “{label}”" if label else stream.facts.row


def changed(
    request: PersonRequest, connection: Connection, since: datetime, until: datetime
) -> Iterable[tuple[datetime, str]]:
    """Another key or account, after which other rows may be seen."""
    for event in access.events_of(request, connection).of_credentials().filter(at__gte=since, at__lt=until):
        yield event.at, "another API URL" if "api_url" in event.changes else "another API key"


def in_short(words: Sequence[str]) -> str:
    """“campaign “Spring””, or of many how many of each."""
    if len(words) <= NAMED_AT_A_STEP:
        return ", ".join(words)
    kinds = Counter(one.partition(" “")[0] for one in words)
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())


def way_back(request: PersonRequest, workspace: Workspace, *, otherwise: str) -> str:
    """The page of the workspace on which the button stands that was pressed."""
    back = request.POST.get("back", "")
    is_ours = back.startswith(f"/w/{workspace.slug}/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_ours else otherwise
