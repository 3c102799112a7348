"""Pulling from an account: what is asked, and what each answer means."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sources.activecampaign.client import ActiveCampaign, open_line
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.streams import STREAMS
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
from sources.http.limits import BULK
from sources.spec import Credentials, Secret, Stream
from tests.sources.activecampaign.conftest import IN_THE_WORLD, KEY, PARENT, FreeBudget, pages, parents_of
from tests.sources.http.scripted_server import ScriptedServer, Step, answers

STREAM = {stream.key: stream for stream in STREAMS}
ME = answers({"user": {"id": "3", "firstName": "Mira", "lastName": "Holt"}})
REFUSED = answers({"message": "Forbidden"}, status=403)
CONTACTS = answers({"contacts": [], "meta": {"total": "0"}})
Start = Callable[..., tuple[ScriptedServer, Credentials]]


@pytest.fixture(autouse=True)
def unhurried_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries are tested with the plumbing; here they would only take time."""
    monkeypatch.setattr("sources.http.retry._jitter", lambda state: 0.0)


def pulled(line: ActiveCampaign, stream: Stream, **options: Any) -> dict[str, Any]:
    return {key: row for page in pages(line, stream, **options) for key, row in page.rows.items()}


def error_from(start: Start, *script: Step, stream: str = "contacts") -> SourceError:
    _, credentials = start(*script)
    with open_line(credentials, budget=FreeBudget()) as line, pytest.raises(SourceError) as raised:
        list(pages(line, STREAM[stream]))
    return raised.value


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.key)
def test_every_stream_is_read_whole(stream: Stream, line: ActiveCampaign, account: SandboxServer) -> None:
    rows, parent = account.world.rows(IN_THE_WORLD.get(stream.key, stream.key)), PARENT.get(stream.key)
    ids = {f"{row[parent]}/{row['id']}" if parent else str(row["id"]) for row in rows}

    assert set(pulled(line, stream, parents=parents_of(account, stream))) == ids


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.key)
def test_every_column_that_a_stream_shows_is_in_its_rows(
    stream: Stream, line: ActiveCampaign, account: SandboxServer
) -> None:
    rows = pulled(line, stream, parents=parents_of(account, stream)).values()

    assert all(any(column in row for row in rows) for column in stream.facts.shown_names)


def test_rows_are_given_as_they_came(line: ActiveCampaign) -> None:
    row = next(iter(pulled(line, STREAM["contacts"]).values()))

    assert row["links"]["bounceLogs"].startswith("http")


def test_contacts_are_asked_for_by_id_and_a_hundred_at_a_time(line: ActiveCampaign, account: SandboxServer) -> None:
    read = list(pages(line, STREAM["contacts"]))

    last_ids = [max(map(int, page.rows)) for page in read]
    assert [len(page.rows) for page in read] == [100, 100, 50]
    assert [call.query for call in account.requests] == [
        {"orders[id]": "ASC", "id_greater": str(after), "limit": "100"} for after in [0, *last_ids[:-1]]
    ]
    assert read[0].total == 250


def test_deals_are_asked_for_by_overlapping_pages(line: ActiveCampaign, account: SandboxServer) -> None:
    read = list(pages(line, STREAM["deals"]))

    assert sorted(int(call.query["offset"]) for call in account.requests) == [0, 95, 190]
    assert all(page.seam_proven for page in read)


def test_mails_too_long_to_come_a_hundred_at_once_come_in_pieces(line: ActiveCampaign, account: SandboxServer) -> None:
    account.fault("deals", padding=30_000, times=None)

    read = list(pages(line, STREAM["deals"]))

    assert {key for page in read for key in page.rows} == set(account.world.ids("deals"))
    assert all(page.seam_proven for page in read)
    limits = [call.query["limit"] for call in account.requests]
    assert {*limits} > {"100"}  # In what order answers come decides how often each.
    assert len(limits) < 20


