"""The bench's own arithmetic, its baseline, and a small run; how fast things are is for `make bench` to say."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from sources.activecampaign.sandbox.server import SandboxServer
from tests.bench.__main__ import SCENARIOS, parse
from tests.bench.figures import Effort, Figure, Lap, fewest_calls, ideal_seconds, median_of, number, percentile
from tests.bench.plain import plain_walk
from tests.processes import ROOT, bare_environment


def test_the_ideal_is_a_call_at_once_the_others_at_the_limit_and_one_latency():
    assert ideal_seconds(51, rate=5, latency_ms=300) == pytest.approx(10.3)
    assert ideal_seconds(1, rate=5, latency_ms=800) == pytest.approx(0.8)


def test_the_fewest_calls_are_one_for_each_page_and_one_for_each_empty_stream():
    assert fewest_calls([5000]) == 50
    assert fewest_calls([101, 100, 0]) == 4


@pytest.mark.parametrize(("share", "expected"), [(0.99, 99), (0.5, 50), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int):
    assert percentile([*range(100, 0, -1)], share) == expected


def test_the_median_of_laps_is_told_for_each_of_their_facts():
    laps = [Lap(seconds=3, calls=50), Lap(seconds=1, calls=52), Lap(seconds=2, calls=51)]

    assert (median_of(laps, "seconds"), median_of(laps, "calls")) == (2, 51)


def test_a_row_shows_the_median_the_spread_and_whether_the_bound_is_kept():
    figure = Figure(what="A pull", measured=[12.5, 10.0, 11.25], ideal=10.0, bound=11.5, calls=51, refused=0)

    assert figure.row() == "| A pull | 10 | 11.25 s | 10-12.50 | ≤ 11.50 | ok | 51 | 0 |"


@pytest.mark.parametrize(
    ("measured", "is_least", "verdict"),
    [(2.0, False, "ok"), (2.1, False, "OVER"), (2.0, True, "ok"), (1.9, True, "OVER")],
)
def test_a_bound_is_the_most_or_the_least(measured: float, is_least: bool, verdict: str):
    assert Figure(what="", measured=[measured], bound=2.0, is_least=is_least).verdict == verdict


def test_small_numbers_are_held_to_no_bound_of_speed_but_to_losing_nothing():
    slow = Figure(what="", measured=[2.0], bound=1.0)
    lost = Figure(what="", measured=[1.0], bound=0, must_hold=True)

    assert [one.without_bound().verdict for one in (slow, lost)] == ["", "OVER"]
    assert [one.has_failed for one in (slow, lost)] == [False, True]


def test_numbers_are_short():
    assert [number(value) for value in (None, 8000.4, 51, 0.125, 12.0)] == ["", "8,000", "51", "0.12", "12"]


def test_effort_is_whole_unless_quick():
    assert (Effort().of(5000, 400), Effort(quick=True).of(5000, 400)) == (5000, 400)


def test_scenarios_are_chosen_by_name_and_all_are_run_otherwise():
    assert parse(["--only", "speed,many"]).only == ["speed", "many"]
    assert parse([]).only == list(SCENARIOS)
    assert (parse([]).laps, parse(["--quick"]).laps, parse(["--quick", "--laps", "2"]).laps) == (5, 1, 2)


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_has_a_file_that_measures(name: str):
    text = (ROOT / "tests" / "bench" / f"{name}.py").read_text()

    assert "\ndef measure(effort: Effort) -> Iterator[Figure]:\n" in text


def test_a_scenario_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as refused:
        parse(["--only", "speed,haste"])

    assert refused.value.code == 2
    assert "no haste; there are speed, many" in capsys.readouterr().err


def test_the_baseline_reads_a_still_account_whole_and_waits_when_refused(new_sandbox: Callable[..., SandboxServer]):
    sandbox = new_sandbox(contacts=250)
    sandbox.fault("contacts", kind="busy", skip=1)

    ids = list(plain_walk(sandbox.origin, sandbox.api_key, "contacts"))

    assert ids == sandbox.world.ids("contacts")
    assert sandbox.stats()["requests"] == 4
    assert sandbox.stats()["seconds"] >= 1


@pytest.mark.scale
def test_the_bench_measures_work_that_was_done():
    command = [sys.executable, "-m", "tests.bench", "--only", "storage", "--quick"]
    result = subprocess.run(command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert re.search(r"^\| 2,000 contacts, plain walk.* rows/s .*\| 21 \| 0 \|$", result.stdout, re.MULTILINE)
    assert re.search(r"^\| 2,000 contacts, into sqlite.* rows/s ", result.stdout, re.MULTILINE)
    assert result.stdout.count(" MB |") == 3
