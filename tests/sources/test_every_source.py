"""What holds for every source that the registry finds."""

from xml.etree import ElementTree

import pytest

from sources.registry import all_sources, get_source, offered_sources
from sources.spec import Source, Stream

SOURCES = list(all_sources().values())
STREAMS = [(source, stream) for source in SOURCES for stream in source.streams]

every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.key)
every_stream = pytest.mark.parametrize(("source", "stream"), STREAMS, ids=lambda one: one.key)


def test_activecampaign_is_among_them() -> None:
    assert "activecampaign" in all_sources()
    assert get_source("activecampaign") in offered_sources()


@every_source
def test_a_source_is_found_by_its_key_which_is_its_folder(source: Source) -> None:
    assert get_source(source.key) is source
    assert source.folder.name == source.key
    assert source.key.isidentifier()
    assert source.key != "add"


@every_source
def test_a_source_introduces_itself_in_one_line(source: Source) -> None:
    assert source.name.strip()
    assert source.tagline.endswith(".")
    assert "\n" not in source.tagline
    assert len(source.tagline) <= 100


@every_source
def test_a_source_brings_a_guide_and_a_logo_that_cannot_act(source: Source) -> None:
    guide = (source.folder / "guide.html").read_text("utf-8")
    logo = ElementTree.parse(source.folder / "logo.svg")

    assert guide.strip()
    assert "<script" not in guide
    assert "style=" not in guide
    assert logo.getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert not any(element.tag.endswith("script") for element in logo.iter())


@every_source
def test_a_sources_form_asks_for_an_address_and_a_key_and_hides_the_key(source: Source) -> None:
    form = source.credentials_form({"api_url": "nonsense", "api_key": "a key that is no key"})

    assert list(form.fields) == ["api_url", "api_key"]
    assert not form.is_valid()
    assert "a key that is no key" not in str(form)
    assert all(field.label for field in form.fields.values())


@every_source
def test_a_sources_form_takes_a_blank_key_only_where_one_is_stored(source: Source) -> None:
    first = source.credentials_form({"api_url": "", "api_key": " "})
    again = source.credentials_form({"api_url": "", "api_key": " "}, key_required=False)

    assert "api_key" in first.errors
    assert "api_key" not in again.errors
    assert again.cleaned_data["api_key"] is None


@every_source
def test_a_sources_form_says_each_fault_in_a_sentence_at_its_field(source: Source) -> None:
    form = source.credentials_form({"api_url": "nonsense", "api_key": ""})

    assert form.errors.keys() == {"api_url", "api_key"}
    assert all(str(sentence).endswith(".") for sentences in form.errors.values() for sentence in sentences)
    assert form.cleaning_notes == {}


@every_source
def test_a_source_says_what_an_account_bears(source: Source) -> None:
    assert 0 < source.calls_per_second() <= 1000


@every_source
def test_a_sources_streams_have_keys_and_names_of_their_own(source: Source) -> None:
    assert source.default_streams
    for facts in ([stream.key for stream in source.streams], [stream.name for stream in source.streams]):
        assert len(facts) == len(set(facts))


@every_stream
def test_a_stream_can_stand_in_an_address_and_in_a_table(source: Source, stream: Stream) -> None:
    assert source.stream(stream.key) is stream
    assert stream.key.isidentifier()
    assert not stream.path.startswith("/")
    assert stream.envelope
    assert stream.facts.row and stream.facts.good_for.endswith(".")
    assert len(stream.facts.shown_names) <= 6
    assert bool(stream.facts.shown_names) == (stream.sureness != "unverified")


@every_source
def test_numbers_name_streams_fields_and_numbers_that_there_are(source: Source) -> None:
    keys = [one.key for one in source.numbers]
    assert len(keys) == len({*keys}) == len({one.name for one in source.numbers})  # Mails say nothing but the name.

    for one in source.numbers:
        stream = source.stream(one.stream)
        assert stream is not None, one.key
        assert one.name and one.sentence.endswith("."), one.key
        assert {*one.also} <= {each.key for each in source.streams}, one.key
        counted = [
            *dict(one.where),
            *dict(one.without),
            *(each.field for each in one.breakdowns if not one.is_combined),
        ]
        counted += [one.day] if one.day else []
        assert all(field == "id" or is_filled(stream, field) for field in counted), one.key
        assert all(
            source.stream(each.of) and (not each.through or source.stream(each.through)) for each in one.breakdowns
        )
        if one.is_combined:
            assert {*one.of, *one.other} <= {*keys}, one.key
        else:
            assert {*one.of} <= {*stream.facts.names}, one.key
        assert not one.unknown or one.unknown in keys, one.key
        assert all(not ask.by or one.breakdown(ask.by) for ask in one.asks), one.key


def is_filled(stream: Stream, field: str) -> bool:
    known = stream.facts.field(field)
    return bool(known and known.fills)


@every_source
def test_numbers_are_of_streams_that_come_by_themselves_and_events_only_add_to_them(source: Source) -> None:
    usual = {stream.key for stream in source.default_streams}
    others = {one.stream for one in source.numbers} - usual

    streams = [stream for stream in source.streams if stream.key in others]
    assert all(stream.is_heavy for stream in streams)