def test_a_row_that_is_too_long_by_itself_ends_its_stream_with_a_reason(
    line: ActiveCampaign, account: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.activecampaign.client.ALONE", BULK)
    account.fault("deals", padding=2_100_000, times=None)

    with pytest.raises(UnexpectedAnswer) as refused:
        list(pages(line, STREAM["deals"]))

    assert refused.value.code == "too_large"


@pytest.mark.parametrize("key", ["contacts", "deals"])
def test_a_pull_goes_on_from_a_cursor(key: str, line: ActiveCampaign, account: SandboxServer) -> None:
    first = next(iter(pages(line, STREAM[key])))

    rest = pulled(line, STREAM[key], cursor=first.cursor)

    assert set(first.rows) | set(rest) == set(account.world.ids(key))


@pytest.mark.parametrize("key", ["contacts", "deals"])
def test_only_what_changed_is_asked_for_in_utc(key: str, line: ActiveCampaign, account: SandboxServer) -> None:
    moment = datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=-5)))

    list(pages(line, STREAM[key], changed_since=moment))

    assert {call.query["filters[updated_after]"] for call in account.requests} == {"2026-11-24T14:30:00Z"}


def test_a_moment_is_not_sent_where_the_api_knows_no_such_filter(line: ActiveCampaign, account: SandboxServer) -> None:
    list(pages(line, STREAM["tags"], changed_since=datetime(2026, 11, 24, tzinfo=UTC)))

    assert not any("filters" in name for call in account.requests for name in call.query)


def test_a_moment_without_a_time_zone_is_refused(line: ActiveCampaign, account: SandboxServer) -> None:
    with pytest.raises(ValueError, match="time zone"):
        list(pages(line, STREAM["contacts"], changed_since=datetime(2026, 11, 24)))

    assert account.requests == []


def test_a_key_that_is_refused_three_times_is_a_bad_key(line: ActiveCampaign, account: SandboxServer) -> None:
    account.revoke(KEY)

    with pytest.raises(BadCredentials) as refused:
        list(pages(line, STREAM["contacts"]))

    assert refused.value.field == "api_key"
    assert [call.place for call in account.requests] == ["contacts"] * 3 + ["users/me"] * 3


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", ["forbidden", "forbidden_bare"])
def test_a_passing_403_is_no_bad_key(times: int, kind: str, line: ActiveCampaign, account: SandboxServer) -> None:
    account.fault("contacts", kind=kind, times=times)

    assert len(pulled(line, STREAM["contacts"])) == 250


def test_a_stream_that_the_person_may_not_read_is_named_with_them(account: SandboxServer) -> None:
    account.add_key("limited-key-0123456789", user_id=account.world.first_ids("users")[0], denied=["deals"])
    credentials = Credentials(api_url=account.origin, api_key=Secret("limited-key-0123456789"))

    with open_line(credentials, budget=FreeBudget()) as line:
        name = line.me().name
        with pytest.raises(NotPermitted) as refused:
            list(pages(line, STREAM["deals"]))

    assert str(refused.value) == f"Deals may not be read with {name}'s key."


STATUSES: dict[str, tuple[list[Step], type[SourceError], str]] = {
    "401": ([answers({}, status=401)], BadCredentials, "key_refused"),
    "402": ([answers({"message": "x"}, status=402)], AccountUnavailable, "account_unavailable"),
    "403 as a web page": ([answers(b"<html>", status=403)], TemporarilyDown, "blocked"),
    "403, then a web page": ([REFUSED, REFUSED, REFUSED, answers(b"<html>", status=403)], TemporarilyDown, "blocked"),
    "404 for the stream alone": ([*[answers({}, status=404)] * 3, ME], NotPermitted, "not_offered"),
    "404 for all": ([answers({}, status=404)], WrongAddress, "no_api"),
    "503": ([answers({}, status=503, headers=[("Retry-After", "30")])], RateLimited, "rate_limited"),
    "500": ([answers(b"<html>", status=500)], TemporarilyDown, "server_error"),
    "522": ([answers(b"<html>", status=522)], TemporarilyDown, "server_error"),
    "501": ([answers(b"", status=501)], TemporarilyDown, "server_error"),
    "400": ([answers({}, status=400)], UnexpectedAnswer, "request_refused"),
    "422": ([answers({"errors": "x"}, status=422)], UnexpectedAnswer, "request_refused"),
    "999": ([answers({}, status=999)], UnexpectedAnswer, "request_refused"),
    "redirect": ([answers(b"", status=302, headers=[("Location", "/login")])], WrongAddress, "redirect"),
    "web page": ([answers(b"<html>")], TemporarilyDown, "web_page"),
    "empty for ever": ([answers(b"")], TemporarilyDown, "empty_answer"),
    "cut for ever": ([answers(b'{"contacts": [')], TemporarilyDown, "cut_off"),
    "list missing": ([answers({"meta": {}})], UnexpectedAnswer, "no_envelope"),
    "list null": ([answers({"contacts": None})], UnexpectedAnswer, "no_envelope"),
    "errors with 200": ([answers({"errors": [{"title": "x"}]})], UnexpectedAnswer, "no_envelope"),
}  # fmt: skip


