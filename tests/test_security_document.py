"""docs/security.md names tests, settings and places that there are."""

import ast
import re
from pathlib import Path

import pytest

from connections.models import Connection

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "docs" / "security.md").read_text()
README = (ROOT / "README.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+)`", SECURITY)))
TABLES = [
    line for line in SECURITY.splitlines() if line.startswith("| ") and not line.startswith(("| moment", "| what"))
]


def all_tests() -> set[str]:
    """The names of all test functions."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    return found


def test_each_test_that_is_named_exists() -> None:
    assert len(NAMED) > 50
    assert [name for name in NAMED if name not in all_tests()] == []


@pytest.mark.parametrize("line", TABLES, ids=lambda line: line.split("|")[1].strip()[:60])
def test_each_moment_and_each_threat_names_a_test(line: str) -> None:
    assert line.count(" | ") == 2
    assert re.search(r"`test_\w+`", line.rpartition(" | ")[2])


def test_each_setting_that_is_named_is_explained() -> None:
    settings = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", SECURITY))

    assert "CREDENTIAL_KEYS" in settings
    assert [name for name in settings if f"| `{name}` |" not in README] == []


def test_the_column_of_the_key_is_the_one_that_is_named() -> None:
    assert "`Connection.api_key`" in SECURITY
    assert Connection._meta.get_field("api_key").get_internal_type() == "TextField"
