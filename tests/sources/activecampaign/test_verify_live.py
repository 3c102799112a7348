"""What is taken for granted about the API, put to an account that bears it out and to accounts that do not."""

from collections.abc import Callable
from typing import Any

import pytest

from sources.activecampaign.assumptions import WRONG_KEY, assumptions
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from sources.spec import Assumption, Credentials, Lane, Secret
from tests.sources.activecampaign.conftest import FreeBudget

Ask = Callable[..., dict[str, Assumption]]


@pytest.fixture
def ask(account: SandboxServer, credentials: Credentials, budget: FreeBudget) -> Ask:
    def ask(**options: Any) -> dict[str, Assumption]:
        return {one.claim: one for one in assumptions(credentials, budget=budget, **options)}

    return ask


def verdict(found: dict[str, Assumption], word: str) -> Assumption:
    (one,) = [one for claim, one in found.items() if word in claim]
    return one


def failing(found: dict[str, Assumption]) -> set[str]:
    return {claim for claim, one in found.items() if one.verdict == "does not hold"}


def test_an_account_as_it_was_recorded_bears_everything_out(ask: Ask, budget: FreeBudget) -> None:
    found = ask()

    assert failing(found) == set()
    assert sum(one.verdict == "holds" for one in found.values()) > 40
    assert set(budget.taken) == {Lane.BULK}
    assert len(budget.taken) < 110


def test_what_refreshes_rely_on_is_told_by_rows(ask: Ask, account: SandboxServer) -> None:
    found = ask()

    assert verdict(found, "linkData: isread").seen == "isread 0 at a link, isread 1 at the read tracker"
    assert verdict(found, "Apple's opens out").verdict == "holds"
    for claim in (
        "logs: orders[id]",
        "emailActivities: orders[tstamp]",
        "activities: after gives",
        "include=contactTags",
    ):
        assert verdict(found, claim).verdict == "holds"
    assert verdict(found, "currencies without cents").verdict == "could not tell"


def test_what_an_account_does_not_heed_is_found_out_by_rows(ask: Ask, account: SandboxServer) -> None:
    account.behave(
        ignores=["logs orders[id]", "activities after", "contacts filters[updated_after]"],
        includes=False,
        most_rows={"fieldValues": 1000},
        has_crm=False,
    )

    found = ask()

    assert {
        "logs: orders[id]=DESC sorts by it, the newest first",
        "activities: after gives what is younger, and reads a time in UTC as such",
        "activities: nothing is younger than a future date",
        "contacts: nothing has changed after a future date",
        "contacts: include= is heeded",
    } <= failing(found)
    assert "rows at once" in verdict(found, "fieldValues: limit=1000").seen
    assert "deals 403, speaks of the plan, with message" in verdict(found, "what is refused").seen


def test_a_yen_that_is_no_hundredth_is_found_out(ask: Ask, account: SandboxServer) -> None:
    account.world.insert("deals", currency="jpy", value="14750")

    one = verdict(ask(), "currencies without cents")

    assert (one.verdict, one.seen) == ("does not hold", "1 amounts in JPY, 1 of them no whole hundreds")


def test_it_only_reads_and_never_with_another_key(ask: Ask, account: SandboxServer) -> None:
    ask()

    assert {call.method for call in account.requests} == {"GET"}
    assert {call.headers["api-token"] for call in account.requests} == {account.api_key}


def test_a_wrong_key_is_tried_once_and_only_when_asked(ask: Ask, account: SandboxServer) -> None:
    found = ask(with_wrong_key=True)

    assert verdict(found, "wrong key").verdict == "holds"
    assert verdict(found, "wrong key").seen == "403, a short text, content type application json"
    assert [call.headers["api-token"] for call in account.requests].count(WRONG_KEY) == 1


def test_nothing_that_is_said_is_a_secret_or_about_a_person(ask: Ask, account: SandboxServer) -> None:
    told = str(list(ask(with_wrong_key=True).values()))

    secrets = [account.api_key, WRONG_KEY, "harbourtea", "Mira", "Holt", ".example"]
    assert not [one for one in secrets if one in told]


