"""An export is what the account sent, byte for byte: the same on every database. `test_postgresql` runs this, too."""

import io
import json
import os
import random

import pytest
from django.core.management import call_command

from connections.models import Record
from sources.activecampaign.rows import answer_of
from sources.activecampaign.streams import STREAMS
from sources.http.exact import read
from tests.conftest import Connect
from tests.storing import store_page

pytestmark = pytest.mark.django_db

ORIGIN = "https://harbourtea.api-us1.com"
TAGS = next(stream for stream in STREAMS if stream.key == "tags")
ROWS = int(os.environ.get("EXACT_ROWS", "400"))
VALUES = [
    *("1e308", "-0.0", "1.10", "1E5", "0.1e-7", "9223372036854775807", "-9223372036854775808", "18446744073709551616"),
    *("null", "true", '""', '"1.10"', r'"é\u00e9\u0301"', r'"a\/b"', r'"\ud83d\ude00"', '"\U0001f600"', r'"tab\there"'),
    *("[]", "{}", "[[[[[[[[1.50]]]]]]]]", '{"z":1,"a":{"z":2,"a":[3.0]}}', '{"":""}'),
]


def texts(seed: int, origin: str) -> list[str]:
    """Rows as a server may write them: keys in any order, numbers in any spelling, the account's address in links."""
    dice, rows = random.Random(seed), []
    for number in range(1, ROWS + 1):
        facts = [f'"key{dice.randrange(40)}{place}":{dice.choice(VALUES)}' for place in range(dice.randrange(1, 9))]
        link = origin.replace("/", r"\/") if number % 2 else origin
        named = [*facts[1:], f'"id":"{number}"', *facts[:1], f'"links":{{"a":"{link}/x"}}']
        rows.append(f"{{{','.join(named)}}}")
    return rows


def test_an_export_is_byte_for_byte_what_the_account_sent(connect: Connect) -> None:
    connection = connect(api_url=ORIGIN)
    rows = texts(7, ORIGIN)
    for first in range(0, ROWS, 100):
        answer = f'{{"tags": [ {" , ".join(rows[first : first + 100])} ], "meta": {{"total": "{ROWS}"}}}}'
        page = answer_of(read(answer), envelope="tags").rows
        store_page(connection.holding, TAGS, page, address=ORIGIN)

    output = io.StringIO()
    call_command("export", str(connection.pk), "tags", stdout=output)

    assert output.getvalue() == "".join(f"{row}\n" for row in rows)
    assert "harbourtea" not in str([*Record.objects.values_list("text", flat=True)[:100]])
    assert all(json.loads(line) for line in output.getvalue().splitlines())
