"""Moments name their zone, so that they are true where no script puts them into the reader's own."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
HERE = datetime(2026, 11, 24, 23, 30, tzinfo=timezone(timedelta(hours=-5)))


@pytest.mark.parametrize(("name", "kind"), [("moment", ""), ("exact_moment", " data-exact")])
def test_a_moment_stands_in_utc_and_says_so(name: str, kind: str) -> None:
    shown = Template(f"{{{{ when|{name} }}}}").render(Context({"when": HERE}))

    assert shown == f'<time{kind} datetime="2026-11-24T23:30:00-05:00">25 November 2026, 04:30 UTC</time>'


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_page_shows_a_time_without_its_zone(path: Path) -> None:
    times = path.read_text().split("<time")[1:]

    assert all("UTC</time>" in time for time in times)
