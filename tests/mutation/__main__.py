"""Changes the code in small ways, one at a time, and reports the changes that no test notices."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from blinkmetrics.children import say
from tests.mutation import leftovers
from tests.mutation.survivors import Mutant, as_row, known, mutant_of

MUTMUT = str(Path(sys.executable).parent / "mutmut")
NOTICED = {"killed", "timeout", "segfault"}


def main(chosen: list[str]) -> int:
    """Exit code 1 when a mutant survives that docs/mutation.md does not name."""
    subprocess.run([MUTMUT, "run", "--max-children", "1", *chosen], check=True)
    results = {name: status in NOTICED for name, status in all_results() if status != "not checked"}
    survivors = {name: mutant(name) for name, is_noticed in results.items() if not is_noticed}
    for number, (one, is_noticed) in enumerate(leftovers.tried(modules(chosen))):
        results[f"{one.function}{number}"] = is_noticed
        if not is_noticed:
            survivors[f"{one.function}{number}"] = one
    say("\n".join(score(results, survivors)))
    unnamed = [one for one in survivors.values() if one not in known()]
    if unnamed:
        say("\nNo test notices these, and docs/mutation.md names no reason:")
        say("\n".join(as_row(one, "") for one in unnamed))
    return bool(unnamed)


def modules(chosen: list[str]) -> list[str]:
    """Files whose leftovers are changed, too."""
    files = leftovers.SETTINGS["only_mutate"]
    names = {path: path.removesuffix(".py").replace("/", ".") for path in files}
    return [path for path in files if not chosen or any(fnmatch(names[path], pattern) for pattern in chosen)]


def all_results() -> Iterator[tuple[str, str]]:
    for line in output("results", "--all", "true").splitlines():
        name, colon, status = line.strip().partition(": ")
        if colon and "__mutmut_" in name:
            yield name, status


def mutant(name: str) -> Mutant:
    return mutant_of(name, output("show", name).splitlines())


def output(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], check=True, capture_output=True, text=True).stdout


def score(results: Iterable[str], survivors: dict[str, Mutant]) -> Iterator[str]:
    """A table of the modules: mutants, killed, surviving with a reason, and the part of all that is killed."""
    total = Counter(map(module_of, results))
    alive = Counter(map(module_of, survivors))
    named = Counter(module_of(name) for name, one in survivors.items() if one in known())
    yield "\n| module | mutants | killed | survive, with a reason | score |\n|---|---|---|---|---|"
    for module, count in sorted(total.items()):
        killed = count - alive[module]
        yield f"| `{module}` | {count} | {killed} | {named[module]} | {killed / count:.1%} |"
    killed = total.total() - alive.total()
    yield f"| all | {total.total()} | {killed} | {named.total()} | {killed / max(1, total.total()):.1%} |"


def module_of(name: str) -> str:
    """`connections.access.access` of `connections.access.access.x_my_place__mutmut_8`."""
    return name.rpartition(".")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
