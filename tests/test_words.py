"""The words that customers read are those of docs/words.md, and those that left it are nowhere any more."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sources.registry import all_sources

ROOT = Path(__file__).parent.parent
WORDS = ROOT / "docs" / "words.md"
PROSE = ("README.md", "docs/changelog.md", "docs/guide-coverage.md")
# Those who run the site read these, and may be told of streams and records.
FOR_OPERATORS = ("management", "operating", "admin", "migrations")
NOT_READ = ("upsert.py", "record.py", "__init__.py")  # Statements, and names of classes.
TAGS = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}|<[^>]*>", re.DOTALL)
READ_OUT = re.compile(r"""(?:aria-label|title|placeholder|data-busy-text|data-says)="([^"]*)\"""")
CODE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", re.DOTALL)


def those_that_left() -> list[str]:
    rows = [line.split("|") for line in WORDS.read_text().splitlines() if line.startswith("| ")]
    return [word.strip() for row in rows[1:] for word in row[2].split("·") if word.strip(" –")]


def test_words_that_left_are_read_by_nobody() -> None:
    left = those_that_left()
    assert len(left) > 20
    found = [
        f"{place}: {word}"
        for place, text in texts()
        for word in left
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, 0 if word[0].isupper() else re.IGNORECASE)
    ]
    assert found == [], "\n".join(found)


def test_kinds_of_data_are_called_as_the_words_say() -> None:
    called = {stream.name for source in all_sources().values() for stream in source.streams}
    assert called & {*those_that_left()} == set()
    assert {"Contact tags", "Contact lists", "Contact automations", "Pipeline users"} <= called


def texts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.[ht]*")):
        if "admin" not in path.parts:
            source = path.read_text()
            spoken = "\n".join(READ_OUT.findall(source))
            yield str(path.relative_to(ROOT)), TAGS.sub("\n", source) + "\n" + TAGS.sub(" ", spoken)
    for path in sorted((ROOT / "connections").rglob("*.py")):
        if path.name not in NOT_READ and not {*FOR_OPERATORS}.intersection(path.parts):
            yield str(path.relative_to(ROOT)), "\n".join(said_in(ast.parse(path.read_text())))
    for name in PROSE:
        yield name, CODE.sub("", (ROOT / name).read_text())


def said_in(module: ast.Module) -> Iterator[str]:
    """Texts of more than one word, or that begin like one that is read; without documentation and what is logged."""
    silent = {id(one) for node in ast.walk(module) for one in silent_in(node)}
    for node in ast.walk(module):
        value = node.value if isinstance(node, ast.Constant) and id(node) not in silent else None
        if isinstance(value, str) and (" " in value.strip() or value[:1].isupper()):
            yield value


def silent_in(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_silent(node.func):
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from ast.walk(argument)


def is_silent(called: ast.Attribute) -> bool:
    return isinstance(called.value, ast.Name) and called.value.id in ("log", "logger", "models")
