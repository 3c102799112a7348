"""docs/mutation.md names survivors as `make mutate` finds them, each of a function that there is."""

import tomllib
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from tests.mutation.leftovers import changes, selected_for
from tests.mutation.survivors import Mutant, as_row, known, line_of, mutant_of

ROOT = Path(__file__).parent.parent.parent
MUTMUT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]


def test_a_mutant_is_known_by_its_function_and_its_line() -> None:
    diff = ["--- a.py", "+++ a.py", " def f(x):", "-    if x  >  1:", "+    if x >= 1:"]

    assert mutant_of("connections.access.access.x_my_place__mutmut_8", diff) == Mutant(
        "connections.access.access.my_place", "if x >= 1:"
    )
    assert (
        mutant_of("sources.http.guard.xǁGuardǁ_may_go__mutmut_1", diff).function == "sources.http.guard.Guard._may_go"
    )


def test_a_line_that_only_goes_away_is_named_too() -> None:
    assert line_of(["-    count=1,", "-    since=2,"]) == "without count=1, without since=2,"
    assert line_of(["-    count=1,", "-    )", "+        )"]) == "without count=1,"


def test_a_row_of_the_document_is_read_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mutants = [Mutant("a.b.c", "x = y | z"), Mutant("a.b.D.__init__", 'x = "|"')]
    document = tmp_path / "mutation.md"
    document.write_text("# Title\n\n" + "\n".join(as_row(one, "It is the same.") for one in mutants) + "\n")
    monkeypatch.setattr("tests.mutation.survivors.DOCUMENT", document)

    assert known() == dict.fromkeys(mutants, "It is the same.")


SOURCE = """\
A = 1
B = ("x", 2.5)
C = {"k": frozenset({b"v", b"w"})}
lower = 3


class D:
    @property
    def e(self) -> int:
        return self.f + 4

    def f(self) -> int:
        return 9
"""


def test_what_has_a_decorator_and_constants_are_changed_one_at_a_time_and_nothing_else() -> None:
    found = {(one.mutant.function, one.mutant.line): one.source for one in changes(SOURCE, module="m")}

    assert {*found} == {
        ("m.A", "A = 2"),
        ("m.B", "B = (2.5,)"),
        ("m.B", 'B = ("x",)'),
        ("m.B", 'B = ("XXxXX", 2.5)'),
        ("m.B", 'B = ("x", 3.5)'),
        ("m.C", 'C = {"k": frozenset({b"w"})}'),
        ("m.C", 'C = {"k": frozenset({b"v"})}'),
        ("m.C", 'C = {"k": frozenset({b"XXvXX", b"w"})}'),
        ("m.C", 'C = {"k": frozenset({b"v", b"XXwXX"})}'),
        ("m.D.e", "return self.f - 4"),
        ("m.D.e", "return self.f + 5"),
    }
    assert found["m.A", "A = 2"] == SOURCE.replace("A = 1", "A = 2")
    assert found["m.D.e", "return self.f - 4"] == SOURCE.replace("self.f + 4", "self.f - 4")


@pytest.mark.parametrize("mutant", known(), ids=lambda mutant: f"{mutant.function}: {mutant.line}"[:80])
def test_each_survivor_is_of_a_function_that_there_is(mutant: Mutant) -> None:
    modules = [path.removesuffix(".py").replace("/", ".") for path in MUTMUT["only_mutate"]]
    module = next(name for name in modules if mutant.function.startswith(f"{name}."))

    names = mutant.function.removeprefix(f"{module}.").split(".")

    reduce(getattr, names, import_module(module))  # Raises AttributeError where one is gone.


@pytest.mark.parametrize("path", MUTMUT["only_mutate"])
def test_each_file_has_tests_that_are_asked(path: str) -> None:
    assert len(selected_for(path)) > 1


@pytest.mark.parametrize("path", [*MUTMUT["only_mutate"], *MUTMUT["also_copy"]])
def test_what_is_mutated_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", MUTMUT["pytest_add_cli_args_test_selection"])
def test_the_tests_that_are_asked_are_there(path: str) -> None:
    assert (ROOT / path).is_file()
