"""What of rows is left out or hashed: before it is stored, in what is there already, and wherever rows are shown."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from connections.models import Change, Connection, Record, RowCount, User
from connections.models.field_rules import FieldRules, Rule
from connections.models.kept_out import HASHED
from connections.models.person_erasure import PersonErasure
from connections.operating import rewriting
from connections.operating.erasing_people import erase_people_a_piece
from connections.operating.rewriting import rewrite_a_piece
from connections.syncing.choosing_fields import save_rules
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.source import source
from sources.spec import TextRow
from tests.conftest import Connect
from tests.connections.engine import again, pull, store_rows
from tests.connections.stepper.walking import words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]
CONTACTS = next(one for one in source.streams if one.key == "contacts")


@pytest.fixture
def connection(connect: Connect, sandbox: SandboxServer) -> Connection:
    connection = connect(sandbox)
    connection.stream_keys = ["contacts", "deals"]
    connection.save()
    return connection


def stored(connection: Connection, stream: str = "contacts") -> list[dict[str, Any]]:
    return [record.data for record in connection.records.filter(stream=stream)]


def choose(client: Client, connection: Connection, stream: str = "contacts", **wanted: str) -> str:
    address = f"{connection.get_absolute_url()}fields/{stream}/"
    form = client.get(address).context["form"]
    posted = {name: field.initial for name, field in form.fields.items()}
    chosen = {f"field.{name}": rule for name, rule in wanted.items()}
    return client.post(address, {**posted, **chosen}, follow=True).content.decode()


def work_off() -> None:
    while rewrite_a_piece():
        pass


def test_addresses_of_machines_and_the_hash_that_opens_a_contacts_pages_are_not_stored(
    connection: Connection, sandbox: SandboxServer
) -> None:
    pull(connection)

    assert {"ip", "ua", "hash"} < sandbox.world.rows("contacts")[0].keys()
    assert stored(connection)
    assert not any({"ip", "ua", "hash"} & row.keys() for row in stored(connection))


def test_what_stays_is_spelled_as_it_came() -> None:
    text = r'{"id":"1","score":1.10,"ip":"10.0.0.1","name":"Ana\u00efs","ua":null}'
    row = TextRow(json.loads(text), text)

    left = FieldRules({"ip": Rule.LEAVE_OUT, "ua": Rule.LEAVE_OUT}).applied(row)

    assert left.text == r'{"id":"1","score":1.10,"name":"Ana\u00efs"}'  # type: ignore[attr-defined]
    assert left == json.loads(left.text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        r'{"id":"1","\u0069p":"10.0.0.1","more":{"ip":"kept"}}',
        r'{"id":"1","ip":"10.0.0.1","said":"{\"ip\":1}"}',
        '{"id": "1", "ip": "10.0.0.1"}',
        '{"ip":["10.0.0.1",{"a":1}],"id":"1"}',
    ],
)
def test_a_field_goes_however_its_row_is_spelled(text: str) -> None:
    row = TextRow(json.loads(text), text)

    left = FieldRules({"ip": Rule.LEAVE_OUT}).applied(row)

    assert "ip" not in left and left["id"] == "1"
    assert "10.0.0.1" not in getattr(left, "text", "")


def test_the_beginning_of_a_row_that_cannot_be_kept_has_none_of_it() -> None:
    rules = FieldRules({"ip": Rule.LEAVE_OUT, "email": Rule.HASH})

    assert rules.excerpt('{"id":"1","ip":"10.0.0.1","a":1,"email":"ana@x.ex') == '{"id":"1","ip":"…","a":1,"email":"…"'
    assert rules.excerpt('{"ip":{"v4":"10.0.0.1"},"id":"1"}') == '{"ip":'


def test_an_address_is_hashed_from_then_on_and_in_what_is_there_the_log_included(
    alice_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(connection)
    monkeypatch.setattr(rewriting, "PIECE", 60)
    email = stored(connection)[0]["email"]
    Change.objects.log(
        connection.holding,
        "contacts",
        [(stored(connection)[0]["id"], "email", "old@x.example", email)],
        seen_at=connection.created_at,
    )

    assert "Contacts that are here already are being changed to match" in choose(alice_client, connection, email="hash")
    work_off()

    rows = stored(connection)
    assert all(row["email"].startswith(HASHED) for row in rows if row["email"])
    for part in ("data/contacts/", f"data/contacts/row/?id={rows[0]['id']}", f"data/contacts/?q={email}"):
        assert email not in alice_client.get(f"{connection.get_absolute_url()}{part}").content.decode().replace(
            f'value="{email}"', ""
        ).replace(f"“{email}”", "")
    file = alice_client.get(f"{connection.get_absolute_url()}data/contacts.csv")
    assert email.encode() not in b"".join(file.streaming_content)
    change = Change.objects.get(field="email")
    assert change.before.startswith(HASHED) and change.after == rows[0]["email"]
    texts = {record.pk: record.text for record in connection.records.filter(stream="contacts")}

    pull(again(connection), full=True)

    assert texts == {record.pk: record.text for record in connection.records.filter(stream="contacts")}


def test_what_is_left_out_goes_from_what_is_remembered(alice_client: Client, connection: Connection) -> None:
    pull(connection)
    Change.objects.log(connection.holding, "deals", [("1", "value", "100", "200")], seen_at=connection.created_at)

    choose(alice_client, connection, "deals", value="leave_out")
    work_off()

    assert not any("value" in row for row in stored(connection, "deals"))
    assert not connection.records.filter(stream="deals").exclude(amount=None).exists()
    assert not Change.objects.filter(field="value").exists()
    assert connection.events.get(verb="changed what is left out").detail == "Deals: Value left out."
    shown = alice_client.get(f"{connection.get_absolute_url()}data/deals/?sort=-value&columns=value").content.decode()
    assert not re.search(r">Value<|name=\"columns\" value=\"value\"", shown)
    assert ">Created<" in shown


def test_each_field_has_a_name_that_no_other_field_of_its_data_has(sandbox: SandboxServer) -> None:
    for stream in source.default_streams:
        came = {name for row in sandbox.world.rows(stream.key) for name in row} - {"id", "links"}
        labels = {name: stream.facts.label_of(name) for name in {*came, *stream.personal.left_out, *stream.facts.names}}
        assert [name for name, label in labels.items() if not label] == [], stream.key
        twice = [one for one, count in Counter(labels.values()).items() if count > 1]
        assert twice == [], stream.key


def test_a_sync_that_runs_begins_again_with_what_is_chosen(connection: Connection, alice: User) -> None:
    sync = connection.syncs.queue(connection, trigger="person").take()

    assert save_rules(connection, CONTACTS, {"phone": "leave_out"}, by=alice)

    token = sync.token
    sync.refresh_from_db()
    assert (sync.state, sync.token) == ("queued", token + 1)


def test_what_is_taken_in_is_read_again(alice_client: Client, connection: Connection) -> None:
    pull(connection)

    assert "is read again" in choose(alice_client, connection, ip="keep")

    sync = connection.syncs.get(state="queued")
    assert (sync.full, sync.only_streams) == (True, ["contacts"])
    listed = alice_client.get(f"{connection.get_absolute_url()}fields/").content.decode()
    assert '<td data-label="Left out">Browser, Secret part of links (hash)</td>' in listed


def test_it_is_said_where_else_the_same_is_kept(
    alice_client: Client, connection: Connection, connect: Connect, sandbox: SandboxServer
) -> None:
    connection.stream_keys = ["contacts", "users"]
    connection.save()
    other = connect(sandbox, name="Tea second")
    pull(connection)

    assert "Phone is in Users, too." in choose(alice_client, connection, phone="leave_out")

    listed = words(alice_client.get(f"{connection.get_absolute_url()}fields/").content.decode())
    assert f"What other connections to this account leave out is chosen there: {other.name}" in listed
    one = connection.records.filter(stream="contacts").values_list("external_id", flat=True).first()
    row = alice_client.get(f"{connection.get_absolute_url()}data/contacts/row/?id={one}").content.decode()
    assert "Left out of contacts here, and never stored: Browser, " in words(row) and "Phone" in words(row)


def test_by_what_rows_find_one_another_nothing_can_be_done_to(alice_client: Client, connection: Connection) -> None:
    form = alice_client.get(f"{connection.get_absolute_url()}fields/deals/").context["form"]
    assert not {"field.id", "field.contact", "field.stage"} & form.fields.keys()
    contacts = alice_client.get(f"{connection.get_absolute_url()}fields/contacts/").context["form"]
    assert [one for one, _ in contacts.fields["field.email"].choices] == ["keep", "hash"]

    alice_client.post(f"{connection.get_absolute_url()}fields/contacts/", {"field.email": "leave_out"})

    assert Connection.objects.get(pk=connection.pk).field_rules == {}


def test_somebody_whose_address_is_hashed_is_found_and_erased_all_the_same(
    alice: User, alice_client: Client, connection: Connection
) -> None:
    store_rows(connection, "contacts", {"id": "7", "email": "Ana@x.example"}, {"id": "8", "email": "bo@x.example"})
    choose(alice_client, connection, email="hash")
    work_off()

    erasure = PersonErasure.objects.ask(connection.workspace, "ana@x.example", by=alice)
    while erase_people_a_piece():
        pass
    erasure.refresh_from_db()
    assert erasure.rows == 1
    erasure.confirm(by=alice)
    while erase_people_a_piece():
        pass

    assert [record.external_id for record in Record.objects.all()] == ["8"]


def test_rows_from_before_lose_what_nobody_asked_for(connect: Connect) -> None:
    connection = connect()
    store_rows(connection, "contacts", {"id": "1", "email": "ana@x.example", "ip": "10.0.0.1"})
    RowCount.objects.rule_anew()

    work_off()

    assert stored(connection) == [{"id": "1", "email": "ana@x.example"}]
    assert RowCount.objects.get().bytes == Record.objects.get().size