LOW_LIMIT = {"RateLimit-Limit": "2", "RateLimit-Remaining": "1"}
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("deals", {"total": "40"}, "deals: meta.total is a number"),
    ("lists", {"total": None}, "lists: meta.total is a text"),
    ("tags", {"total": "many"}, "tags: meta.total is a text"),
    ("forms", {"envelope": "missing"}, "forms: rows stand under forms, with ids as texts"),
    ("scores", {"envelope": "null"}, "scores: rows stand under scores, with ids as texts"),
    ("segments", {"ids": "numbers"}, "segments: rows stand under segments, with ids as texts"),
    ("users/me", {"document": {"user": []}}, "users/me tells whose key it is, under user"),
    ("settings/account", {"document": {"account": {}}}, "settings/account is one flat object, for admins"),
    ("*", {"headers": LOW_LIMIT}, "the limit is five calls a second or more"),
]


@pytest.mark.parametrize(("path", "fault", "claim"), FAULTS)
def test_what_does_not_hold_is_said_and_nothing_else(
    ask: Ask, account: SandboxServer, path: str, fault: dict[str, Any], claim: str
) -> None:
    account.fault(path, times=None, **fault)

    found = ask()

    others = {one for one in failing(found) if one != claim and "meta.total" not in one}
    assert claim in failing(found)
    assert others == set()


def test_an_account_that_ignores_ids_and_moments_is_found_out(ask: Ask, account: SandboxServer) -> None:
    account.fault("contacts", same_page=True, times=None)

    found = failing(ask())

    assert "contacts: id_greater gives what comes after that id, without it" in found
    assert "contacts: id_less gives what comes before that id, without it" in found


def test_a_filter_that_is_ignored_is_found_out(ask: Ask, account: SandboxServer) -> None:
    """As an account would look that reads the moments in another zone."""
    row = next(row for row in account.world.rows("contacts") if row["udate"])
    account.fault("contacts", times=None, document={"contacts": [row], "meta": {"total": "1"}})

    found = ask()

    assert "contacts: filters[updated_after] goes by udate, and reads a time in UTC as such" in failing(found)
    assert not [claim for claim in found if "contacts: filters" in claim and "leaves out" in claim]


def test_what_the_key_may_not_read_cannot_be_told(account: SandboxServer, budget: FreeBudget) -> None:
    account.add_key("k" * 40, user_id=4, denied={"deals", "forms"})
    credentials = Credentials(api_url=account.origin, api_key=Secret("k" * 40))

    found = {one.claim: one for one in assumptions(credentials, budget=budget)}

    assert failing(found) == set()
    for claim in ("deals: rows", "forms: rows", "settings/account", "deals: filters"):
        assert verdict(found, claim).verdict == "could not tell"
        assert "403" in verdict(found, claim).seen


def test_an_empty_account_leaves_things_open(settings: Any, budget: FreeBudget) -> None:
    with SandboxServer(contacts=0, deals=0) as server:
        settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [server.origin]
        credentials = Credentials(api_url=server.origin, api_key=Secret(server.api_key))

        found = {one.claim: one for one in assumptions(credentials, budget=budget)}

    assert failing(found) == set()
    assert verdict(found, "contacts: orders[id]").verdict == "could not tell"
    assert verdict(found, "no page holds more").verdict == "could not tell"


def test_the_headers_that_were_once_seen_on_a_good_answer_are_told(ask: Ask, account: SandboxServer) -> None:
    headers = {"RateLimit-Limit": "1000", "RateLimit-Remaining": "999", "Retry-After": "1"}
    account.fault(times=None, headers=headers)

    found = ask()

    assert verdict(found, "how much of the limit is left").verdict == "holds"
    assert "RateLimit-Limit 1000, RateLimit-Remaining 999" in verdict(found, "how much of the limit is left").seen
    assert verdict(found, "Retry-After").verdict == "holds"


def test_what_stands_in_a_header_is_not_repeated_unless_it_is_harmless(ask: Ask, account: SandboxServer) -> None:
    account.fault(times=None, headers={"RateLimit-Limit": "\x1b[31m five"})

    seen = verdict(ask(), "how much of the limit is left").seen

    assert "something unreadable" in seen
    assert "\x1b" not in seen


def test_a_refused_key_ends_it_at_once(account: SandboxServer, budget: FreeBudget) -> None:
    credentials = Credentials(api_url=account.origin, api_key=Secret("wrong" * 8))

    with pytest.raises(BadCredentials):
        list(assumptions(credentials, budget=budget))


def test_a_fault_that_passes_spoils_nothing(ask: Ask, account: SandboxServer) -> None:
    account.fault("lists", kind="forbidden", times=1)
    account.fault("tags", status=502, times=1, document={})

    assert failing(ask()) == set()
