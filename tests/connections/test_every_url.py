"""Who gets what at every address: one table, walked as everybody, for each privacy, by GET and by POST."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from connections.models import (
    Connection,
    Event,
    Membership,
    PersonErasure,
    Pin,
    Role,
    StandbyKey,
    Sync,
    Team,
    User,
    Workspace,
)
from connections.numbers.looking_around import look_around
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from tests.addresses import OF_A_WORKSPACE
from tests.conftest import Connect, client_of, person
from tests.storing import store_page

OK, HIDDEN, REFUSED = "ok", 404, 403
WRONG_METHOD = None

# The table of the product's rules ---------------------------------------------------------------------------------

EVERYBODY = ("outsider", "member", "team member", "creator", "admin", "owner", "staff")


def allowed(*roles: str, otherwise: int = HIDDEN) -> dict[str, object]:
    return {role: OK if role in roles else otherwise for role in EVERYBODY}


INSIDERS = ("member", "team member", "creator", "admin", "owner")
USE = {
    "workspace": allowed(*INSIDERS),
    "team": allowed("team member", "creator", "admin", "owner"),
    "private": allowed("creator"),
}
MANAGE = {
    "workspace": allowed("creator", "admin", "owner") | {"member": REFUSED, "team member": REFUSED},
    "team": allowed("creator", "admin", "owner") | {"team member": REFUSED},
    "private": allowed("creator"),
}
MEMBERS = dict.fromkeys(USE, allowed(*INSIDERS))
ADMINISTRATORS = dict.fromkeys(
    USE, allowed("admin", "owner") | {"member": REFUSED, "team member": REFUSED, "creator": REFUSED}
)
OWNERS = dict.fromkeys(USE, allowed("owner") | dict.fromkeys(("member", "team member", "creator", "admin"), REFUSED))
DRAFT = dict.fromkeys(USE, allowed("creator"))


@dataclass(frozen=True)
class Rule:
    """Who may GET and who may POST; None where the method is wrong. `pk` says whose id stands in the address."""

    get: Mapping[str, Mapping[str, object]] | None
    post: Mapping[str, Mapping[str, object]] | None
    pk: str = ""


RULES = {
    "home": Rule(MEMBERS, WRONG_METHOD),
    "pinned": Rule(DRAFT, DRAFT, pk="pin"),
    "unpin": Rule(WRONG_METHOD, DRAFT, pk="pin"),
    "look_around": Rule(WRONG_METHOD, MEMBERS),
    "remove_sample": Rule(WRONG_METHOD, DRAFT),
    "settings": Rule(MEMBERS, WRONG_METHOD),
    "list": Rule(MEMBERS, WRONG_METHOD),
    "source_list": Rule(MEMBERS, WRONG_METHOD),
    "act_on_chosen": Rule(WRONG_METHOD, MEMBERS),
    "add": Rule(MEMBERS, MEMBERS),
    "set_up": Rule(DRAFT, DRAFT, pk="draft"),
    "keep": Rule(WRONG_METHOD, DRAFT, pk="draft"),
    "discard": Rule(WRONG_METHOD, DRAFT, pk="draft"),
    "finish": Rule(DRAFT, DRAFT, pk="draft"),
    "detail": Rule(USE, MANAGE, pk="connection"),
    "progress": Rule(USE, WRONG_METHOD, pk="connection"),
    "pulling": Rule(MANAGE, MANAGE, pk="connection"),
    "fields": Rule(MANAGE, WRONG_METHOD, pk="connection"),
    "fields_of": Rule(MANAGE, MANAGE, pk="connection"),
    "test": Rule(WRONG_METHOD, USE, pk="connection"),
    "sync_now": Rule(WRONG_METHOD, USE, pk="connection"),
    "pause": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "resume": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "delete": Rule(MANAGE, MANAGE, pk="connection"),
    "take_back_former": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "erase_former": Rule(MANAGE, MANAGE, pk="connection"),
    "store_standby": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "remove_standby": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "syncs": Rule(USE, WRONG_METHOD, pk="connection"),
    "sync": Rule(USE, WRONG_METHOD, pk="connection"),
    "read_again": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "decide_missing": Rule(WRONG_METHOD, MANAGE, pk="connection"),
    "clear_data": Rule(MANAGE, MANAGE, pk="connection"),
    "cancel": Rule(WRONG_METHOD, MANAGE, pk="connection"),  # And who asked for the sync, which here is nobody.
    "data": Rule(USE, WRONG_METHOD, pk="connection"),
    "row": Rule(USE, WRONG_METHOD, pk="connection"),
    "rows": Rule(USE, WRONG_METHOD, pk="connection"),
    "download_csv": Rule(USE, WRONG_METHOD, pk="connection"),
    "download_jsonl": Rule(USE, WRONG_METHOD, pk="connection"),
    "workspace": Rule(MEMBERS, OWNERS),
    "numbers": Rule(USE, WRONG_METHOD, pk="connection"),
    "number": Rule(USE, WRONG_METHOD, pk="connection"),
    "check_number": Rule(WRONG_METHOD, USE, pk="connection"),
    "pin": Rule(USE, USE, pk="connection"),
    "members": Rule(MEMBERS, WRONG_METHOD),
    "remove_member": Rule(ADMINISTRATORS, ADMINISTRATORS, pk="membership"),
    "require_second_factor": Rule(WRONG_METHOD, ADMINISTRATORS),
    "change_member": Rule(WRONG_METHOD, ADMINISTRATORS, pk="membership"),
    "delete_left_behind": Rule(ADMINISTRATORS, ADMINISTRATORS, pk="person"),
    "leave": Rule(MEMBERS, MEMBERS),
    "teams": Rule(MEMBERS, ADMINISTRATORS),
    "team": Rule(ADMINISTRATORS, ADMINISTRATORS, pk="team"),
    "delete_team": Rule(ADMINISTRATORS, ADMINISTRATORS, pk="team"),
    "privacy": Rule(MEMBERS, ADMINISTRATORS),
    "person_erasure": Rule(ADMINISTRATORS, WRONG_METHOD, pk="erasure"),
    "erase_person": Rule(WRONG_METHOD, ADMINISTRATORS, pk="erasure"),
    "discard_erasure": Rule(WRONG_METHOD, ADMINISTRATORS, pk="erasure"),
    "activity": Rule(MEMBERS, WRONG_METHOD),
}
ASKING = ("test", "check_number")  # What asks the account.
OF_A_NUMBER = ("number", "check_number", "pin")
OF_A_CONNECTION = [name for name, rule in RULES.items() if rule.pk == "connection"]
WALKS = [(name, privacy) for name in RULES for privacy in (USE if name in OF_A_CONNECTION else ["workspace"])]

# The stage --------------------------------------------------------------------------------------------------------


@dataclass
class Stage:
    """Everybody, and one of everything."""

    clients: dict[str, Client]
    ids: dict[str, Any]

    def address(self, name: str, **changed: Any) -> str:
        wanted = re.findall(r"<\w+:(\w+)>", OF_A_WORKSPACE[name])
        number: object = "contacts_total" if name in OF_A_NUMBER else 1
        pk = self.ids.get(RULES[name].pk)
        values = {"source": "activecampaign", "number": number, "stream": "contacts", "pk": pk}
        chosen = {key: value for key, value in {**values, **changed}.items() if key in wanted}
        address = reverse(f"connections:{name}", kwargs={"workspace": "harbour-tea", **chosen})
        return f"{address}?id=1" if name == "row" else address


@pytest.fixture
def creator(workspace: Workspace) -> User:
    """A plain member, and in no team: what they may do is theirs as the creator alone."""
    user = person("greta@harbourtea.example", "Greta Nuñez")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def everybody(
    alice: User, bob: User, charlie: User, dana: User, erin: User, staff: User, creator: User, growth: Team
) -> dict[str, Client]:
    people = {"outsider": charlie, "member": erin, "team member": bob, "creator": creator, "admin": dana}
    return {role: client_of(user) for role, user in {**people, "owner": alice, "staff": staff}.items()}


@pytest.fixture
def stage(
    request: pytest.FixtureRequest,
    everybody: dict[str, Client],
    workspace: Workspace,
    creator: User,
    growth: Team,
    connect: Connect,
) -> Stage:
    name, privacy = getattr(request, "param", ("", "workspace"))
    team = growth if privacy == "team" else None
    sandbox: SandboxServer | None = request.getfixturevalue("sandbox") if name in ASKING else None
    connection = connect(sandbox, by=creator, privacy=privacy, team=team)
    Sync.objects.queue(connection, trigger="first")
    Sync.objects.active().stop("So that another can be asked for.")
    source = get_source("activecampaign")
    assert source is not None
    store_page(connection.holding, source.streams[0], {"1": {"id": "1"}}, address="https://a.example")
    draft = Connection.objects.take_up_draft(workspace=workspace, user=creator, source=source)
    leaver = person("hugo@harbourtea.example", "Hugo Brandt")
    membership = Membership.objects.create(workspace=workspace, user=leaver)
    pin = Pin.objects.create(user=creator, connection=connection, number="contacts_total")
    if name == "remove_sample":
        look_around(workspace, source, by=creator)
    ids = {
        "pin": pin.pk,
        "connection": connection.pk,
        "draft": draft.pk,
        "membership": membership.pk,
        "team": growth.pk,
    }
    erasure = PersonErasure.objects.ask(workspace, "guest@teamail.example", by=None)
    return Stage(clients=everybody, ids={**ids, "person": leaver.pk, "erasure": erasure.pk})


def everything() -> list[object]:
    """All rows that a request could change."""
    models = (Connection, StandbyKey, Sync, Event, Membership, Team, PersonErasure, Pin)
    return [sorted(model.objects.values_list(), key=str) for model in models]


def walk(stage: Stage, name: str, method: str) -> Iterator[tuple[str, HttpResponseBase, bool]]:
    """Each role's answer, and whether it was given or left all rows alone; then all is as it was."""
    address, before = stage.address(name), everything()
    for role, client in stage.clients.items():
        with transaction.atomic():
            response = client.generic(method, address, "", content_type="application/x-www-form-urlencoded")
            unchanged = response.status_code < 400 or everything() == before
            transaction.set_rollback(True)
        yield role, response, unchanged


