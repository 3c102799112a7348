"""An open line to one ActiveCampaign account. It only reads."""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import httpx
from django.conf import settings

from sources.activecampaign.address import RefusedAddress, clean_address
from sources.activecampaign.headings import heading_of
from sources.activecampaign.nested import GONE, NestedWalk, of_parent, within
from sources.activecampaign.person import Person
from sources.activecampaign.rows import TOO_LONG, Answer, answer_of
from sources.activecampaign.sample import SampleWire, is_sample
from sources.activecampaign.sideloads import NOTHING_BESIDE, Sideloads, in_shape
from sources.activecampaign.statuses import (
    SERVICE,
    blames_the_plan,
    error_of,
    refuses_the_key,
    refuses_the_stream,
    request_refused,
    says_failure,
    says_no_record,
)
from sources.activecampaign.versions import in_texts, settled
from sources.activecampaign.walks import ListWalk
from sources.activecampaign.ways import Ask, Neighbours
from sources.activecampaign.zones import heeds_zones, in_utc
from sources.dispatching import PullBudget, nap, wait_for_room
from sources.errors import BadCredentials, NotPermitted, SourceError, UnexpectedAnswer, WrongAddress
from sources.http.limits import ALONE, BULK, Limits
from sources.http.session import polite_client
from sources.http.waiting import always, sleeping
from sources.pulling import pull
from sources.spec import Budget, Credentials, Lane, Pulled, RevocableBudget, Row, Secret, Stream, Wanted

AT_ONCE = 32  # Calls: enough for five a second when each takes up to six seconds.
CONFIRM_AFTER = (1.0, 2.0)  # Seconds. A good key is sporadically answered with 403, so a refusal is asked for again.


