"""Looking for rows: in words, in an order, narrowed, page by page; and the file of what is found."""

import csv
import io
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Change, Connection, Record, Workspace
from connections.models import record_query as query
from connections.models.record_query import Place, Sought
from connections.syncing.choosing_fields import save_rules
from sources.spec import Row
from tests.connections.data.test_data import ADDRESS, body, pulled, text

NAMES = ("Anaïs الحداد", "Bo Ek", "ana Zander", "", "Émile", "bo ek")
PLACES = {"name": "search", "cdate": "happened_at", "id": "id"}


def person(number: int, name: str = "", day: int | None = None) -> Row:
    cdate = f"2025-03-{day:02}T12:00:00-06:00" if day else "0000-00-00 00:00:00"
    return {"id": str(number), "firstName": name, "lastName": "", "email": f"p{number}@x.example", "cdate": cdate}


def deal(number: int, **fields: object) -> Row:
    usual = {"title": f"Deal {number}", "value": "14700", "currency": "eur", "status": "0", "stage": "3", "owner": "5"}
    return {"id": str(number), **usual, "contact": "1", "cdate": f"2025-03-{number:02}T12:00:00-06:00", **fields}


@pytest.fixture
def connection(connect: Any) -> Connection:
    return connect(api_url=ADDRESS)


def page(client: Client, connection: Connection, stream: str = "contacts", **asked: object) -> Any:
    return client.get(f"{connection.get_absolute_url()}data/{stream}/?{urlencode(asked, doseq=True)}")


def ids(response: Any) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+/row/\?id=(\d+)"', response.content.decode())


def count_said(response: Any) -> str:
    return re.findall(r'class="quiet" role="status">([^<,]+)', response.content.decode())[0].strip()


def people(connection: Connection) -> None:
    """Two share a moment and two have none; the fourth has no name but its e-mail."""
    days = (3, 1, 3, None, 2, None)
    pulled(
        connection, [person(9 + place, name, day) for place, (name, day) in enumerate(zip(NAMES, days, strict=True))]
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "11 9 13 10 14 12"),
        ("cdate", "10 13 11 9 14 12"),
        ("name", "11 9 10 14 13 12"),
        ("-id", "14 13 12 11 10 9"),
        ("id", "9 10 11 12 13 14"),
        ("nonsense", "11 9 13 10 14 12"),
    ],
)
def test_rows_are_in_the_order_that_is_asked_for_on_pages_that_miss_none(
    bob_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch, sort: str, order: str
) -> None:
    people(connection)
    monkeypatch.setattr("connections.data.looking.PAGE_SIZE", 1)

    asked, found = {"sort": sort} if sort else {}, []
    response = page(bob_client, connection, **asked)
    while True:
        found += ids(response)
        onward = re.findall(r'rel="next" href="\?([^"]+)"', response.content.decode())
        if not onward:
            break
        response = bob_client.get(f"{connection.get_absolute_url()}data/contacts/?{onward[0].replace('&amp;', '&')}")

    assert sorted(found) == sorted(order.split())
    with_moment, without = found[:4], found[4:]
    if sort in ("", "cdate", "nonsense"):
        assert set(without) == {"12", "14"}
        assert [one for one in with_moment if one not in ("9", "11")] == [
            o for o in order.split()[:4] if o not in ("9", "11")
        ]
    else:
        assert found == order.split()


def test_a_page_tells_rows_in_words(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [person(1, "Anaïs")])
    pulled(connection, [{"id": "3", "title": "Tasting"}], key="dealStages")
    pulled(connection, [deal(1, owner="0"), deal(2, value="100", currency="jpy", status="1", stage="77")], key="deals")
    pulled(connection, [{"id": "9", "title": "Old lead", "status": "0", "isDisabled": True}], key="deals")

    response = page(bob_client, connection, "deals")
    html, words = response.content.decode(), text(response)

    assert '<td class="number">€ 147.00</td><td>Open</td>' in html
    assert re.search(r'<td><a href="[^"]+/data/dealStages/row/\?id=3">Tasting</a></td>', html)
    assert re.search(r'<td><a href="[^"]+/data/contacts/row/\?id=1">Anaïs</a></td><td>–</td>', html)
    assert "JPY 1.00 (unproven) Won Deal stage 77" in words
    assert "Old lead Beyond the plan: ActiveCampaign shows no more of it. – Open" in words
    assert words.count("Beyond the plan: ") == words.count("Times are in UTC") == 1
    assert "What you may sell, won and lost" in words
    assert "Jpy" not in words and "JPY" in text(page(bob_client, connection, "deals", columns="currency", status="1"))


