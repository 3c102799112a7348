"""How sources are found."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sources.registry import all_sources, get_source, offered_sources


@pytest.fixture(autouse=True)
def _found_anew() -> Iterator[None]:
    all_sources.cache_clear()
    yield
    all_sources.cache_clear()


def put_source(folder: Path, key: str, *, name: str) -> None:
    (folder / key).mkdir(parents=True)
    text = f"""
        from dataclasses import replace
        from pathlib import Path

        from tests.toy_sources.toy.source import source as toy

        source = replace(toy, key="{key}", name="{name}", folder=Path(__file__).parent)
    """
    (folder / key / "source.py").write_text(dedent(text))


@pytest.fixture
def annex(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package of sources beside the others."""
    name = f"annex_{tmp_path.name.replace('-', '_')}"
    monkeypatch.syspath_prepend(tmp_path)
    settings.SOURCE_PACKAGES = [*settings.SOURCE_PACKAGES, name]
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_a_folder_with_a_source_in_it_is_found_by_being_there(annex: Path) -> None:
    put_source(annex, "kites", name="Kites")

    assert all_sources()["kites"].name == "Kites"
    assert all_sources()["kites"].folder == annex / "kites"


def test_a_folder_without_a_source_is_no_source(annex: Path) -> None:
    (annex / "drafts").mkdir()
    (annex / "drafts" / "notes.py").write_text("")

    assert set(all_sources()) == {"activecampaign", "toy"}


def test_sources_come_in_the_order_of_their_names_whatever_their_capitals(annex: Path) -> None:
    put_source(annex, "b_source", name="abacus")
    put_source(annex, "a_source", name="Zither")

    assert list(all_sources()) == ["b_source", "activecampaign", "toy", "a_source"]


def test_an_unknown_key_is_no_source() -> None:
    assert get_source("add") is None


def test_a_source_that_is_switched_off_is_known_and_not_offered(settings: Any) -> None:
    settings.SOURCES_SWITCHED_OFF = ["toy"]

    assert get_source("toy") is not None
    assert [source.key for source in offered_sources()] == ["activecampaign"]
