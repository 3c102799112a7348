"""The mutants that are known to survive, each with its reason, as docs/mutation.md lists them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "mutation.md"
ROW = re.compile(r"^\| `([\w.]+)` \| (`+)(.+?)\2 \| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """A function (`connections.access.access.my_place`), and what the change made of its line, in one line."""

    function: str
    line: str


def known() -> dict[Mutant, str]:
    rows = ROW.findall(DOCUMENT.read_text())
    return {Mutant(function, line.strip().replace(r"\|", "|")): why for function, _, line, why in rows}


def as_row(mutant: Mutant, why: str) -> str:
    return f"| `{mutant.function}` | `{mutant.line.replace('|', chr(92) + '|')}` | {why} |"


def mutant_of(name: str, diff: Iterable[str]) -> Mutant:
    """From what mutmut calls it (`connections.access.access.x_my_place__mutmut_8`) and its diff."""
    module, _, mangled = name.rpartition(".")
    function = mangled.partition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return Mutant(f"{module}.{function}", line_of(diff))


def line_of(diff: Iterable[str]) -> str:
    changes = [(line[0], line[1:].strip()) for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    added, removed = ([text for sign, text in changes if sign == wanted] for wanted in "+-")
    new = [text for text in added if text not in removed]  # A bracket may only have moved.
    gone = [f"without {text}" for text in removed if text not in added]
    return " ".join(" ".join(new or gone).split())