def test_stages_that_are_called_alike_are_told_apart_by_their_pipelines(
    bob_client: Client, connection: Connection
) -> None:
    pulled(connection, [{"id": "1", "title": "Shops"}, {"id": "2", "title": "Cafés"}], key="dealGroups")
    stages = {"3": ("To Contact", "1"), "4": ("To Contact", "2"), "5": ("Tasting", "1"), "6": ("To Contact", "9")}
    pulled(connection, [{"id": key, "title": name, "group": at} for key, (name, at) in stages.items()], "dealStages")
    pulled(connection, [deal(1), deal(2, stage="4"), deal(3, stage="5"), deal(4, stage="6")], key="deals")

    html = page(bob_client, connection, "deals", columns="stage", sort="id").content.decode()

    assert re.findall(r"<td><a [^>]+>([^<]+)</a></td>", html) == [
        *("To Contact (Shops)", "To Contact (Cafés)", "Tasting", "To Contact")
    ]
    assert re.findall(r'<option value="\d">(T[^<]+)</option>', html) == [
        *("Tasting", "To Contact (Shops)", "To Contact (Cafés)", "To Contact")
    ]


def test_what_hangs_on_a_contact_stands_beside_it(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [person(1, "Anaïs"), person(2, "Bo")])
    pulled(connection, [{"id": str(one), "tag": f"T{one}"} for one in range(1, 6)], key="tags")
    pulled(connection, [{"id": str(one), "contact": "1", "tag": str(one)} for one in range(1, 6)], key="contactTags")
    pulled(connection, [{"id": "7", "title": "Tins", "type": "listbox"}], key="fields")
    pulled(connection, [{"id": "1", "contact": "1", "field": "7", "value": "||soft||hard||"}], key="fieldValues")

    words = text(page(bob_client, connection, columns=["tags", "custom.7"], sort="name"))

    assert "Contact Tags Tins" in words
    assert "Anaïs T1, T2, T3 and 2 more soft, hard Bo – –" in words
    assert ids(page(bob_client, connection, tags="2")) == ["1"]
    of_itself = page(bob_client, connection, "fieldValues").content.decode()
    assert of_itself.count("soft, hard") == 2 and "||" not in of_itself


def test_what_was_chosen_reads_by_its_label_whether_that_or_its_code_is_stored(
    bob_client: Client, connection: Connection, django_assert_max_num_queries: Any
) -> None:
    pulled(connection, [person(1, "Anaïs"), person(2, "Bo")])
    teas = [{"value": "green", "label": "Green tea"}, {"value": "black", "label": "Black tea"}]
    fields = [{"id": str(one), "title": f"Tea {one}", "type": "dropdown", "fieldOptions": teas} for one in range(7, 17)]
    pulled(connection, fields, key="fields")
    said = {"1": "||green||Black tea||oolong||", "2": "Green tea", "3": "green"}
    values = [{"id": key, "contact": "1", "field": "7", "value": value} for key, value in said.items()]
    pulled(
        connection,
        [*values, *({**values[0], "id": str(one), "field": str(one)} for one in range(8, 17))],
        "fieldValues",
    )

    with django_assert_max_num_queries(25):
        words = text(page(bob_client, connection, "fieldValues", sort="id"))
    assert words.count("Green tea, Black tea, oolong") == 20
    assert "Green tea Anaïs Tea 7 Green tea" in words and "green" not in words
    assert "Anaïs Green tea, Black tea, oolong" in text(page(bob_client, connection, columns="custom.8"))
    row = f"{connection.get_absolute_url()}data/"
    assert "Options Green tea, Black tea" in text(bob_client.get(f"{row}fields/row/", {"id": "7"}))
    assert "Value Green tea" in text(bob_client.get(f"{row}fieldValues/row/", {"id": "3"}))


