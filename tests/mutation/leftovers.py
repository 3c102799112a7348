"""Changes what mutmut leaves alone: what has a decorator, properties among it, and constants outside of functions."""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import ndiff
from itertools import islice
from pathlib import Path

import libcst as cst
from mutmut.mutation.mutators import mutation_operators, operator_number, operator_string

from tests.mutation.survivors import Mutant, line_of

ROOT = Path(__file__).parent.parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
BESIDE_THE_POINT = re.compile("|".join(SETTINGS["do_not_mutate_patterns"]))
LONGEST = 600.0  # Seconds for the tests of one change.

Replaced = tuple[cst.CSTNode, cst.CSTNode]


@dataclass(frozen=True)
class Change:
    mutant: Mutant
    source: str


def tried(files: Sequence[str]) -> Iterator[tuple[Mutant, bool]]:
    """Each change of these files (`sources/http/wire.py`), and whether a test notices it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in [*SETTINGS["source_paths"], *SETTINGS["also_copy"], "tests", "pyproject.toml"]:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder, name))
        for file in files:
            path, original = Path(folder, file), (ROOT / file).read_text()
            for change in changes(original, module=file.removesuffix(".py").replace("/", ".")):
                path.write_text(change.source)
                yield change.mutant, not passes(folder, tests=selected_for(file))
            path.write_text(original)


def selected_for(file: str) -> list[str]:
    """Tests mirror the tree; the rooms of the first floor are tested through each other."""
    selection = SETTINGS["pytest_add_cli_args_test_selection"]
    depth = 1 if file.startswith("connections/") else 2
    return [path for path in selection if Path(path).parts[1 : depth + 1] == Path(file).parts[:depth]]


def passes(folder: str, *, tests: Sequence[str]) -> bool:
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", *SETTINGS["pytest_add_cli_args"], *tests]
    try:
        return not subprocess.run(command, cwd=folder, capture_output=True, timeout=LONGEST).returncode
    except subprocess.TimeoutExpired:
        return False


def changes(source: str, *, module: str) -> Iterator[Change]:
    tree = cst.parse_module(source)
    for name, replaced in [*in_constants(tree), *in_decorated(tree, owner="")]:
        changed = tree.deep_replace(*replaced).code
        line = line_of(ndiff(source.splitlines(), changed.splitlines()))
        yield Change(Mutant(f"{module}.{name}", line), changed)


def in_decorated(tree: cst.CSTNode, *, owner: str) -> Iterator[tuple[str, Replaced]]:
    for node in tree.body if isinstance(tree, cst.Module | cst.IndentedBlock) else ():
        if isinstance(node, cst.ClassDef):
            yield from in_decorated(node.body, owner=f"{node.name.value}.")
        elif isinstance(node, cst.FunctionDef) and node.decorators:
            yield from ((f"{owner}{node.name.value}", replaced) for replaced in in_code(node.body))


def in_code(node: cst.CSTNode) -> Iterator[Replaced]:
    """As mutmut changes a function without a decorator."""
    if isinstance(node, cst.Annotation):
        return
    if isinstance(node, cst.SimpleStatementLine) and BESIDE_THE_POINT.search(cst.Module([node]).code):
        return
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from ((node, changed) for changed in operator(node))
    for child in node.children:
        yield from in_code(child)


def in_constants(tree: cst.Module) -> Iterator[tuple[str, Replaced]]:
    for line in tree.body:
        statement = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
        target = statement.targets[0].target if isinstance(statement, cst.Assign) else None
        if isinstance(statement, cst.Assign) and isinstance(target, cst.Name) and target.value.isupper():
            yield from ((target.value, replaced) for replaced in in_value(statement.value))


def in_value(node: cst.CSTNode) -> Iterator[Replaced]:
    yield from ((node, changed) for changed in without_a_row(node))
    if isinstance(node, cst.BaseNumber):
        yield from ((node, changed) for changed in operator_number(node))
    if isinstance(node, cst.BaseString):
        yield from ((node, changed) for changed in islice(operator_string(node), 1))
    # A key that is spelt otherwise is a row that is gone.
    for child in [node.value] if isinstance(node, cst.DictElement) else node.children:
        yield from in_value(child)


def without_a_row(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    if isinstance(node, cst.Tuple | cst.List | cst.Set | cst.Dict) and len(node.elements) > 1:
        for gone in node.elements:
            left = [one.with_changes(comma=cst.MaybeSentinel.DEFAULT) for one in node.elements if one is not gone]
            yield node.with_changes(elements=left)
