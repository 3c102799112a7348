"""The engine on PostgreSQL: some of the same tests, on a server of their own. `make test-scale` runs all of them."""

import os
import subprocess
import sys

from tests.postgresql_fixture import PostgreSQL, postgresql
from tests.processes import ROOT

__all__ = ["postgresql"]

HERE = "tests/connections"
SAMPLE = [
    f"{HERE}/on_postgresql.py",
    f"{HERE}/operating/rotation_on_postgresql.py",
    *(f"{HERE}/models/{name}.py" for name in ("test_budget", "test_records")),
    f"{HERE}/models/test_row_counts.py::test_rows_that_come_stay_change_and_go_are_counted_as_they_do",
    f"{HERE}/figures/test_figures.py::test_numbers_are_what_the_account_has_in_each_zone_also_after_the_past_has_changed",
    f"{HERE}/numbers/test_numbers.py::test_marks_tell_of_campaigns_and_of_another_key",
    f"{HERE}/management/test_exact_export.py",
    f"{HERE}/syncing/test_bounds.py::test_two_workers_at_once_do_not_fill_the_same_room",
    f"{HERE}/syncing/test_sync_stops.py::test_a_sync_stops_at_the_next_page_and_stores_nothing_after[stop]",
    f"{HERE}/syncing/test_sync_stops.py::test_a_sync_taken_over_by_another_worker_resumes_and_repeats_only_what_was_under_way",
    f"{HERE}/syncing/test_health_of_streams.py::test_the_worker_notices_without_any_sync_and_tells_one_mail_of_all_that_is_late[keep_house]",
    f"{HERE}/checking/test_taking_over.py::test_two_workers_at_once_let_it_take_over_once",
    f"{HERE}/keeping/test_replace_everywhere.py::test_two_people_who_begin_at_different_ends_leave_one_key_everywhere",
    f"{HERE}/checking/test_delivering.py::test_of_several_workers_one_sends_each",
    f"{HERE}/operating/test_missing_worker.py::test_of_many_processes_that_notice_at_once_one_tells",
    f"{HERE}/checking/test_trying.py::test_of_twenty_at_once_in_as_many_processes_no_more_are_counted_than_are_allowed",
    f"{HERE}/people/test_leaving_at_once.py",
]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]


def test_the_engine_keeps_its_promises_on_postgresql(postgresql: PostgreSQL) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["DATABASE_URL"] = postgresql.url

    tests = subprocess.run([*PYTEST, *SAMPLE], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert tests.returncode == 0, tests.stdout + tests.stderr
