"""The page of one row: what it says in words, what refers to it, and what became of it."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Record
from connections.models.change import Memory
from sources.spec import Row
from tests.connections.data.test_data import ADDRESS, pulled, stream_of, text
from tests.storing import store_page

REMEMBERED = Memory(fields=("status",), comings=True)


@pytest.fixture
def connection(connect: Any) -> Connection:
    return connect(api_url=ADDRESS)


def seen(connection: Connection, key: str, *rows: Row) -> None:
    """As a sync that remembers stores them."""
    by_id = {row["id"]: row for row in rows}
    store_page(connection.holding, stream_of(key), by_id, address=ADDRESS, memory=REMEMBERED)


def row_page(client: Client, connection: Connection, stream: str, external_id: str) -> Any:
    return client.get(f"{connection.get_absolute_url()}data/{stream}/row/", {"id": external_id})


def test_a_contacts_page_tells_what_hangs_on_it_and_what_became_of_it(
    bob_client: Client, connection: Connection
) -> None:
    cdate = "2025-03-04T12:00:00-06:00"
    pulled(connection, [{"id": "1", "firstName": "Anaïs", "email": "a@x.example", "cdate": cdate, "odd_one": "7"}])
    pulled(connection, [{"id": "9", "tag": "Demo"}], key="tags")
    pulled(connection, [{"id": "4", "name": "Newsletter"}], key="lists")
    seen(connection, "contactTags", {"id": "77", "contact": "1", "tag": "9"})
    for status in ("1", "2"):
        seen(connection, "contactLists", {"id": "8", "contact": "1", "list": "4", "status": status})
    Record.objects.filter(stream="contactTags").mark_gone(connection.holding, stream_of("contactTags"))
    notes = [{"id": "1", "note": "x" * 500, "relid": "1", "reltype": "Subscriber"}]
    pulled(connection, [*notes, {"id": "2", "note": "of a deal", "relid": "1", "reltype": "Deal"}], key="notes")

    response = row_page(bob_client, connection, "contacts", "1")
    words, html = text(response), response.content.decode()

    assert "unchanged since" in words
    assert "E-mail a@x.example Created 4 March 2025, 18:00 UTC" in words
    assert 'href="mailto:a@x.example"' in html
    assert "Tag Demo gone" in words and "Tag Demo added" in words
    assert "List Newsletter: Status: Active, then Unsubscribed" in words
    assert "Contact lists 1 Show all" in words
    assert "/data/contactLists/?contact=1" in html
    assert "/data/notes/?relid=1&amp;reltype=Subscriber" in html
    assert "of a deal" not in html
    assert "1 other field Odd one 7" in words
    assert "&quot;odd_one&quot;: &quot;7&quot;" in html


def test_a_deals_page_has_its_custom_fields_by_their_titles(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "title": "Tea for ten", "value": "123456", "currency": "eur"}], key="deals")
    meta = [{"id": "4", "fieldLabel": "First order", "fieldType": "date"}]
    pulled(connection, [*meta, {"id": "5", "fieldLabel": "Unused", "fieldType": "text"}], key="dealCustomFieldMeta")
    values = [{"id": "1", "dealId": 1, "customFieldId": 4, "fieldValue": "2026-03-30"}]
    pulled(connection, values, key="dealCustomFieldData")

    words = text(row_page(bob_client, connection, "deals", "1"))

    assert "Tea for ten" in words
    assert "Value € 1,234.56" in words
    assert "Custom fields First order 30 March 2026" in words
    assert "Unused" not in words


def test_a_long_text_is_folded_and_a_row_that_is_gone_says_so(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "subject": "Hello", "html": "<p>" + "y" * 500}], key="messages")
    Record.objects.update(deleted_at=timezone.now())

    response = row_page(bob_client, connection, "messages", "1")

    assert f"<div>&lt;p&gt;{'y' * 500}</div></details>" in response.content.decode()
    assert "gone from the account since" in text(response)


def test_what_was_done_to_a_deal_is_told_in_words(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "title": "Tea for ten", "status": "1"}], key="deals")
    pulled(connection, [{"id": "3", "title": "Enquiry"}, {"id": "4", "title": "Tasting"}], key="dealStages")
    done = {"deal": "1", "dataAction": "update", "cdate": "2025-03-04T12:00:00-06:00"}
    moved = {"id": "7", "dataType": "d_stageid", "dataOldval": "3", "dataId": "4", **done}
    won = {"id": "8", "dataType": "status", "dataOldval": "0", "dataId": "1", **done}
    odd = {"id": "9", "dataType": "odd", "dataOldval": "as it was", "dataId": "0", **done}
    pulled(connection, [moved, won, odd], key="dealActivities")

    words = text(row_page(bob_client, connection, "deals", "1"))

    assert "7 Changed Stage Tasting 4 March 2025" in words
    assert "8 Changed Status Won 4 March 2025" in words
    assert "9 Changed odd 4 March 2025" in words
    assert "ActiveCampaign does not tell the values of all of these." in words
    assert (
        f"Stage, status, value, currency and owner of this deal are followed from {timezone.now():%-d %B %Y} on"
        in words
    )
    assert "Closed 4 March 2025, 18:00 UTC" in words
    assert words.count("Times are in UTC") == 1
    for which, before in (("7", "Enquiry"), ("8", "Open"), ("9", "as it was")):
        assert f"Before {before}" in text(row_page(bob_client, connection, "dealActivities", which))
    assert "Deal activities 1 Show all" in text(row_page(bob_client, connection, "dealStages", "4"))