def test_columns_keep_their_places_when_they_are_asked_for(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [person(1, "Anaïs")])
    pulled(connection, [{"id": "1", "tag": "T1"}], key="tags")
    pulled(connection, [{"id": "1", "contact": "1", "tag": "1"}], key="contactTags")
    as_usual = page(bob_client, connection).context["form"].chosen()

    asked = page(bob_client, connection, columns=sorted(one.name for one in as_usual)).context["form"].chosen()

    assert [one.name for one in asked] == [one.name for one in as_usual]
    assert {"email", "tags"} <= {one.name for one in asked}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "anais"}, "9"),
        ({"q": "ANA"}, "9 11"),
        ({"q": "ek bo"}, "10 14"),
        ({"q": "p12@x"}, "12"),
        ({"q": "الحداد"}, "9"),
        ({"q": "nobody"}, ""),
        ({"q": "%"}, ""),
        ({"since": "2025-03-02", "until": "2025-03-02"}, "13"),
        ({"since": "2025-03-02", "q": "ana"}, "9 11"),
        ({"since": "nonsense"}, "9 10 11 12 13 14"),
        ({"until": "9999-12-31"}, "9 10 11 12 13 14"),
        ({"after": "nobody\x00", "q": "bo"}, "10 14"),
    ],
)
@pytest.mark.parametrize("few", [2000, 0])  # Narrowed by what leaves few rows; or walked through.
def test_rows_are_found_by_words_and_by_their_time(
    bob_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch, few: int, asked: Any, found: str
) -> None:
    people(connection)
    monkeypatch.setattr(query, "FEW", few)

    response = page(bob_client, connection, sort="id", **asked)

    assert ids(response) == found.split()
    narrows = asked.keys() & {"q", "since"} and asked.get("since") != "nonsense"
    assert count_said(response) == (f"{len(found.split())} of 6 rows" if narrows else "6 rows")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"status": "1"}, "2"),
        ({"status": "0", "stage": "3"}, "1 3"),
        ({"owner": "6"}, "3"),
        ({"contact": "8"}, "2"),
        ({"status": "99"}, "1 2 3"),
        ({"sort": "-value"}, "2 1 3"),
    ],
)
def test_rows_are_narrowed_by_what_their_columns_hold(
    bob_client: Client, connection: Connection, asked: Any, found: str
) -> None:
    pulled(connection, [{"id": "5", "firstName": "Mira"}, {"id": "6", "firstName": "Bo"}], key="users")
    rows = [deal(1), deal(2, status="1", contact="8", value="20000"), deal(3, owner="6", value="")]
    pulled(connection, rows, key="deals")

    response = page(bob_client, connection, "deals", **{"sort": "id"} | asked)

    assert ids(response) == found.split()


def test_an_order_by_amounts_says_that_currencies_stay_apart(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "title": "Tea", "value": "100", "currency": "usd"}], key="deals")

    by_value, by_id = (text(page(bob_client, connection, "deals", sort=sort)) for sort in ("-value", "-id"))

    hint = "Amounts of different currencies stand by their figure: none is converted."
    assert hint in by_value and hint not in by_id


