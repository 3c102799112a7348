"""What the worker does in pieces beside its syncs."""

import pytest

from connections.models import Holding
from connections.operating import pieces
from connections.operating.pieces import InPieces
from connections.syncing.working import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_worker_erases_what_nobody_holds() -> None:
    Holding.objects.create()
    Holding.objects.create()

    Worker().look()

    assert not Holding.objects.exists()


def test_looks_that_find_nothing_are_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    monkeypatch.setattr(pieces, "erase_a_piece", lambda: looks.append("erase") or 0)
    work = InPieces()

    for _ in range(5):
        work.look()

    assert looks == ["erase"]
