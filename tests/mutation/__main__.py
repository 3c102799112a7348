"""Changes the code in small ways, one at a time, and reports the changes that no test notices."""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from blinkmetrics.children import say
from tests.mutation.survivors import Mutant, as_row, known, mutant_of

MUTMUT = str(Path(sys.executable).parent / "mutmut")
NOTICED = {"killed", "timeout", "segfault"}


def main(chosen: list[str]) -> int:
    """Exit code 1 when a mutant survives that docs/mutation.md does not name."""
    subprocess.run([MUTMUT, "run", "--max-children", "1", *chosen], check=True)
    results = {name: status for name, status in all_results() if status != "not checked"}
    survivors = [mutant(name) for name, status in results.items() if status not in NOTICED]
    print_score(results, survivors)
    unnamed = [one for one in survivors if one not in known()]
    if unnamed:
        say("\nNo test notices these, and docs/mutation.md names no reason:")
        say("\n".join(as_row(one, "") for one in unnamed))
    return bool(unnamed)


def all_results() -> Iterator[tuple[str, str]]:
    for line in output("results", "--all", "true").splitlines():
        name, colon, status = line.strip().partition(": ")
        if colon and "__mutmut_" in name:
            yield name, status


def mutant(name: str) -> Mutant:
    return mutant_of(name, output("show", name).splitlines())


def output(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], check=True, capture_output=True, text=True).stdout


def print_score(results: dict[str, str], survivors: list[Mutant]) -> None:
    counts: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for name, status in results.items():
        counts[name.rpartition(".x")[0]][status in NOTICED] += 1
    named = Counter(one.function.removesuffix("." + one.function.split(".")[-1]) for one in survivors if one in known())
    say("\n| module | mutants | killed | named | score |\n|---|---|---|---|---|")
    for module, count in sorted(counts.items()):
        here = sum(number for place, number in named.items() if place.startswith(module))
        say(f"| `{module}` | {count.total()} | {count[True]} | {here} | {count[True] / count.total():.0%} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
