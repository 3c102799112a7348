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
