"""docs/security.md names tests, settings and places that there are."""

import re
from pathlib import Path

import pytest

from blinkmetrics.setting_table import SETTINGS
from connections.models import Connection

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+)`", SECURITY)))
TABLES = [
    line for line in SECURITY.splitlines() if line.startswith("| ") and not line.startswith(("| moment", "| what"))
]


def all_tests() -> set[str]:
    """The names of all test functions."""
    files = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return {name for text in files for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


def test_each_test_that_is_named_exists() -> None:
    assert len(NAMED) > 50
    assert set(NAMED) - all_tests() == set()


@pytest.mark.parametrize("line", TABLES, ids=lambda line: line.split("|")[1].strip()[:60])
def test_each_moment_and_each_threat_names_a_test(line: str) -> None:
    assert line.count(" | ") == 2
    assert re.search(r"`test_\w+`", line.rpartition(" | ")[2])


def test_each_setting_that_is_named_is_explained() -> None:
    settings = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", SECURITY))

    assert "CREDENTIAL_KEYS" in settings
    assert [name for name in settings if name not in SETTINGS] == []


def test_the_column_of_the_key_is_the_one_that_is_named() -> None:
    assert "`Connection.api_key`" in SECURITY
    assert Connection._meta.get_field("api_key").get_internal_type() == "TextField"
