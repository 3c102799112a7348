"""The documents say what the product has, and what they point to is there."""

import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from blinkmetrics.setting_pages import as_example, as_table
from blinkmetrics.setting_table import SETTINGS
from tests.addresses import OF_A_WORKSPACE, routes

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
ADDING = (ROOT / "docs" / "adding-a-source.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOY = ROOT / "tests" / "toy_sources" / "toy"

CONTRACT_SETTINGS = [
    "DEBUG",
    "SECRET_KEY",
    "CREDENTIAL_KEYS",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "EMAIL_URL",
    "CELERY_BROKER_URL",
    "ACTIVECAMPAIGN_HOST_SUFFIXES",
    "ACTIVECAMPAIGN_RATE",
    "ACTIVECAMPAIGN_SANDBOX_ORIGINS",
    "REDIS_URL",
    "SIGNUP_OPEN",
    "SITE_URL",
    "TRUSTED_PROXY_COUNT",
    "SECRET_KEY_FALLBACKS",
    "OPERATOR_TOKEN",
    "RATE_LIMITS",
    "SYNC_LEASE_SECONDS",
    "OUTGOING_PROXY",
    "OUTGOING_CA_FILE",
    "CSRF_TRUSTED_ORIGINS",
    "HSTS_SECONDS",
    "HSTS_SUBDOMAINS",
    "HSTS_PRELOAD",
    "CREDENTIAL_KEYS_FILE",
]
COMMANDS = [
    *("worker", "sync", "export", "verify_live", "activecampaign_sandbox", "seed_demo", "rotate_credential_keys"),
    *("doctor", "erase_person", "erased_people"),
]
TARGETS = ("run", "test", "test-scale", "lint", "format", "look", "bench", "mutate", "outdated")
ADDRESSES = [
    "/",
    "/accounts/login/",
    "/w/<w>/connections/",
    "/w/<w>/connections/add/",
    "/w/<w>/connections/add/<source>/<id>/",
    "/w/<w>/connections/add/<source>/<id>/discard/",
    "/w/<w>/connections/add/<source>/<id>/finish/",
    "/w/<w>/connections/<source>/",
    "/w/<w>/connections/<source>/<id>/",
    "/w/<w>/connections/<source>/<id>/test/",
    "/w/<w>/connections/<source>/<id>/sync/",
    "/w/<w>/connections/<source>/<id>/pause/",
    "/w/<w>/connections/<source>/<id>/delete/",
    "/w/<w>/connections/<source>/<id>/syncs/",
    "/w/<w>/connections/<source>/<id>/syncs/<n>/",
    "/w/<w>/connections/<source>/<id>/data/",
    "/w/<w>/connections/<source>/<id>/data/<stream>/",
    "/w/<w>/connections/<source>/<id>/data/<stream>.csv",
    "/w/<w>/settings/members/",
    "/w/<w>/settings/teams/",
    "/w/<w>/settings/privacy/",
    "/w/<w>/settings/activity/",
    "/api/v1/",
    "/api/v1/docs",
    "/admin/",
    "/healthz",
    "/readyz",
    "/metrics",
]
FORM_FIELDS = ("api_url", "api_key", "name", "privacy", "team", "version", "save_unverified")
SPELLINGS = {
    "<slug:number>": "<number>",
    "<slug:workspace>": "<w>",
    "<slug:source>": "<source>",
    "<uuid:pk>": "<id>",
    "<int:pk>": "<n>",
    "<int:number>": "<n>",
    "<str:stream>": "<stream>",
}


def row_of(document: str, start: str) -> str:
    """The line of a table whose first cell begins so."""
    lines = [line for line in document.splitlines() if line.startswith(f"| `{start}")]
    assert lines, f"{start} stands in no table"
    return lines[0]


def built_commands() -> set[str]:
    return {
        path.stem
        for floor in ("connections", "sources")
        for path in (ROOT / floor).glob("management/commands/[a-z]*.py")
    }


def spelt(route: str) -> str:
    for ours, theirs in SPELLINGS.items():
        route = route.replace(ours, theirs)
    return route


def is_named(address: str) -> bool:
    """In full, or shortened at the front in the row of a sibling, as in `…/resume/`."""
    if f"`{address}`" in ARCHITECTURE:
        return True
    tails = (address[place:] for place in range(1, len(address)) if address[place] == "/")
    return any(f"`…{tail}`" in line for tail in tails for line in siblings(address))


def siblings(address: str) -> list[str]:
    parent = address.rstrip("/").rpartition("/")[0]
    return [line for line in ARCHITECTURE.splitlines() if line.startswith(f"| `{parent}")]


OURS = [spelt(f"/w/<slug:workspace>/{route}") for route in OF_A_WORKSPACE.values()]


def test_the_table_of_settings_has_those_of_the_contract() -> None:
    assert set(CONTRACT_SETTINGS) <= SETTINGS.keys()


def test_documents_have_the_table_of_settings_as_it_is() -> None:
    """`make format` writes it into them."""
    assert as_table() in (ROOT / "docs" / "operating.md").read_text()
    assert (ROOT / ".env.example").read_text() == as_example()


def test_each_setting_is_read_and_none_besides() -> None:
    """`given["NAME"]` is the only way from the environment into Django's settings."""
    read = re.findall(r'\bgiven\["([A-Z_]+)"\]', (ROOT / "blinkmetrics" / "settings.py").read_text())
    asked = [path.name for path in (ROOT / "connections").rglob("*.py") if "os.environ" in path.read_text()]

    assert {*read, "CREDENTIAL_KEYS"} == SETTINGS.keys()
    assert asked == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_of_the_contract_is_named_and_what_is_missing_is_said(name: str) -> None:
    line = row_of(README, f"manage.py {name}")

    assert ("not built yet" in line) == (name not in built_commands())


def test_each_command_that_exists_is_named() -> None:
    for name in built_commands():
        assert row_of(README, f"manage.py {name}")


@pytest.mark.parametrize("target", TARGETS)
def test_each_make_target_is_named_and_exists(target: str) -> None:
    assert f"`make {target}`" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_of_the_contract_is_named(address: str) -> None:
    assert f"| `{address}`" in ARCHITECTURE


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_not_built_is_said_to_be_missing(address: str) -> None:
    built = {spelt(f"/{route}") for _, route in routes(get_resolver().url_patterns)}
    is_built = address in built or any(route.startswith(address) for route in built if len(address) > 1)

    assert ("not built yet" in row_of(ARCHITECTURE, f"{address}`")) == (not is_built)


@pytest.mark.parametrize("address", OURS)
def test_each_address_that_is_routed_is_named(address: str) -> None:
    assert is_named(address)


@pytest.mark.parametrize("field", FORM_FIELDS)
def test_each_form_field_of_the_contract_is_named(field: str) -> None:
    assert f"`{field}`" in ARCHITECTURE


def test_adding_a_source_shows_the_toys_files_as_they_are() -> None:
    shown = dict(
        re.findall(r"^`tests/toy_sources/toy/([\w.]+)`\n\n```\w+\n(.*?)^```$", ADDING, re.MULTILINE | re.DOTALL)
    )
    there = {path.name: path.read_text() for path in TOY.iterdir() if path.is_file()}

    assert shown == there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    local = [link for link in links if not link.startswith(("https://", "http://"))]

    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_that_is_named_exists(document: Path) -> None:
    paths = re.findall(
        r"`((?:blinkmetrics|connections|sources|tests|docs|templates|static)/[\w./]*)`", document.read_text()
    )

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_each_example_of_where_a_change_goes_names_the_files_to_touch() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Where does my change go\n")[2].partition("\n## ")[0]
    examples = re.split(r"^\*\*(.+?)\*\*", text, flags=re.MULTILINE)[1:]
    files = {name: re.findall(r"`[\w./]+/[\w./]*`", words) for name, words in zip(*[iter(examples)] * 2, strict=True)}

    assert [*files] == [
        *("A field on a connection", "A stream of ActiveCampaign", "The sentence of an error"),
        *("A page of a room", "A notice", "A source"),
    ]
    assert all(len(named) > 1 for named in files.values())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_keep_to_the_width_of_the_code_but_for_tables(document: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    long = [line for line in text.splitlines() if len(line) > 130 and not line.startswith("|")]

    assert long == []


def test_every_decision_says_what_would_change_it() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text()
    paragraphs = [" ".join(one.split()) for one in text.split("\n\n") if one.startswith("**")]

    assert len(paragraphs) > 15
    assert [one.split("**")[1] for one in paragraphs if "*What would change it:*" not in one] == []


def test_the_readme_says_that_it_has_not_met_a_live_account() -> None:
    assert "not yet run against a live account" in " ".join(README.split())


def test_the_demo_people_of_the_readme_are_those_that_are_made() -> None:
    made = (ROOT / "connections" / "management" / "commands" / "seed_demo.py").read_text()
    named = set(re.findall(r"^\| `([a-z]+@[a-z.]+)`", README, re.MULTILINE))

    assert named == set(re.findall(r'"([a-z]+@[a-z.]+)"', made))