def test_a_search_says_what_it_looks_into(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "title": "Tea for the harbour", "contact": "8"}], key="deals")

    response = page(bob_client, connection, "deals", q="Grace")
    nothing = text(response)

    assert 'placeholder="Title and Description"' in response.content.decode()
    assert "No row fits what you look for. Search looks into Title and Description alone." in nothing

    deals = connection.known_source().stream("deals")
    save_rules(connection, deals, {"title": "leave_out", "description": "leave_out"}, by=connection.created_by)
    assert 'name="q"' not in page(bob_client, connection, "deals").content.decode()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"held_since": "2025-05-01", "held_until": "2025-05-31"}, "1 2 4"),
        ({"held_since": "2025-05-01", "held_until": "2025-05-31", "status": "2"}, "1 2"),
        ({"held_since": "2025-06-01"}, "6"),
        ({"held_until": "2025-04-30"}, "3"),
        ({"held_until": "2024-04-30"}, ""),
    ],
)
def test_deals_are_narrowed_by_the_day_on_which_they_were_closed(
    bob_client: Client, alice_client: Client, connection: Connection, asked: Any, found: str
) -> None:
    """1 was seen lost in May, of 2 an activity tells it; 5 is lost since nobody knows when, and 7 open again."""
    pulled(connection, [person(1, "Anaïs")])
    codes = {1: "2", 2: "2", 3: "2", 4: "1", 5: "2", 6: "2", 7: "0"}
    pulled(connection, [deal(number, status=code) for number, code in codes.items()], key="deals")
    told = {2: ("2", "05-31"), 3: ("2", "04-30"), 4: ("1", "05-02"), 6: ("2", "05-03"), 7: ("2", "05-04")}
    activities = [
        {"id": str(number), "deal": str(number), "dataType": "status", "dataId": code, "cdate": f"2025-{day} 12:00:00"}
        for number, (code, day) in told.items()
    ]
    pulled(connection, activities, key="dealActivities")
    for number, before, after, seen_at in (
        (1, "0", "2", "2025-05-20T10:00Z"),
        (6, "0", "2", "2025-06-02T10:00Z"),  # Lost in May, opened again, and lost in June.
        (7, "2", "0", "2025-05-09T10:00Z"),
    ):
        Change.objects.create(
            holding=connection.holding,
            stream="deals",
            external_id=str(number),
            field="status",
            before=before,
            after=after,
            seen_at=datetime.fromisoformat(seen_at),
        )

    response = page(bob_client, connection, "deals", **{"sort": "id"} | asked)

    assert ids(response) == found.split()
    assert count_said(response) == f"{len(found.split())} of 7 rows"
    told = "No row fits what you look for. Closed: the day on which we saw it"
    assert (told in text(response)) == (not found)
    settings = '/pulling/?open=dealActivities#data-dealActivities">Choose Deal activities in the sync settings</a>'
    assert settings not in response.content.decode()  # For those alone who may.
    assert (settings in page(alice_client, connection, "deals", **asked).content.decode()) == (not found)
    if "1" in found.split():
        assert "Deal 1 € 147.00 Lost" in text(response)
        assert "Anaïs" in text(response)
        assert "20 May 2025, 10:00 UTC" in text(response)


@pytest.mark.parametrize(
    ("beginning", "found"),
    [("p1", "10 11 12 13 14"), ("P12@", "12"), ("p12@x.ex", "12"), ("x.example", ""), ("bo", ""), ("p.2", "")],
)
def test_contacts_are_narrowed_by_how_their_email_begins(
    bob_client: Client, connection: Connection, beginning: str, found: str
) -> None:
    people(connection)

    assert ids(page(bob_client, connection, email=beginning, sort="id")) == found.split()


def test_only_the_email_itself_is_asked_how_it_begins(bob_client: Client, connection: Connection) -> None:
    rows = [
        person(1, "ana@work"),
        person(2) | {"email": "ana@x.example"},
        person(3) | {"orgname": "ana@org"},
        person(4) | {"email": "", "phone": "ana@phone"},
        person(5) | {"email": "Anaïs@x.example", "firstName": "Zed"},
    ]
    pulled(connection, rows)

    assert ids(page(bob_client, connection, email="ana@", sort="id")) == ["2"]
    assert ids(page(bob_client, connection, email="anais", sort="id")) == ["5"]
    assert count_said(page(bob_client, connection, email="\u0301")) == "5 rows"  # An accent alone is no beginning.


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("name", ["since", "until", "held_since", "held_until"])
def test_days_at_both_ends_of_the_calendar_are_borne(
    bob_client: Client, connection: Connection, name: str, zone: str
) -> None:
    Workspace.objects.update(timezone=zone)
    pulled(connection, [deal(1)], key="deals")

    for day in ("0001-01-01", "9999-12-31"):
        assert page(bob_client, connection, "deals", **{name: day}).status_code == 200
        assert bob_client.get(f"{connection.get_absolute_url()}data/deals.jsonl?{name}={day}").status_code == 200


