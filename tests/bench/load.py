"""`python -m tests.bench.load`: asks a site for pages from several places at once, and prints how long each took.

A process of its own, so that what it costs itself can be told from what the site costs.
"""

import argparse
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import count


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load")
    parser.add_argument("port", type=int)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="requests a second; without it as many as the site bears"
    )
    options = parser.parse_args()
    begun = time.monotonic()
    places = [
        Place(options.port, options.paths, dict(one.split(": ", 1) for one in options.header))
        for _ in range(options.at_once)
    ]
    turns = turns_at(options.rate, begun=begun, until=begun + options.seconds)
    threads = [threading.Thread(target=place.ask_on, args=(turns,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = {
        "seconds": time.monotonic() - begun,
        "own_seconds": time.process_time(),
        "waits": [wait for place in places for wait in place.waits],
        "failures": [failure for place in places for failure in place.failures][:5],
    }
    sys.stdout.write(json.dumps(said))


class Turns:
    """Numbers of requests and their moments, shared by all places."""

    def __init__(self, moments: Iterator[tuple[int, float]], until: float) -> None:
        self._moments, self._until, self._lock = moments, until, threading.Lock()

    def take(self) -> tuple[int, float] | None:
        with self._lock:
            number, moment = next(self._moments)
        return None if max(moment, time.monotonic()) >= self._until else (number, moment)


def turns_at(rate: float, *, begun: float, until: float) -> Turns:
    return Turns(((number, begun + number / rate if rate else 0.0) for number in count()), until)


class Place:
    """A browser that keeps its connection. A wait counts from the moment at which the page was wanted."""

    def __init__(self, port: int, paths: Sequence[str], headers: dict[str, str]) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._paths, self._headers = paths, headers
        self.waits: list[float] = []
        self.failures: list[str] = []

    def ask_on(self, turns: Turns) -> None:
        while turn := turns.take():
            number, wanted_at = turn
            time.sleep(max(0.0, wanted_at - time.monotonic()))
            begun = wanted_at or time.monotonic()
            self.ask(self._paths[number % len(self._paths)])
            self.waits.append(time.monotonic() - begun)

    def ask(self, path: str) -> None:
        try:
            self._line.request("GET", path, headers=self._headers)
            answer = self._line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):  # The server hung up on a connection that was kept: once more.
            self._line.close()
            self._line.request("GET", path, headers=self._headers)
            answer = self._line.getresponse()
            answer.read()
        if answer.status != 200:
            self.failures.append(f"{path}: {answer.status}")


if __name__ == "__main__":
    main()
