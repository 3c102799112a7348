"""Seeded days on which keys die and work again, the mail server is down five times for an hour, and workers are killed.

`make bench` does the same with five hundred of them.
"""

from typing import Any

import pytest

from connections.models import User
from tests.bench.notices import replay
from tests.conftest import Connect

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", (1, 2))
def test_each_fact_is_told_once_to_each_reader(connect: Connect, dana: User, settings: Any, seed: int) -> None:
    settings.EMAIL_BACKEND = "tests.bench.notices.Post"

    day = replay(seed, [connect(), connect(privacy="private")])

    assert day.facts > 10
    assert (day.lost, day.twice) == (0, 0)
