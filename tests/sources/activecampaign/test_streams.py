"""The table of streams: what is pulled by itself, how sure each is, and that its page in the docs says the same."""

import json
from pathlib import Path

import pytest

from sources.activecampaign.client import ActiveCampaign
from sources.activecampaign.nested import within
from sources.activecampaign.rows import answer_of
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sideloads import in_shape
from sources.activecampaign.source import source
from sources.activecampaign.streams import STREAMS
from sources.spec import Growing, Personal, Stream, text_of
from tests.sandbox_fixture import ask
from tests.sources.activecampaign.conftest import IN_THE_WORLD, pages, parents_of

PAGE = Path(__file__).parents[3] / "docs" / "streams.md"
PRIVACY = Path(__file__).parents[3] / "docs" / "privacy.md"
BY_ITSELF = {
    *("contacts", "lists", "tags", "contactTags", "contactLists", "fields", "campaigns", "messages", "automations"),
    "fieldValues",
    *("contactAutomations", "deals", "dealGroups", "dealStages", "accounts", "users", "segments", "forms", "scores"),
}

every_stream = pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.key)


def growth(growing: Growing | None) -> str:
    if growing is None:
        return ""
    orders = ", ".join(f"`{order}`" for order in growing.orders)
    return f"newest first, by {orders}" if orders else f"along `{growing.after}`"