class ActiveCampaign:
    """Reads over an httpx client that `connect` made. May be used by several threads at once.

    `budget` is the one that the client takes its calls from, where it pulls.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        key: Secret,
        sleep: Callable[[float], None] = nap,
        budget: PullBudget | None = None,
    ) -> None:
        self._http = http
        self._key = key
        self._budget = budget
        self._sleep = sleep
        self._asking_why = threading.Lock()
        self._was_answered = False

    def pull(
        self, wanted: Sequence[Wanted], *, more: Callable[[], Sequence[Wanted]] = tuple
    ) -> Generator[Pulled, None, None]:
        """Pull these streams side by side; see `sources.spec.Puller`."""
        narrowed: dict[str, dict[str, str]] = {}
        beside: dict[str, Sideloads] = {}
        neighbours = Neighbours()

        def fetch(stream: Stream, ask: Ask) -> Answer:
            if stream.nested:
                return self._page_within(stream, ask)
            return self.page(stream, {**ask.params, **narrowed[stream.key]}, beside=beside[stream.key])

        def walks(wanted: Sequence[Wanted]) -> list[tuple[Stream, ListWalk | NestedWalk]]:
            narrowed.update({one.stream.key: _since(one.stream, one.changed_since) for one in wanted})
            beside.update({one.stream.key: Sideloads(one.along) for one in wanted})
            return [(one.stream, _walk(one, neighbours=neighbours)) for one in wanted]

        return pull(
            walks(wanted),
            fetch,
            budget=self._budget,
            at_once=AT_ONCE,
            settle=settled,
            kept=in_texts,
            more=lambda: walks(more()),
            awaited={one.stream.key for one in wanted if one.along},
        )

    def exists(self, stream: Stream, external_id: str) -> bool:
        """Whether the account has this row. Raises SourceError."""
        parent, _, own = external_id.rpartition("/")
        path = f"{within(stream, parent).path}/{own}"
        response = self._http.get(path)
        if says_no_record(response):
            return False
        if refuses_the_key(response):
            self._confirmed(stream, path)
        elif not response.is_success:
            raise error_of(response)
        return True

    def heeds_zones(self, stream: Stream) -> bool:
        """See `sources.spec.Puller`. Raises SourceError."""
        try:
            return heeds_zones(stream, lambda params: self.page(stream, params).rows)
        except (NotPermitted, UnexpectedAnswer):
            return False

    def contact(self, external_id: str) -> Row | None:
        """None when the account has no such contact. Raises SourceError."""
        response = self._http.get(f"contacts/{external_id}")
        if says_no_record(response):
            return None
        if not response.is_success:
            raise error_of(response)
        found = response.extensions["json"].get("contact")
        return found if isinstance(found, dict) else None

    def page(
        self,
        stream: Stream,
        params: Mapping[str, str],
        *,
        beside: Sideloads = NOTHING_BESIDE,
        limits: Limits | None = None,
    ) -> Answer:
        """One page of a stream; what does not come at once is an answer, too. Raises SourceError."""
        try:
            return self._list(stream, params, beside, limits)
        except UnexpectedAnswer as failure:
            if failure.code not in TOO_LONG:
                raise
            code, said = failure.code, str(failure)
        # Out of its reach, as its traceback would keep all that had come.
        if code == "too_large" and params.get("limit") == "1" and limits is None:
            return self.page(stream, params, beside=beside, limits=ALONE)
        return Answer(failure=UnexpectedAnswer(said, code=code))

    def _list(self, stream: Stream, params: Mapping[str, str], beside: Sideloads, limits: Limits | None) -> Answer:
        """What is missing once in a while, and there when asked again, is an error or a doubt only if it is not."""
        answer: Answer | None
        try:
            answer = self._answer(stream, params, beside, limits)
        except UnexpectedAnswer as error:
            if error.code != "no_envelope":
                raise
            answer = None
        if answer is None or beside.are_wanting(answer):
            answer = beside.heard_again(self._answer(stream, params, beside, limits))
        if beside.may_be_cut(answer):
            half = self._answer(stream, beside.second_half(params, answer), beside, limits)
            return beside.judged(answer, half)
        return answer

    def _answer(self, stream: Stream, params: Mapping[str, str], beside: Sideloads, limits: Limits | None) -> Answer:
        body = self._stream_body(stream, {**params, **beside.params}, limits)
        answer = answer_of(body, envelope=stream.envelope)
        return in_shape(stream, body, beside.taken_from(body, answer))

    def _page_within(self, stream: Stream, ask: Ask) -> Answer:
        """A page of one parent's list. That there is none is an answer: the parent may have gone."""
        try:
            return of_parent(self.page(within(stream, ask.parent), ask.params), ask.parent)
        except NotPermitted as refusal:
            if refusal.code != "not_offered":
                raise
            return Answer(failure=UnexpectedAnswer(str(refusal), code=GONE))

    def total(self, stream: Stream) -> int | None:
        """How many rows it says that it has, asked once with a key that works.

        Raises NotPermitted for a refusal, which may be one by chance, and SourceError.
        """
        response = self._http.get(stream.path, params={**dict(stream.fixed_query), "limit": "1"})
        if refuses_the_stream(response):
            raise refusal_of(stream, response, key="this key")
        return answer_of(self._body_of(response), envelope=stream.envelope).total

    def me(self) -> Person:
        """The ActiveCampaign user whose key this is. Raises SourceError."""
        body = self.get("users/me")
        if says_failure(body):
            raise request_refused()
        user = body.get("user")
        if not isinstance(user, dict):
            raise WrongAddress(
                f"What answered at this address is not {SERVICE}'s API. Copy the API URL again "
                "from Settings > Developer.",
                code="not_the_api",
            )
        return Person.of(user, key=self._key)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        confirm: bool = True,
        limits: Limits | None = None,
    ) -> Row:
        """The JSON object at `path`. A refusal is asked for again unless `confirm` is off. Raises SourceError."""
        doubts = refuses_the_key if confirm else lambda _: False
        return self._body_of(self._ask(path, params, doubts=doubts, limits=limits))

    def _ask(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        doubts: Callable[[httpx.Response], bool],
        limits: Limits | None = None,
    ) -> httpx.Response:
        """An answer that it `doubts` is asked for again."""
        larger = {"limits": limits} if limits else {}
        response = self._http.get(path, params=params, extensions=larger)
        for seconds in CONFIRM_AFTER:
            if not doubts(response):
                break
            self._sleep(seconds)
            response = self._http.get(path, params=params, extensions=larger)
        return response

    def _body_of(self, response: httpx.Response) -> Row:
        if not response.is_success:
            raise error_of(response)
        self._was_answered = True
        body: Row = response.extensions["json"]
        return body

    def _stream_body(self, stream: Stream, params: Mapping[str, str], limits: Limits | None) -> Row:
        return self._confirmed(stream, stream.path, {**dict(stream.fixed_query), **params}, limits=limits)

    def _confirmed(
        self, stream: Stream, path: str, params: Mapping[str, str] | None = None, *, limits: Limits | None = None
    ) -> Row:
        try:
            response = self._ask(path, params, doubts=refuses_the_stream, limits=limits)
        except WrongAddress as elsewhere:
            if elsewhere.code != "redirect":
                raise
            self.me()  # Raises where the whole account has moved. One stream alone says nothing of the address.
            raise request_refused() from None
        if response.status_code == httpx.codes.NOT_FOUND:
            raise self._not_offered(stream, response)
        if refuses_the_stream(response):
            raise self._why_refused(stream, response)
        return self._body_of(response)

    def _why_refused(self, stream: Stream, response: httpx.Response) -> SourceError:
        """A bad key and a missing permission are the same 403; an unpaid account and a feature of a larger plan, 402.

        What the key's own user is answered tells them apart.
        """
        # One thread asks: of a key that died during a pull, each of the others would ask as often in vain.
        with self._asking_why:
            person = self._owner_of_refused_key()
        return refusal_of(stream, response, key=f"{person.name}'s key")

    def _owner_of_refused_key(self) -> Person:
        try:
            return self.me()
        except BadCredentials:
            if not self._was_answered:
                raise
            raise BadCredentials("The key stopped working during the update. Enter a new key.") from None

    def _not_offered(self, stream: Stream, response: httpx.Response) -> SourceError:
        if not self._was_answered:  # A line that has answered is at the right address.
            self.me()
        return refusal_of(stream, response, key="this key")


