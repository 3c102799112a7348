"""What the content security policy refuses is in no template, and what error pages must not hold is in none of them."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

PAGES, SOURCES = settings.BASE_DIR / "templates", settings.BASE_DIR / "sources"
TEMPLATES = sorted([*PAGES.rglob("*.html"), *SOURCES.rglob("*.html")])
DRAWINGS = sorted([*PAGES.glob("icons/*.svg"), *SOURCES.glob("*/logo.svg")])
ERROR_PAGES = ["400", "403", "403_csrf", "404", "413", "429", "500"]


@pytest.mark.parametrize("path", [*TEMPLATES, *DRAWINGS], ids=lambda path: path.name)
def test_a_template_has_no_inline_style_and_no_inline_script(path: Path):
    markup = path.read_text()

    assert not re.search(r"<style|\sstyle=|javascript:|\son[a-z]+=", markup)
    assert not re.search(r"<script(?![^>]*\ssrc=)", markup)


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_a_drawing_is_hidden_from_readers_and_refers_to_nothing(path: Path):
    drawing = path.read_text()

    assert 'aria-hidden="true"' in drawing
    assert not re.search(r"href|<script|<image|<use|<title|\bid=", drawing)


@pytest.mark.parametrize("name", ERROR_PAGES)
def test_an_error_page_depends_on_nothing_of_the_request(name):
    page = get_template(f"{name}.html")
    told = {"exception": "No Connection matches", "request_path": "/w/harbour-tea/", "csp_nonce": "n0nce"}

    assert page.render(told) == page.render()
    assert not re.search(r"<script|csrfmiddlewaretoken|nonce", page.render())
