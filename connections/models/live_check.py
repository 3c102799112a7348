"""A live check that takes longer than a person waits for a page: it goes on in a worker, and is a row meanwhile."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.http import QueryDict
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.models.connection import UNFINISHED_KEY_LIFE, Connection
from connections.models.people import User
from connections.models.sealed_credentials import SealedCredentials
from connections.models.sync import LeaseLost, lease_end
from connections.safe.fields import SealedField
from connections.safe.sealing import Unsealable, seal, unseal
from sources.errors import (
    AccountUnavailable,
    BadCredentials,
    NotPermitted,
    RateLimited,
    SourceError,
    TemporarilyDown,
    UnexpectedAnswer,
    WrongAddress,
)
from sources.spec import Credentials, Proof

TAKEN_UP_WITHIN = timedelta(seconds=20)  # A worker looks for work three times a second.
STAYS_TRUE = timedelta(hours=1)  # What an account said before that is asked for again.
NOT_KEPT = ("csrfmiddlewaretoken", "go_on")

# As an outcome has them. TooSlow is none: a worker had the patience, so it is the account that is down.
FAILURES: Mapping[str, type[SourceError]] = {
    kind.__name__: kind
    for kind in (
        *(BadCredentials, NotPermitted, AccountUnavailable, WrongAddress),
        *(RateLimited, TemporarilyDown, UnexpectedAnswer, SourceError),
    )
}


class LiveCheckQuerySet(models.QuerySet["LiveCheck"]):
    def of(self, connection: Connection, person: User) -> "LiveCheck | None":
        """That one of mine; nobody else hears of it."""
        young = self.filter(asked_at__gt=timezone.now() - UNFINISHED_KEY_LIFE)
        check = young.filter(connection=connection, asked_by=person).first()
        if check:
            check.connection = connection
        return check

    @transaction.atomic
    @sensitive_variables()
    def begin(
        self, connection: Connection, *, by: User, page: str, posted: QueryDict, credentials: Credentials | None = None
    ) -> "LiveCheck":
        """In the place of my one before. `page` is where it was posted. Without credentials it is the stored ones."""
        User.objects.select_for_update(no_key=True).filter(pk=by.pk).first()  # A double click makes one.
        self.filter(connection=connection, asked_by=by).delete()
        check = self.model(connection=connection, workspace_id=connection.workspace_id, asked_by=by, page=page)
        fields = [name for name in posted if name not in NOT_KEPT and not name.endswith("api_key")]
        check.posted = check.sealed("posted", {name: posted.getlist(name) for name in fields})
        if credentials:
            check.keep_credentials(credentials, by=by)
        check.save()
        return check

    def claimable(self) -> Self:
        return self.filter(finished_at=None).filter(Q(lease_until=None) | Q(lease_until__lt=timezone.now()))

    def claim(self) -> "LiveCheck | None":
        """Take one for this worker, or None. At most one worker gets each."""
        check = self.claimable().select_related("connection__workspace", "asked_by").order_by("asked_at").first()
        if check is None:
            return None
        taken = self.claimable().filter(pk=check.pk, token=check.token)
        if not taken.update(token=F("token") + 1, lease_until=lease_end()):
            return None
        check.token += 1
        return check

    def outdated(self) -> Self:
        return self.filter(asked_at__lt=timezone.now() - UNFINISHED_KEY_LIFE)


class LiveCheck(SealedCredentials):
    """What was posted is kept sealed, and the key that came with it nowhere but here.

    When the worker has the answer, the same is posted again, and finds it. `token` rises with each claim; a worker
    writes only while its own is the row's. `outcome` is sealed, as it says whose account it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("connections.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="live_checks")
    asked_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    page = models.CharField(max_length=20)
    posted = SealedField()
    token = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = SealedField()

    objects = LiveCheckQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "asked_by"], name="one_live_check_of_a_person")]

    def __str__(self) -> str:
        return f"check of {self.connection}"

    @property
    def url(self) -> str:
        """Where it is posted again."""
        return self.connection.url(self.page)

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None

    @property
    def is_left_lying(self) -> bool:
        """Nobody takes it up: no worker runs."""
        return not self.token and timezone.now() - self.asked_at > TAKEN_UP_WITHIN

    @property
    def is_of_stored_key(self) -> bool:
        return not self.has_key

    @property
    def is_of_standby(self) -> bool:
        return self.page == "store_standby"

    # Its life, in order -----------------------------------------------------------------------------------------

    def mine(self) -> models.QuerySet["LiveCheck"]:
        return LiveCheck.objects.filter(pk=self.pk, token=self.token, finished_at=None)

    def hold(self) -> None:
        """Renew the lease. Raises LeaseLost when it is no longer ours."""
        if not self.mine().update(lease_until=lease_end()):
            raise LeaseLost(f"{self} is gone, or somebody else has it now.")

    def release(self) -> None:
        """Give it back at once: this worker is being stopped, another may go on."""
        self.mine().update(lease_until=None)

    def succeed(self, proof: Proof | None = None, **more: Any) -> None:
        self.finish({"proof": asdict(proof) if proof else None, **more})

    def fail(self, failure: SourceError) -> None:
        kind = next(kind.__name__ for kind in type(failure).__mro__ if kind.__name__ in FAILURES)
        said = {"text": str(failure), "code": failure.code, "field": failure.field}
        waits = {"retry_after": failure.retry_after} if isinstance(failure, TemporarilyDown) else {}
        self.finish({"failure": kind, **said, **waits})

    def finish(self, outcome: dict[str, Any]) -> None:
        self.mine().update(finished_at=timezone.now(), outcome=self.sealed("outcome", outcome))

    def told(self) -> dict[str, Any]:
        """What came of it: `proof`, and what else was found. Raises SourceError when it failed."""
        try:
            found = self.opened("outcome")
        except Unsealable:
            raise TemporarilyDown("What came of the test cannot be read any more. Test again.", code="gone") from None
        if kind := found.get("failure"):
            waits = {"retry_after": found["retry_after"]} if "retry_after" in found else {}
            raise FAILURES[kind](found["text"], code=found["code"], field=found["field"], **waits)
        return found | ({"proof": Proof(**found["proof"])} if found["proof"] else {})

    def answers(self, credentials: Credentials) -> bool:
        """Whether it was these that were asked about, not long ago."""
        try:
            is_fresh = self.finished_at is not None and self.finished_at > timezone.now() - STAYS_TRUE
            return is_fresh and self.has_key and self.credentials() == credentials
        except Unsealable:
            return False

    @sensitive_variables()
    def posted_again(self) -> QueryDict:
        """What was posted, with the key from its seal. Raises Unsealable."""
        data = QueryDict(mutable=True)
        for name, values in self.opened("posted").items():
            data.setlist(name, values)
        if self.has_key:
            data[f"{'standby-' if self.is_of_standby else ''}api_key"] = self.credentials().api_key.reveal()
        return data

    # What is sealed ---------------------------------------------------------------------------------------------

    def sealed(self, field: str, content: dict[str, Any]) -> str:
        return seal(json.dumps(content), context=self.sealing_context(field))

    def opened(self, field: str) -> Any:
        """Raises Unsealable."""
        return json.loads(unseal(getattr(self, field), context=self.sealing_context(field)))

    def open_all(self) -> None:
        super().open_all()
        self.opened("posted")
        if self.outcome:
            self.opened("outcome")

    def seal_anew(self) -> None:
        super().seal_anew()
        for field in ("posted", "outcome"):
            if getattr(self, field):
                setattr(self, field, self.sealed(field, self.opened(field)))