def test_a_count_ends_where_a_page_would_wait_for_it(
    bob_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(connection)
    monkeypatch.setattr(query, "MOST_COUNTED", 2)
    monkeypatch.setattr("connections.data.looking.MOST_COUNTED", 2)

    assert count_said(page(bob_client, connection, q="x.example")) == "More than 2 of 6 rows"


def test_rows_that_are_gone_stand_behind_a_switch(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [person(1), person(2)])
    Record.objects.filter(external_id="2").update(deleted_at=timezone.now())

    assert ids(page(bob_client, connection)) == ["1"]
    with_gone = page(bob_client, connection, gone="on", sort="id")
    assert ids(with_gone) == ["1", "2"]
    assert "p2@x.example gone" in text(with_gone)


def test_all_that_is_asked_for_goes_on_in_links_and_into_files(bob_client: Client, connection: Connection) -> None:
    people(connection)
    asked = {"q": "bo", "columns": ["email", "phone"], "sort": "-id"}

    html = page(bob_client, connection, **asked).content.decode()
    download = re.findall(r'href="([^"]+contacts\.jsonl[^"]+)"', html)[0].replace("&amp;", "&")
    lines = body(bob_client.get(download)).splitlines()

    assert re.findall(r'<a class="sort" href="([^"]+)">ID', html) == [] and "columns=email&amp;columns=phone" in html
    assert [json.loads(line)["id"] for line in lines] == ["10", "14"]
    assert body(bob_client.get(download.replace("jsonl", "csv"))).count("\r\n") == 3


def test_a_file_of_what_is_shown_has_these_columns_alone_with_all_that_they_hold(
    bob_client: Client, connection: Connection
) -> None:
    people(connection)
    pulled(connection, [{"id": str(one), "tag": f"T{one}"} for one in range(1, 6)], key="tags")
    pulled(connection, [{"id": str(one), "contact": "14", "tag": str(one)} for one in range(1, 6)], key="contactTags")
    Record.objects.filter(external_id="14").update(text=json.dumps({"id": "14", "email": f"=1+1{'x' * 200} {ADDRESS}"}))

    html = page(bob_client, connection, q="bo", columns=["email", "tags", "cdate"], sort="id").content.decode()
    download = re.findall(r'href="([^"]+contacts\.csv[^"]+shown=on)"', html)[0]
    response = bob_client.get(download.replace("&amp;", "&"))
    table = [*csv.reader(io.StringIO(body(response).removeprefix("\ufeff")))]

    # Beside the file of all columns it is another one.
    assert response["Content-Disposition"] == 'attachment; filename="main-account-contacts-as-shown.csv"'
    assert table[:2] == [
        ["Contact", "E-mail", "Tags", "Created"],
        ["Bo Ek", "p10@x.example", "", "1 March 2025, 18:00 UTC"],
    ]
    assert table[2:] == [["bo ek", f"'=1+1{'x' * 200} {ADDRESS}", "T1, T2, T3, T4, T5", ""]]


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in PLACES for sign in ("", "-")])
def test_a_file_of_what_is_shown_has_its_rows_in_the_order_that_is_shown(
    bob_client: Client, connection: Connection, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(connection)
    monkeypatch.setattr("connections.models.record.MOST", 2)

    html = page(bob_client, connection, columns="email", sort=sort).content.decode()
    download = re.findall(r'href="([^"]+contacts\.csv[^"]+shown=on)"', html)[0].replace("&amp;", "&")
    table = [*csv.reader(io.StringIO(body(bob_client.get(download)).removeprefix("\ufeff")))]

    assert [row[1] for row in table[1:]] == [
        f"p{one}@x.example" for one in ids(page(bob_client, connection, sort=sort))
    ]


def test_who_may_not_see_a_connection_finds_no_rows(charlie_client: Client, connection: Connection) -> None:
    people(connection)

    assert page(charlie_client, connection, q="bo").status_code == 404


@pytest.mark.django_db
def test_a_database_without_trigrams_finds_beginnings(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    people(connection)
    monkeypatch.setattr(query, "finds_inside", lambda using: False)

    found = connection.records.filter(stream="contacts").sought(Sought(words="bo"))

    assert sorted(found.values_list("external_id", flat=True)) == ["10", "14"]
    assert not connection.records.sought(Sought(words="ek")).exists()
    assert len(found.first_of(Place(), 5)) == 2
