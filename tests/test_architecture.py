"""The floors of docs/architecture.md: what may import what, and how large things may grow."""

import ast
import re
import tomllib
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

DRAWING = (ROOT / "docs" / "architecture.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FRAMEWORKS_OWN = {"migrations"}  # A folder, and no room: Django writes into it.
ARCHIVE = (
    *(
        "engine",
        "notice",
        "pin",
        "person_erasure",
        "missing_rows",
        "number",
        "logged",
        "record",
        "record_query",
        "stream_health",
        "bounds",
        "stream_mark",
        "row_count",
        "change",
    ),
    *("live_check", "sync", "stream_run"),
    *("shared_budget", "budget", "standby_key", "event", "check_try", "sign_in"),
    *("connection", "condition", "sealed_credentials", "pull_plan", "connection_query", "people", "schedule", "pacing"),
    *("timing", "choices", "key_canary", "upsert", "field_rules", "kept_out", "columns", "holding", "account_name"),
    *("sealed_address", "hidden_address", "addresses"),
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


def drawn() -> list[set[str]]:
    """The rooms of the first floor as docs/architecture.md draws them, the lowest floor first."""
    floors = dict(re.findall(r"^ +(\d)  ([a-z]+(?: · [a-z]+)*)$", DRAWING, re.MULTILINE))
    assert [*floors] == [str(number) for number in range(len(floors), 0, -1)]
    return [set(floors[number].split(" · ")) for number in sorted(floors)]


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(drawn(), start=1) if room in rooms)


def rooms() -> list[str]:
    return sorted({path.parent.name for path in (ROOT / "connections").glob("*/__init__.py")} - FRAMEWORKS_OWN)


def door(room: str) -> str:
    return ast.get_docstring(tree(f"connections.{room}")) or ""


def used_by(room: str) -> set[str]:
    """The other rooms whose modules or templates it uses."""
    imported = {what.split(".")[1] for _, what in arrows(f"connections.{room}") if what.startswith("connections.")}
    templates = [ROOT / "templates" / "connections" / room, ROOT / "connections" / room]
    texts = [path.read_text() for folder in templates for path in folder.rglob("*") if path.suffix in {".html", ".py"}]
    shown = {name for text in texts for name in re.findall(r"""["']connections/(\w+)/\w+\.(?:html|txt)["']""", text)}
    return (imported | shown) - {room}


def kind_of(module: str) -> int:
    """Within a room: addresses stand above views, views above forms, forms above all else."""
    name = module.rpartition(".")[2]
    kinds = (("urls",), 3), (("views",), 2), (("forms", "_form"), 1)
    rest = 2 if within(module, "connections.admin") else 0  # Its pages are Django's kind of views.
    return next((kind for ends, kind in kinds if name.endswith(ends)), rest)


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


def test_the_rooms_are_those_that_are_drawn_and_those_that_import_linter_holds_to_their_order() -> None:
    layers = next(one["layers"] for one in PROJECT["tool"]["importlinter"]["contracts"] if "containers" in one)

    assert [set(layer.split(" | ")) for layer in reversed(layers)] == drawn()
    assert {*rooms(), "urls"} == set().union(*drawn())


@pytest.mark.parametrize("room", rooms())
def test_a_room_uses_what_its_door_says_and_nothing_else(room: str) -> None:
    said = re.search(r"^May use: ([a-z, ]+)\.$", door(room), re.MULTILINE)
    assert said, f"connections/{room}/__init__.py says what the room is, and “May use: …”."
    may_use = {name for name in said[1].split(", ") if name != "nothing here"}

    assert used_by(room) == may_use
    assert [name for name in may_use if floor_of(name) >= floor_of(room)] == []


@pytest.mark.parametrize("room", rooms())
def test_the_drawing_says_of_a_room_what_its_door_says(room: str) -> None:
    sentence, _, _ = door(room).partition("\n\n")

    assert f"| `{room}` | {sentence} |" in DRAWING


def test_within_a_room_addresses_lead_to_views_views_to_forms_and_forms_to_verbs() -> None:
    inside = [(who, what) for who, what in arrows("connections") if who.split(".")[1:2] == what.split(".")[1:2]]

    assert [(who, what) for who, what in inside if who != what and kind_of(who) < kind_of(what)] == []


def test_nothing_is_handed_on_but_where_a_framework_looks() -> None:
    """An `__init__.py` holds its door, and no other module's names."""
    handing_on = {name for name, path in modules().items() if path.name == "__init__.py" and imports(name)}

    assert handing_on == {"connections.models", "connections.admin"}


def test_templates_and_tests_of_a_room_stand_in_folders_of_its_name() -> None:
    folders = {path.name for top in ("templates", "tests") for path in (ROOT / top / "connections").glob("*/")}

    assert {name for name in folders if name != "__pycache__"} <= {*rooms()}
    assert [path.name for path in (ROOT / "templates" / "connections").glob("*.*")] == []


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
    readers = {name for name, path in modules().items() if re.search(r"settings\.CREDENTIAL_KEYS\b", path.read_text())}

    assert readers == {"connections.safe.sealing"}


def test_keys_are_opened_in_one_place() -> None:
    openers = {name for name in modules() if calls(name, "unseal")}

    # Beside the keys, addresses and what was typed into an unfinished form are sealed.
    others = {"connections.access.second_factor", "connections.models.key_canary", "connections.models.sealed_address"}
    others |= {"connections.models.account_name", "connections.models.person_erasure"}
    typed = {"connections.models.connection", "connections.login.confirming", "connections.models.live_check"}
    assert openers == {"connections.models.sealed_credentials", *others, *typed}
    # What is remembered is a host, and never a key.
    assert [name for name in modules() if calls(name, "unseal_once")] == ["connections.models.sealed_address"]


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
