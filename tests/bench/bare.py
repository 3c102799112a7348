"""What a page costs at the least: behind the whole middleware the same queries and as many bytes, nothing between.

Settings of a site, and its urls: for `pages`, which writes down what each page asks for.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from blinkmetrics.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare"


@cache
def written() -> dict[str, Any]:
    """By path: its queries, and the length of its page."""
    return json.loads(Path(os.environ["BARE_PAGES"]).read_text())


def page(request: HttpRequest) -> HttpResponse:
    told = written().get(request.path, {"queries": [], "length": 0})
    with connection.cursor() as cursor:
        for query in told["queries"]:
            cursor.execute(query)
            cursor.fetchall()
    return HttpResponse("x" * told["length"])


urlpatterns = [re_path("", page)]
