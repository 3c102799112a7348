"""Each sentence of the customer's guide is acted out by a test that exists."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "tests" / "guide.txt"
TABLE = ROOT / "docs" / "guide-coverage.md"
HEADING = "heading"


@dataclass(frozen=True)
class Row:
    sentence: str
    cell: str

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.cell)


def table() -> list[Row]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [Row(sentence=sentence, cell=cell) for sentence, cell in cells[1:]]


def left_out(guide: str, sentences: list[str]) -> str:
    """What of the guide is in none of the rows, which follow its order."""
    rest, missing = guide, ""
    for sentence in sentences:
        before, found, after = rest.partition(sentence)
        assert found, f"The guide does not say (here): {sentence}"
        rest, missing = after, missing + before
    return " ".join((missing + rest).split())


@cache
def defined_in(path: Path) -> frozenset[str]:
    return frozenset(names_in(ast.parse(path.read_text())))


def names_in(module: ast.Module) -> Iterator[str]:
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test_"):
            yield statement.name


def test_no_sentence_of_the_guide_is_left_out() -> None:
    assert left_out(GUIDE.read_text(), [row.sentence for row in table()]) == ""


def test_a_sentence_that_is_left_out_is_noticed() -> None:
    sentences = [row.sentence for row in table()]

    for number, sentence in enumerate(sentences):
        assert left_out(GUIDE.read_text(), sentences[:number] + sentences[number + 1 :]) == sentence


@pytest.mark.parametrize("row", table(), ids=lambda row: row.sentence[:40])
def test_each_sentence_is_a_heading_or_names_tests_that_exist(row: Row) -> None:
    assert row.tests or row.cell == HEADING
    for test in row.tests:
        path, _, name = test.partition("::")
        assert name in defined_in(ROOT / path), f"There is no {test}."


def test_headings_say_nothing_that_could_be_false() -> None:
    for row in table():
        assert row.tests or not row.sentence.endswith((".", "!"))