def table() -> str:
    """The table of docs/streams.md as the facts have it."""
    lines = [
        "| stream | path | on by default | heavy | changes only | remembered | sure | evidence |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for stream in STREAMS:
        marks = ["yes" if mark else "" for mark in (stream.on_by_default, stream.is_heavy)]
        changes = f"`{stream.changed_since}`" if stream.changed_since else growth(stream.growing)
        changes = f"of new and changed `{stream.nested.parent}`" if stream.nested and stream.nested.is_told else changes
        sure = f"*{stream.sureness}*" if stream.sureness == "unverified" else stream.sureness
        remembered = ", ".join([*(["coming, going"] if stream.comes_and_goes else []), *stream.remembers])
        cells = [stream.name, f"`{stream.path}`", *marks, changes, remembered, sure, stream.evidence]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def privacy_table() -> str:
    """What docs/privacy.md says of each stream, as the facts have it."""
    lines = ["| stream | what its rows hold of people | left out | of a person who is erased |", "|---|---|---|---|"]
    for stream in STREAMS:
        personal, goes = stream.personal, []
        if personal.address:
            goes.append(f"with their address in `{'`, `'.join(personal.address)}`")
        for one in personal.belongs_to:
            if_so = f" where `{one.only_if[0]}` is {one.only_if[1]}" if one.only_if else ""
            goes.append(f"with their id of `{one.stream}` in `{one.field}`{if_so}")
        if personal.is_kept:
            words = f"`{'`, `'.join([*(one.field for one in personal.belongs_to), *personal.blanked])}` are emptied"
        else:
            words = f"goes: {'; '.join(goes)}" if goes else "their address is blanked wherever it stands"
        left_out = ", ".join(f"`{name}`" for name in personal.left_out) or "–"
        lines.append(f"| {stream.name} (`{stream.key}`) | {personal.holds or 'nothing'} | {left_out} | {words} |")
    return "\n".join(lines)


def test_the_page_on_privacy_says_of_every_stream_what_it_holds_of_people_and_what_of_that_goes() -> None:
    assert privacy_table() in PRIVACY.read_text(), privacy_table()


@pytest.mark.parametrize("stream", [one for one in STREAMS if one.personal != Personal()], ids=lambda one: one.key)
def test_what_makes_a_row_somebodys_is_a_field_that_the_account_sends(stream: Stream, sandbox: SandboxServer) -> None:
    """Where two names of one reference are known, the account has one of them at least."""
    personal, rows = stream.personal, sandbox.world.rows(IN_THE_WORLD.get(stream.key, stream.key))

    for names in ([one.field for one in personal.belongs_to], personal.address, personal.blanked):
        assert not names or any({*names} & row.keys() for row in rows), names
    assert {one.stream for one in personal.belongs_to} <= {one.key for one in STREAMS if one.personal.is_person}


def test_what_is_pulled_without_being_chosen_is_exactly_this() -> None:
    assert {stream.key for stream in source.default_streams} == BY_ITSELF


def test_what_is_remembered_is_what_people_ask_about_later() -> None:
    assert {stream.key: stream.remembers for stream in STREAMS if stream.remembers} == {
        "deals": ("stage", "status", "value", "currency", "owner"),
        "contactLists": ("status",),
        "contactAutomations": ("status",),
        "lists": ("name",),
        **dict.fromkeys(("fields", "dealGroups", "dealStages"), ("title",)),
        **dict.fromkeys(("dealCustomFieldMeta", "accountCustomFieldMeta"), ("fieldLabel",)),
    }
    told = {stream.key for stream in STREAMS if stream.is_announced}
    assert all({*stream.remembers} == {*stream.facts.label} for stream in STREAMS if stream.is_announced)
    assert told == {"lists", "fields", "dealGroups", "dealStages", "dealCustomFieldMeta", "accountCustomFieldMeta"}
    assert {stream.key for stream in STREAMS if stream.comes_and_goes} - told == {
        *("contactTags", "contactLists", "contactAutomations"),
    }


@pytest.mark.parametrize("key", ["deals", "contactLists", "contactAutomations"])
def test_what_is_remembered_of_a_row_is_in_it(key: str, sandbox: SandboxServer) -> None:
    stream = source.stream(key)

    rows = [row for row in sandbox.world.rows(key) if not row.get("isDisabled")]

    assert stream and rows
    assert all({*stream.remembers} <= row.keys() for row in rows)


def test_there_are_all_the_streams_that_a_reader_can_pull() -> None:
    not_read = {"messageActivities", "sms"}
    lists = {stream.path for stream in STREAMS if not stream.nested}

    assert len(STREAMS) == 69
    assert lists | not_read == {path for path, one in RESOURCES.items() if one.is_listed}


def test_what_stands_within_rows_of_another_stream_is_named_after_it_and_never_pulled_unasked() -> None:
    keys = [stream.key for stream in STREAMS]
    nested = [stream for stream in STREAMS if stream.nested]

    assert {stream.key for stream in nested} == {"campaignLinks", "scoreValues", "customObjectRecords"}
    for stream in nested:
        assert keys.index(stream.nested.parent) < keys.index(stream.key)
        assert "{parent}" in stream.path
        assert not stream.on_by_default


@every_stream
def test_a_stream_says_how_it_is_known(stream) -> None:
    assert stream.evidence.startswith(("[D]", "[R]", "[C]"))
    assert "§" in stream.evidence
    assert (stream.sureness in ("documented", "recorded")) == stream.evidence.startswith(("[D]", "[R]"))
    assert "|" not in stream.evidence


@every_stream
def test_what_is_heavy_or_unverified_waits_to_be_chosen(stream) -> None:
    if stream.is_heavy or stream.sureness == "unverified":
        assert not stream.on_by_default


def test_two_streams_can_be_asked_for_their_changes_and_some_only_grow() -> None:
    changes = {stream.key: stream.changed_since for stream in STREAMS if stream.changed_since}

    assert changes == {
        "contacts": "filters[updated_after]",
        "deals": "filters[updated_after]",
    }
    assert {stream.key: growth(stream.growing) for stream in STREAMS if stream.growing} == {
        "activities": "along `after`",
        "emailActivities": "newest first, by `tstamp`",
        "dealActivities": "newest first, by `id`, `cdate`",
        **dict.fromkeys(
            ("linkData", "mppLinkData", "logs", "bounceLogs", "trackingLogs"), "newest first, by `id`, `tstamp`"
        ),
    }


def fields_of(stream: Stream) -> set[str]:
    """Those that are shown, stored in a column, or needed to read these."""
    facts = stream.facts
    others = {name for one in facts.fields for name in (one.currency, one.of_field)}
    return {*facts.names, *facts.typed.label, *facts.typed.search, facts.typed.label_else, *others} - {""}


@every_stream
def test_the_sandbox_has_every_stream_with_the_columns_that_are_shown_or_stored(sandbox, stream) -> None:
    parent = next(iter(parents_of(sandbox, stream)), "")
    page = ask(sandbox, within(stream, parent).path, limit=100, **dict(stream.fixed_query)).json()
    answer = in_shape(stream, page, answer_of(page, envelope=stream.envelope))

    rows = [row for row in answer.rows.values() if row.get("isDisabled") is not True]
    assert rows
    assert all(fields_of(stream) <= row.keys() for row in rows)
    assert len(rows) == answer.count or any(row.get("isDisabled") for row in answer.rows.values())
    assert stream.nested or answer.total is not None


def test_each_custom_field_is_kept_with_its_own_options_to_the_letter(line: ActiveCampaign) -> None:
    rows = [row for page in pages(line, source.stream("fields")) for row in page.rows.values()]

    tea, birthday = (next(row for row in rows if row["title"] == title) for title in ("Favourite tea", "Birthday"))
    assert [one["label"] for one in tea["fieldOptions"]] == ["Green tea", "Black tea", "Oolong", "Herbal"]
    assert [one["id"] for one in tea["fieldOptions"]] == tea["options"]
    assert json.loads(text_of(tea)) == tea
    assert birthday["fieldOptions"] == []


def test_the_default_pull_of_the_demo_account_takes_less_than_five_minutes_at_three_calls_a_second(new_sandbox) -> None:
    world = new_sandbox(contacts=5000, deals=400).world
    fresh_rows_a_call = 95  # The other five of a page prove the seam.

    calls = sum(1 + world.count(stream.path) // fresh_rows_a_call for stream in source.default_streams)

    assert calls / 3 < 300


def test_what_goes_with_every_call_of_a_stream_goes_with_every_call(
    line: ActiveCampaign, account: SandboxServer
) -> None:
    stream = source.stream("accounts")
    assert stream
    list(pages(line, stream))

    assert all(call.query["count_deals"] == "true" for call in account.requests)


def test_the_page_in_the_docs_is_the_table() -> None:
    assert table() in PAGE.read_text(), f"\n{table()}"
