"""Several sandbox accounts in one process: `python -m tests.bench.accounts 50 contacts=1000 rate=1`.

`changes=0.3` is how many rows come, change or go before each call. Prints the address and the key of each
on a line, and serves until its standard input is closed.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack

from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from sources.activecampaign.sandbox.stirring.stirring import ChangeKind

SINGLE: tuple[ChangeKind, ...] = ("come", "change", "go")


def main(words: Sequence[str]) -> None:
    count, options = int(words[0]), dict(word.split("=") for word in words[1:])
    changes = float(options.pop("changes", 0))
    numbers = {name: int(value) for name, value in options.items()}
    with ExitStack() as running:
        for seed in range(1, count + 1):
            chaos = Chaos(seed=seed, changes=changes, kinds=SINGLE) if changes else None
            sandbox = running.enter_context(SandboxServer(seed=seed, chaos=chaos, **numbers))
            sys.stdout.write(f"{sandbox.origin} {sandbox.api_key}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
