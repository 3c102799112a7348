"""The stylesheets keep to their rules: layered, by role, with every colour in one file."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = settings.BASE_DIR / "static" / "css"
STYLESHEETS = sorted(path for path in CSS.rglob("*.css") if path.name != "components.css")
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch|oklab|lab|lch)\(", re.IGNORECASE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def rules_of(path: Path) -> str:
    return COMMENT.sub("", path.read_text())


def layer_of(path: Path) -> str:
    return path.stem if path.parent == CSS else path.parent.name


def test_there_are_five_layers_in_five_files():
    assert sorted(path.stem for path in CSS.glob("*.css")) == ["base", "components", "pages", "print", "tokens"]
    assert "@layer tokens, base, components, pages, print;" in rules_of(CSS / "tokens.css")


def test_each_component_has_a_file_and_is_taken_in():
    taken_in = re.findall(r'@import url\("components/([\w-]+)\.css"\);', rules_of(CSS / "components.css"))

    assert sorted(taken_in) == sorted(path.stem for path in (CSS / "components").iterdir())


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.stem)
def test_a_stylesheet_needs_no_force_and_no_ids(path):
    rules = rules_of(path)

    assert "!important" not in rules
    assert not re.search(r"(?m)^\s*[^{};:]*#[a-z][\w-]*[^;]*\{", rules)
    assert f"@layer {layer_of(path)} {{" in rules


@pytest.mark.parametrize("path", [path for path in STYLESHEETS if path.stem != "tokens"], ids=lambda path: path.stem)
def test_colours_stand_in_the_tokens_alone(path):
    assert COLOUR.findall(rules_of(path)) == []


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.stem)
def test_every_token_that_is_used_exists(path):
    defined = set(re.findall(r"(--[\w-]+):", rules_of(CSS / "tokens.css")))

    assert set(re.findall(r"var\((--[\w-]+)", rules_of(path))) <= defined


def test_every_token_is_used():
    rules = "".join(map(rules_of, STYLESHEETS))
    defined = set(re.findall(r"(--[\w-]+):", rules))

    assert defined <= set(re.findall(r"var\((--[\w-]+)", rules))


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ["canvas", "surface", "surface-sunken", "surface-raised"]
READ_ON = [
    *[(ink, ground) for ink in ["ink", "ink-muted", "accent", "accent-strong", "bad"] for ground in GROUNDS],
    *[(mood, f"{mood}-wash") for mood in ["good", "busy", "wait", "bad", "still", "accent"]],
    *[(ink, f"{mood}-wash") for ink in ["ink", "ink-muted"] for mood in ["good", "busy", "wait", "bad", "accent"]],
    *[("on-accent", fill) for fill in ["accent-fill", "accent-fill-strong"]],
    *[("on-bad", fill) for fill in ["bad-fill", "bad-fill-strong"]],
    *[(ink, "hover") for ink in ["ink", "ink-muted", "accent-strong"]],
]
SEEN_ON = [(mark, ground) for mark in ["line-strong", "focus"] for ground in GROUNDS]


def schemes_of(token: str) -> list[str]:
    tokens = rules_of(CSS / "tokens.css")
    found = re.search(rf"--{token}: light-dark\((#\w{{6}}), (#\w{{6}})\);", tokens)
    assert found, token
    return list(found.groups())


@pytest.mark.parametrize(("ink", "ground"), READ_ON)
def test_words_can_be_read_in_both_schemes(ink, ground):
    for above, below in zip(schemes_of(ink), schemes_of(ground), strict=True):
        assert contrast(above, below) >= 4.5


@pytest.mark.parametrize(("mark", "ground"), SEEN_ON)
def test_edges_of_controls_can_be_seen_in_both_schemes(mark, ground):
    for above, below in zip(schemes_of(mark), schemes_of(ground), strict=True):
        assert contrast(above, below) >= 3