def verdict(response: HttpResponseBase) -> object:
    return OK if response.status_code < 400 else response.status_code


def fingerprint_of(response: HttpResponseBase) -> tuple[object, ...]:
    """All that a browser gets, but what differs between any two answers."""
    passing = {"Date", "X-Request-ID"}
    headers = sorted((key, value) for key, value in response.items() if key not in passing)
    return response.status_code, bytes(response.content), headers  # type: ignore[attr-defined]


# The tests --------------------------------------------------------------------------------------------------------


def test_every_address_has_its_rule() -> None:
    assert OF_A_WORKSPACE.keys() == set(RULES)


@pytest.mark.parametrize("stage", WALKS, indirect=True, ids="-".join)
def test_everybody_gets_what_the_rules_give(stage: Stage, request: pytest.FixtureRequest) -> None:
    name, privacy = request.node.callspec.params["stage"]

    for method, rule in (("GET", RULES[name].get), ("POST", RULES[name].post)):
        answers = list(walk(stage, name, method))

        expected = dict.fromkeys(EVERYBODY, 405) if rule is None else rule[privacy]
        assert {role: verdict(response) for role, response, _ in answers} == expected
        refused_but_changed = [role for role, response, same in answers if response.status_code >= 400 and not same]
        assert not refused_but_changed


