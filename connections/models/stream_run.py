"""How far one stream has come in one sync, and what came of it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.utils import timezone

from connections.models.hidden_address import hide
from sources.spec import Cursor, Page


class RunState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    INCOMPLETE = "incomplete", "Incomplete"
    SKIPPED = "skipped", "Not offered"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"


FINISHED_RUNS = (RunState.COMPLETE, RunState.INCOMPLETE, RunState.SKIPPED, RunState.REFUSED, RunState.FAILED)
MOST_NAMED = 20  # Rows that cannot be kept, of one stream in one sync; the others are counted.


class StreamRun(models.Model):
    """How far one stream has come in one sync. `cursor` is saved with the page that it comes after.

    `changed_since` is set when only changes are asked for. `finds_gone`: when it is complete, what it did not see is
    looked into; `by_another` then says that the key is another person's than before. `key_fingerprint` is of the key
    that it began with. `left_out` are rows that were read and not stored, as they are of somebody who was erased.

    `along` is the stream with whose rows it came along, so that it made no calls. `doubts` are pages that did not bring
    what they named. `missed` counts what a whole walk of that stream found changed though nothing had told it, None
    where nobody looked, and `differed` what the stream's own list showed otherwise than what had come along.
    """

    sync = models.ForeignKey("connections.Sync", models.CASCADE, related_name="stream_runs")
    stream = models.CharField(max_length=60)
    state = models.CharField(max_length=12, choices=RunState, default=RunState.WAITING)
    reason = models.TextField(blank=True)
    cursor: "models.JSONField[Cursor | None, Cursor | None]" = models.JSONField(null=True)
    pages = models.PositiveIntegerField(default=0)
    read = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    unreadable = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0, db_default=0)
    unkept: "models.JSONField[list[dict[str, str]], list[dict[str, str]]]" = models.JSONField(default=list)
    unproven = models.PositiveIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    changed_since = models.DateTimeField(null=True)
    calls_saved = models.PositiveIntegerField(default=0)
    finds_gone = models.BooleanField(default=False)
    by_another = models.BooleanField(default=False)
    along = models.CharField(max_length=60, blank=True)
    doubts = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(null=True)
    differed = models.PositiveIntegerField(default=0)
    key_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sync", "stream"], name="one_run_per_stream")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.stream} in {self.sync}"

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED_RUNS

    @property
    def is_without_rows(self) -> bool:
        return self.is_finished and self.state != RunState.COMPLETE and not self.read

    @property
    def is_refused(self) -> bool:
        return self.state in (RunState.SKIPPED, RunState.REFUSED)

    @property
    def is_begun(self) -> bool:
        return self.state != RunState.WAITING

    @property
    def is_changes_only(self) -> bool:
        return self.changed_since is not None

    @property
    def rows(self) -> int:
        """Each once, as far as that can be known: while it runs no more than are announced, in the end what came."""
        stored = self.new + self.changed + self.left_out
        if self.began_with_none:
            return stored
        is_bounded = self.total is not None and not self.is_finished
        return max(stored, min(self.read, self.total or 0) if is_bounded else self.read)

    @property
    def began_with_none(self) -> bool:
        """It reads the whole stream, and nothing of that was here: what it did not store, it had read before.

        Of one that is finished nobody knows it any more.
        """
        return not (self.is_finished or self.finds_gone or self.is_changes_only or self.along)

    @property
    def is_nearly_done(self) -> bool:
        return self.total is not None and self.read >= self.total

    @property
    def unchanged(self) -> int:
        return self.rows - self.new - self.changed - self.left_out

    def begin(
        self, *, changed_since: datetime | None, finds_gone: bool = False, by_another: bool = False, along: str = ""
    ) -> None:
        self.state, self.started_at, self.along = RunState.RUNNING, timezone.now(), along
        self.changed_since, self.finds_gone, self.by_another = changed_since, finds_gone, by_another
        self.key_fingerprint = self.sync.connection.key_fingerprint
        self.save()

    def begin_anew(self) -> None:
        """What came along is not all there is: its own list is still to be read, as if it had not begun."""
        self.state, self.along = RunState.WAITING, ""
        self.save(update_fields=["state", "along"])

    def count(self, pages: Iterable[Page], *, new: int, changed: int, address: str) -> None:
        """These are stored, and the cursor of the last one with them."""
        for page in pages:
            self.cursor, self.total = page.cursor, page.total or self.total
            self.pages, self.read = self.pages + 1, self.read + len(page.rows) - page.repeated
            self.unreadable += len(page.unkept)
            for one in page.unkept[: MOST_NAMED - len(self.unkept)]:
                named = {"place": one.place, "why": one.why, "excerpt": hide(one.excerpt, address)}
                self.unkept = [*self.unkept, named]
            self.unproven += not page.seam_proven
        self.new, self.changed = self.new + new, self.changed + changed

    def forget_excerpts(self) -> None:
        """Where somebody was erased none are kept; places and reasons are."""
        self.unkept = [{**one, "excerpt": ""} for one in self.unkept]

    def end(self, state: str, reason: str = "") -> None:
        self.state, self.reason, self.finished_at = state, reason, timezone.now()
        self.save()
