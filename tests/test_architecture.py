"""The floors of docs/architecture.md: what may import what, and how large things may grow."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("blinkmetrics", "connections", "sources")  # The roof first.
DOOR_TO_SOURCES = {"sources.spec", "sources.errors", "sources.registry"}
FOREIGN_TO_SOURCES = ("django.db", "django.http", "django.contrib", "django.urls", "django.shortcuts", "allauth")
LONGEST_FILE = 400  # Lines.
LONGEST_FUNCTION = 60

# The rooms of the first floor, the highest first. A room's modules import their own room and what is below it.
ROOMS = (
    ("urls", "apps", "templatetags"),
    ("admin", "stepper", "management"),
    (
        "syncing",
        "keeping",
        *("listing", "people", "data"),
    ),
    (
        "login",
        "operating",
        "frame",
    ),
    (
        "checking",
        "forms",
        "access",
    ),
    ("models",),
    ("safe",),
)
ARCHIVE = (
    *("record", "row_count", "stream_mark", "sighting", "sync", "shared_budget", "budget"),
    *("standby_key", "event", "check_try", "sign_in"),
    *("connection", "sealed_credentials", "pull_plan", "connection_query", "people", "schedule", "pacing", "timing"),
    *("choices", "key_canary", "upsert"),
)


@cache
def modules() -> dict[str, Path]:
    found = {}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if ".migrations" not in name:
                found[name] = path
    return found


def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text())


@cache
def imports(name: str) -> frozenset[str]:
    """All that a module imports, wherever in it; of our own modules the module itself."""
    imported = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: imports are absolute"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            imported.update(one if one in modules() else str(node.module) for one in whole)
    return frozenset(imported)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def arrows(*packages: str) -> Iterator[tuple[str, str]]:
    """Each import from within the packages, as (who, what)."""
    for name in modules():
        if within(name, *packages):
            yield from ((name, imported) for imported in sorted(imports(name)))


def flats() -> list[str]:
    return [f"sources.{path.parent.name}" for path in sorted((ROOT / "sources").glob("*/source.py"))]


def rank(module: str, order: tuple[tuple[str, ...], ...]) -> int:
    """The place of a module's room, counted from the top."""
    room = next((place for place, names in enumerate(order) if module.split(".")[1] in names), None)
    assert room is not None, f"{module} stands in no room: give it one here and in docs/architecture.md"
    return room


def test_the_ground_floor_knows_nothing_above_it() -> None:
    wrong = [arrow for arrow in arrows("sources") if within(arrow[1], "connections", "blinkmetrics", "tests")]

    assert wrong == []


def test_the_ground_floor_has_no_rows_no_users_and_no_requests() -> None:
    wrong = [arrow for arrow in arrows("sources") if within(arrow[1], *FOREIGN_TO_SOURCES)]

    assert wrong == []


def test_the_first_floor_enters_the_ground_floor_by_three_doors() -> None:
    wrong = [
        arrow for arrow in arrows("connections") if within(arrow[1], "sources") and arrow[1] not in DOOR_TO_SOURCES
    ]

    assert wrong == []


def test_the_first_floor_knows_nothing_of_the_roof() -> None:
    assert [arrow for arrow in arrows("connections") if within(arrow[1], "blinkmetrics", "tests")] == []


def test_no_flat_imports_another() -> None:
    assert flats()
    wrong = [
        arrow
        for flat in flats()
        for arrow in arrows(flat)
        if within(arrow[1], *flats(), "sources.registry") and not within(arrow[1], flat)
    ]

    assert wrong == []


def test_what_all_flats_share_knows_none_of_them() -> None:
    ground = [name for name in modules() if within(name, "sources")]
    shared = [name for name in ground if not within(name, *flats(), "sources.management")]
    assert "sources.spec" in shared

    assert [(who, what) for who in shared for what in imports(who) if within(what, *flats())] == []
    assert [what for what in imports("sources.errors") if within(what, *FLOORS)] == []


def test_arrows_between_the_rooms_of_the_first_floor_point_down() -> None:
    inside = [arrow for arrow in arrows("connections") if within(arrow[1], "connections") and "." in arrow[0]]

    wrong = [(who, what) for who, what in inside if "." in what and rank(who, ROOMS) > rank(what, ROOMS)]

    assert wrong == []


def test_arrows_within_the_archive_point_down() -> None:
    order = {f"connections.models.{name}": place for place, name in enumerate(ARCHIVE)}
    assert order.keys() == {name for name in modules() if name.startswith("connections.models.")}

    wrong = [
        (who, what) for who, what in arrows(*order) if within(what, "connections.models") and order[who] >= order[what]
    ]

    assert wrong == []


def test_no_imports_go_in_circles_however_hidden() -> None:
    graph = {name: {what for what in imports(name) if what in modules() and what != name} for name in modules()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" > ".join(circle.args[1]))


def test_imports_stand_at_the_top_of_their_module() -> None:
    hidden = [
        f"{name}:{node.lineno}"
        for name in modules()
        for place in tree(name).body
        if isinstance(place, ast.FunctionDef | ast.ClassDef | ast.If | ast.Try)
        for node in ast.walk(place)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert hidden == []


def views() -> list[str]:
    return [name for name in modules() if within(name, "connections") and name.endswith("views")]


@pytest.mark.parametrize("name", views())
def test_a_view_fetches_no_rows_by_itself(name: str) -> None:
    lines = modules()[name].read_text().splitlines()

    assert [line.strip() for line in lines if re.search(r"\.objects\b", line)] == []


def test_only_sealing_and_the_settings_know_the_credential_keys() -> None:
    readers = {name for name, path in modules().items() if "settings.CREDENTIAL_KEYS" in path.read_text()}

    assert readers == {"connections.safe.sealing"}


def test_keys_are_opened_in_one_place() -> None:
    openers = {name for name in modules() if calls(name, "unseal")}

    # Beside the keys, what was typed into an unfinished form is sealed: names and addresses, never a key.
    others = {"connections.access.second_factor", "connections.models.key_canary"}
    typed = {"connections.models.connection", "connections.login.confirming"}
    assert openers == {"connections.models.sealed_credentials", *others, *typed}


def calls(name: str, function: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
        for node in ast.walk(tree(name))
    )


def test_every_module_says_in_one_line_what_lives_in_it() -> None:
    silent = [
        name for name, path in modules().items() if path.read_text().strip() and not ast.get_docstring(tree(name))
    ]

    assert silent == []


def test_no_file_outgrows_the_eye() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_outgrows_the_screen() -> None:
    long = {
        f"{name}.{node.name}": length
        for name in modules()
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef) and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }

    assert long == {}


def test_the_project_has_no_top_level_folder_without_a_reason() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}

    assert folders == set(FLOORS)