@pytest.mark.parametrize("name", STATUSES)
def test_each_failure_says_what_to_do_next(name: str, scripted: Start, caplog: pytest.LogCaptureFixture) -> None:
    script, kind, code = STATUSES[name]
    caplog.set_level(logging.DEBUG, logger="sources")

    error = error_from(scripted, *script)

    assert (type(error), error.code) == (kind, code)
    assert KEY not in str(error) + caplog.text
    assert str(error).endswith((".", "?"))


@pytest.mark.parametrize(
    ("status", "said", "sentence"),
    [
        (404, "No route", "ActiveCampaign has no list of tags in this account."),
        (404, "Not in your plan", "Tags are not in this plan."),
        (402, "x", "ActiveCampaign asks for a payment for tags."),
        (402, "Upgrade your account", "Tags are not in this plan."),
        (403, "Upgrade your account", "Tags are not in this plan."),
    ],
)
def test_the_plan_is_named_only_where_the_answer_speaks_of_it(
    scripted: Start, status: int, said: str, sentence: str
) -> None:
    refusals = [answers({"message": said}, status=status)] * 3  # It is asked for again twice.

    error = error_from(scripted, *refusals, ME, stream="tags")

    assert (type(error), error.code, str(error)) == (NotPermitted, "not_offered", sentence)


def test_a_busy_account_is_said_with_the_seconds(scripted: Start) -> None:
    error = error_from(scripted, answers({}, status=503, headers=[("Retry-After", "30")]))

    assert isinstance(error, RateLimited)
    assert error.retry_after == 30
    assert str(error) == "ActiveCampaign is busy and asks us to wait 30 seconds."


@pytest.mark.parametrize("envelope", ["missing", "null"])
def test_a_list_that_is_missing_once_is_asked_for_again(
    envelope: str, line: ActiveCampaign, account: SandboxServer
) -> None:
    account.fault("deals", envelope=envelope, times=1)

    assert len(pulled(line, STREAM["deals"])) == 230


@pytest.mark.parametrize("fault", [{"kind": "empty"}, {"cut": "bare"}, {"cut": "chunked"}, {"cut": "unanswered"}])
def test_an_answer_that_is_cut_once_is_asked_for_again(
    fault: dict, line: ActiveCampaign, account: SandboxServer
) -> None:
    account.fault("contacts", times=1, skip=1, **fault)

    assert len(pulled(line, STREAM["contacts"])) == 250


def test_no_records_are_no_error(scripted: Start) -> None:
    _, credentials = scripted(CONTACTS)

    with open_line(credentials, budget=FreeBudget()) as line:
        [page] = pages(line, STREAM["contacts"])

    assert page.rows == {}
    assert page.total == 0


def test_a_page_that_never_changes_ends_the_pull_and_proves_nothing(
    line: ActiveCampaign, account: SandboxServer
) -> None:
    account.fault("contacts", same_page=True, times=None)

    read = list(pages(line, STREAM["contacts"]))

    assert len(account.requests) <= 12
    assert not read[-1].seam_proven


