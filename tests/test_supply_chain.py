"""What is not ours is pinned, named with its licence, and fetched by nothing but the set-up."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from blinkmetrics import outdated
from blinkmetrics.outdated import canonical, pins

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LICENCES = (ROOT / "docs" / "licences.md").read_text()
MAY_BE_SHIPPED = re.compile(r"MIT|BSD|Apache|PSF|MPL|ISC|LGPL")
FOREIGN_MARKS = re.compile(r"@licen[sc]e|@preserve|copyright|spdx-|all rights reserved|/\*!", re.IGNORECASE)
FETCHES = re.compile(
    r"""(?:\b(?:src|srcset|action|data)\s*=|@import|url\(|\bimport\(|fetch\()\s*["']?\s*(?:https?:)?//"""
)
LINKS = re.compile(r"""<link\b[^>]*href\s*=\s*["'](?:https?:)?//""")
PIP_WITHOUT_INDEX = {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
PYTHONS = [
    {"python_version": one.rpartition(".")[0], "python_full_version": one}
    for one in ("3.11.0", "3.12.0", "3.13.0", "3.14.0")
]
EXTRAS = ("dev", "scale", "sentry")


def needed(*extras: str, python: dict[str, str] | None = None) -> set[str]:
    """Names of all packages that the project asks for, and of those that they ask for."""
    wanted = [*PROJECT["project"]["dependencies"]]
    for extra in extras:
        wanted += PROJECT["project"]["optional-dependencies"][extra]
    todo, seen = [Requirement(one) for one in wanted], set[str]()
    while todo:
        one = todo.pop()
        if str(one) not in seen:
            seen.add(str(one))
            todo += asked_for_by(one, python or {})
    return {canonical(Requirement(one).name) for one in seen}


def asked_for_by(one: Requirement, python: dict[str, str]) -> Iterator[Requirement]:
    try:
        theirs = requires(one.name) or []
    except PackageNotFoundError:  # Wanted by another version of Python.
        return
    for requirement in map(Requirement, theirs):
        marker, requirement.marker = requirement.marker, None
        if marker is None or any(marker.evaluate({**python, "extra": extra}) for extra in {*one.extras, ""}):
            yield requirement


# Pinned ---------------------------------------------------------------------------------------------------------


def test_each_package_that_is_needed_is_pinned_to_what_is_installed() -> None:
    names = needed(*EXTRAS)

    assert len(names) > 50
    assert {name: pins().get(name) for name in names} == {name: version(name) for name in names}


def test_what_other_versions_of_python_need_is_pinned_too_and_nothing_besides() -> None:
    assert pins().keys() == set().union(*(needed(*EXTRAS, python=python) for python in PYTHONS))


def test_a_site_installs_no_more_than_it_runs() -> None:
    assert outdated.pins(ROOT / "constraints.txt").keys() == set().union(
        *(needed("scale", "sentry", python=python) for python in PYTHONS)
    )


def test_each_pin_has_hashes_and_no_address() -> None:
    """One by which any file would do, or one index alone, is none."""
    pin, marker, a_hash = r"[\w.-]+==[\w.]+", r"(?: ; [^\n\\]+)?", r" \\\n    --hash=sha256:[0-9a-f]{64}"
    for file in outdated.PINNED_IN:
        assert re.fullmatch(rf"(?:{pin}{marker}(?:{a_hash})+\n)+", file.read_text()), file.name


# Fetched by nothing but the set-up ------------------------------------------------------------------------------


def assets() -> list[Path]:
    kinds = {".html", ".css", ".js", ".svg"}
    folders = ("static", "templates", "sources", "connections")
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in kinds]


def test_no_page_style_or_script_loads_anything_from_elsewhere() -> None:
    loading = [path.name for path in assets() if FETCHES.search(path.read_text())]

    assert len(assets()) > 60
    assert loading == []


@pytest.mark.parametrize(
    "line",
    ['<script src="https://cdn.example/x.js">', "@import '//fonts.example/a.css'", "url(https://x.example/a.woff2)"],
)
def test_a_line_that_would_load_something_is_recognised(line: str) -> None:
    assert FETCHES.search(line)


def test_only_the_set_up_installs_packages() -> None:
    rules = re.split(r"\n(?=\S[^\n]*:(?!=))", (ROOT / "Makefile").read_text())
    installing = [rule.partition(":")[0] for rule in rules if re.search(r"pip install|curl|wget|apt-get -qq", rule)]

    assert installing == ["$(STAMP)", "chromium"]


# Named with its licence -----------------------------------------------------------------------------------------


def rows(heading: str) -> dict[str, str]:
    """First and last cell of the table under a heading."""
    part = LICENCES.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \|.*\| ([^|]+) \|$", part, re.MULTILINE))


def test_each_package_that_runs_in_production_has_its_licence_named() -> None:
    packages = rows("Packages that run in production")

    assert packages.keys() == needed("scale", "sentry", python=PYTHONS[0])
    assert [name for name, licence in packages.items() if not MAY_BE_SHIPPED.match(licence)] == []


def shipped_files() -> list[str]:
    found = [path for folder in ("static", "templates/icons") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in [*found, *(ROOT / "sources").rglob("*.svg")]]


@pytest.mark.parametrize("name", shipped_files())
def test_each_file_that_is_served_is_ours_or_has_its_licence_named(name: str) -> None:
    files = rows("Files in this repository")
    licence = next((licence for path, licence in files.items() if name == path or is_within(name, path)), None)

    assert licence, "docs/licences.md has no row for it"
    assert licence != "ours" or not FOREIGN_MARKS.search((ROOT / name).read_text())
    assert licence != "ours" or ".min." not in name


def is_within(name: str, folder: str) -> bool:
    return folder.endswith("/") and name.startswith(folder)


def test_files_of_others_stand_by_themselves_and_each_row_has_its_files() -> None:
    """A folder's row may say only that it is ours: a file of others is named, so that a second one is noticed."""
    for path, licence in rows("Files in this repository").items():
        assert (ROOT / path).exists(), path
        assert licence == "ours" or not path.endswith("/"), path


# What is outdated -----------------------------------------------------------------------------------------------


def run_outdated(index: str, monkeypatch: pytest.MonkeyPatch) -> subprocess.CompletedProcess[str]:
    for name, value in (PIP_WITHOUT_INDEX | {"PIP_INDEX_URL": index}).items():
        monkeypatch.setenv(name, value)
    return subprocess.run(
        [sys.executable, "-m", "blinkmetrics.outdated"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_without_an_index_nothing_is_said_to_be_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = run_outdated("http://127.0.0.1:9/simple", monkeypatch)

    assert answer.returncode == 2
    assert answer.stdout.startswith("No package index can be reached")


def test_what_the_index_has_newer_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("django", "httpx"):
        (tmp_path / name).mkdir()
    (tmp_path / "django" / "index.html").write_text('<a href="django-99.0-py3-none-any.whl">django-99.0</a>')
    (tmp_path / "httpx" / "index.html").write_text('<a href="httpx-0.1-py3-none-any.whl">httpx-0.1</a>')

    answer = run_outdated(tmp_path.as_uri(), monkeypatch)

    assert answer.returncode == 0
    assert answer.stdout.split() == ["django", pins()["django"], "99.0", *outdated.in_words(1).split()]