def refusal_of(stream: Stream, response: httpx.Response, *, key: str) -> NotPermitted:
    """The plan is named only where the answer speaks of one."""
    if blames_the_plan(response):
        said = f"{stream.name} are not in this plan."
    elif response.status_code == httpx.codes.PAYMENT_REQUIRED:
        said = f"{SERVICE} asks for a payment for {stream.name.lower()}."
    elif response.status_code == httpx.codes.NOT_FOUND:
        said = f"{SERVICE} has no list of {stream.name.lower()} in this account."
    else:
        return NotPermitted(f"{stream.name} may not be read with {key}.")
    return NotPermitted(said, code="not_offered")


@contextmanager
def open_line(credentials: Credentials, *, budget: Budget) -> Iterator[ActiveCampaign]:
    """A line for pulling: it waits for free calls and asks again patiently."""
    shared = PullBudget(budget)
    with connect(credentials, budget=shared, lane=Lane.BULK) as http:
        yield ActiveCampaign(http, key=credentials.api_key, budget=shared)


def connect(
    credentials: Credentials, *, budget: Budget, lane: Lane, limits: Limits = BULK, seconds: float | None = None
) -> httpx.Client:
    """The client of one account. Raises WrongAddress when its address is no longer accepted."""
    still_wanted = budget.still_wanted if isinstance(budget, RevocableBudget) else always
    allowed = is_sample if is_sample(credentials.api_url) else is_allowed
    if not allowed(credentials.api_url):
        raise WrongAddress("This address is not accepted any more. Enter the API URL again.", code="not_allowed")
    return polite_client(
        base_url=f"{credentials.api_url}/api/3/",
        service=SERVICE,
        allowed=allowed,
        budget=budget,
        lane=lane,
        secret_headers={"Api-Token": credentials.api_key},
        limits=limits,
        seconds=seconds,
        exempt=frozenset(settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS),
        sleep=sleeping(nap, still_wanted),
        still_wanted=still_wanted,
        wire=SampleWire() if allowed is is_sample else None,
        wait_for_room=wait_for_room,
    )


def is_allowed(origin: str) -> bool:
    """Whether the settings of this moment accept the address, in exactly this form."""
    try:
        cleaned = clean_address(
            origin,
            suffixes=settings.ACTIVECAMPAIGN_HOST_SUFFIXES,
            sandbox_origins=settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS,
        )
    except RefusedAddress:
        return False
    return cleaned == origin


def _walk(wanted: Wanted, *, neighbours: Neighbours) -> ListWalk | NestedWalk:
    stream = wanted.stream
    if stream.nested:
        return NestedWalk(wanted.parents, wanted.cursor, is_restless=stream.is_restless, neighbours=neighbours)
    return ListWalk(
        wanted.cursor,
        by_id=stream.paging == "keyset",
        is_whole=not (_since(stream, wanted.changed_since) or wanted.bookmark),
        neighbours=neighbours,
        heading=heading_of(stream.growing, wanted.bookmark, wanted.changed_since),
    )


def _since(stream: Stream, moment: datetime | None) -> dict[str, str]:
    if moment is None or stream.changed_since is None:
        return {}
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone would be read in whichever zone the account has.")
    return {stream.changed_since: in_utc(moment)}
