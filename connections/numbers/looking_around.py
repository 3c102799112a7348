"""Looks around: makes somebody a connection to an account of invented rows, which is theirs alone."""

from django.db import transaction
from django.utils import timezone

from connections.access.access import hold_membership
from connections.models import Connection, Holding, Pace, Privacy, Schedule, Sync, User, Workspace
from connections.models.sync import Trigger
from sources.registry import offered_sources
from sources.spec import Source

NAME = "Sample data"


def sampled_source() -> Source | None:
    """The first source that has a sample to look at, of those that may be connected now."""
    return next((source for source in offered_sources() if source.sample), None)


@transaction.atomic
def look_around(workspace: Workspace, source: Source, *, by: User) -> Connection:
    """The sample of this person; the one that they have already, if they have. It is read once, by a worker."""
    hold_membership(by.pk, workspace=workspace.pk)
    has = Connection.objects.filter(workspace=workspace, created_by=by, is_sample=True).first()
    if has:
        return has
    if source.sample is None:
        raise ValueError(f"{source.name} has no sample account.")
    today = timezone.now().astimezone(workspace.zone).date()
    sample = Connection(
        workspace=workspace, created_by=by, source_key=source.key, is_sample=True, holding=Holding.objects.create()
    )
    sample.set_up(source.sample(today), None, name=NAME, privacy=Privacy.PRIVATE, team=None, by=by)
    sample.schedule, sample.pace = Schedule.OFF, Pace.FULL
    sample.activate(by=by)
    sample.stream_keys = [one.key for one in source.streams if one.on_by_default or one.key in counted(source)]
    sample.save(update_fields=["stream_keys"])
    Sync.objects.queue(sample, trigger=Trigger.FIRST, by=by)
    return sample


def counted(source: Source) -> set[str]:
    """The streams that its numbers are of: a sample has them all."""
    return {stream for number in source.numbers for stream in number.streams}