def test_ids_as_numbers_and_rows_that_come_twice_are_read(line: ActiveCampaign, account: SandboxServer) -> None:
    account.fault("deals", ids="numbers", duplicates=3, times=None)

    assert set(pulled(line, STREAM["deals"])) == set(account.world.ids("deals"))


def test_a_busy_moment_only_slows_a_pull_down(line: ActiveCampaign, account: SandboxServer, budget: FreeBudget) -> None:
    account.fault("contacts", kind="busy", times=5)

    assert len(pulled(line, STREAM["contacts"])) == 250
    assert budget.slowed == [1] * 5


def test_one_connection_carries_a_whole_pull(scripted: Start) -> None:
    server, credentials = scripted(CONTACTS)

    with open_line(credentials, budget=FreeBudget()) as line:
        for _ in range(5):
            list(pages(line, STREAM["contacts"]))

    assert server.connections == 1


def test_an_address_that_the_settings_no_longer_accept_is_not_called(
    line: ActiveCampaign, account: SandboxServer, settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = []
    credentials = Credentials(api_url=account.origin, api_key=Secret(KEY))

    with pytest.raises(WrongAddress), open_line(credentials, budget=FreeBudget()):
        pass

    assert account.requests == []


def test_a_suffix_that_is_withdrawn_stops_an_open_line(settings: Any) -> None:
    credentials = Credentials(api_url="https://acme.api-us1.com", api_key=Secret(KEY))

    with open_line(credentials, budget=FreeBudget()) as line:
        settings.ACTIVECAMPAIGN_HOST_SUFFIXES = ["activehosted.com"]
        with pytest.raises(WrongAddress) as refused:
            line.me()

    assert refused.value.code == "not_allowed"


@pytest.fixture
def line_of(scripted: Start) -> Iterator[Callable[..., ActiveCampaign]]:
    opened: list[Any] = []

    def open_scripted(*script: Step) -> ActiveCampaign:
        _, credentials = scripted(*script)
        opened.append(open_line(credentials, budget=FreeBudget()))
        line: ActiveCampaign = opened[-1].__enter__()
        return line

    yield open_scripted
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"firstName": "Mira", "lastName": "Holt"}, "Mira Holt"),
        ({"firstName": "", "lastName": None, "username": "mira"}, "mira"),
        ({"email": "mira@harbourtea.example"}, "mira@harbourtea.example"),
        ({}, "An ActiveCampaign user"),
        ({"firstName": "A\x1b[2J\nB", "lastName": 7}, "A [2J B 7"),
        ({"firstName": "x" * 5000}, "x" * 120),
    ],
)
def test_the_keys_owner_has_a_name_that_fits_on_a_page(
    user: dict, name: str, line_of: Callable[..., ActiveCampaign]
) -> None:
    assert line_of(answers({"user": user})).me().name == name


# One row --------------------------------------------------------------------------------------------------------------


def is_there(scripted: Start, *script: Step) -> bool:
    _, credentials = scripted(*script)
    with open_line(credentials, budget=FreeBudget()) as line:
        return line.exists(STREAM["contacts"], "7")


def test_a_row_that_is_answered_is_there(scripted: Start) -> None:
    assert is_there(scripted, answers({"contact": {"id": "7"}}))


@pytest.mark.parametrize("status", [403, 404])
def test_no_result_found_means_that_the_row_is_gone_whatever_the_status(scripted: Start, status: int) -> None:
    assert not is_there(scripted, answers({"message": "No Result found for Subscriber with id 7"}, status=status))


def test_a_refusal_says_nothing_about_a_row(scripted: Start) -> None:
    with pytest.raises(NotPermitted):
        is_there(scripted, REFUSED, REFUSED, REFUSED, REFUSED, ME)


def test_a_refusal_that_passes_says_nothing_about_a_row(scripted: Start) -> None:
    assert is_there(scripted, REFUSED, answers({"contact": {"id": "7"}}))


def test_a_web_page_says_nothing_about_a_row(scripted: Start) -> None:
    with pytest.raises(SourceError):
        is_there(scripted, answers(b"<html>not found</html>", status=404))