@pytest.mark.parametrize("stage", [("", "private")], indirect=True, ids=["private"])
def test_a_connection_that_i_may_not_see_answers_byte_for_byte_like_none(stage: Stage) -> None:
    for name in OF_A_CONNECTION:
        for role in ("outsider", "member", "admin", "owner", "staff"):
            ask = getattr(stage.clients[role], "get" if RULES[name].get else "post")

            hidden, missing = ask(stage.address(name)), ask(stage.address(name, pk=uuid4()))

            assert hidden.status_code == 404, (name, role)
            assert fingerprint_of(hidden) == fingerprint_of(missing), (name, role)


def test_a_stranger_is_sent_to_the_login_whatever_the_method(stage: Stage) -> None:
    before = everything()

    for name in RULES:
        for method in ("get", "post", "put", "delete"):
            response = getattr(Client(), method)(stage.address(name))

            assert response.status_code == 302
            assert response["Location"].startswith("/accounts/login/?next=/w/harbour-tea/")
    assert everything() == before


@pytest.mark.parametrize("role", ["outsider", "creator"])
def test_another_method_is_wrong_before_anybody_looks_who_asks(stage: Stage, role: str) -> None:
    client = stage.clients[role]

    answers = {
        (name, method): getattr(client, method)(stage.address(name)).status_code
        for name in RULES
        for method in ("put", "patch", "delete")
    }

    assert set(answers.values()) == {405}


def test_a_form_without_its_token_is_refused(stage: Stage) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = stage.clients["creator"].cookies
    before = everything()

    answers = {name: client.post(stage.address(name)).status_code for name, rule in RULES.items() if rule.post}

    assert set(answers.values()) == {403}
    assert everything() == before


def test_a_connection_is_not_found_under_another_workspace_or_source(
    stage: Stage, charlie: User, creator: User
) -> None:
    Membership.objects.create(workspace=charlie.memberships.get().workspace, user=creator)

    for name in OF_A_CONNECTION:
        ask = getattr(stage.clients["creator"], "get" if RULES[name].get else "post")

        assert ask(stage.address(name).replace("/w/harbour-tea/", "/w/stranger/")).status_code == 404
        assert ask(stage.address(name, source="custom")).status_code == 404
