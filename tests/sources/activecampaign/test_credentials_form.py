import json
from pathlib import Path

import pytest
from django.http import QueryDict

from sources.activecampaign.forms import ActiveCampaignCredentials
from sources.spec import Secret

URL = "https://acme.api-us1.com"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567"
KEYS = [json.loads(line) for line in Path(__file__).with_name("bad_keys.jsonl").read_text("utf-8").splitlines()]


def filled(*, key_required: bool = True, **typed: object) -> ActiveCampaignCredentials:
    return ActiveCampaignCredentials({"api_url": URL, "api_key": KEY, **typed}, key_required=key_required)


def codes(form: ActiveCampaignCredentials, field: str) -> list[str | None]:
    return [error.code for error in form.errors.as_data().get(field, [])]


def test_two_sound_values_become_an_address_and_a_secret() -> None:
    form = filled()

    assert form.is_valid()
    assert form.cleaned_data == {"api_url": URL, "api_key": Secret(KEY)}
    assert form.cleaning_notes == {}


@pytest.mark.parametrize("case", KEYS, ids=lambda case: f"{case['code'] or 'accepted'}: {case['why']}")
def test_each_listed_key_is_read_as_listed(case: dict) -> None:
    form = filled(api_key=case["input"])

    if case["verdict"] == "accept":
        assert form.is_valid()
        assert form.cleaned_data["api_key"].reveal() == case["normalized"]
        return
    assert codes(form, "api_key") == [case["code"]]
    typed = case["input"].strip() if isinstance(case["input"], str) else ""
    assert len(typed) < 10 or typed not in str(form.errors)


@pytest.mark.parametrize("masked", ["your-api-key", "YOUR_API_KEY_HERE", "xxxxxxxxxxxxxxxx", "<your key>"])
def test_a_stand_in_is_no_key(masked: str) -> None:
    assert codes(filled(api_key=masked), "api_key") == ["placeholder"]


def test_what_was_cleaned_is_noted_by_field() -> None:
    form = filled(api_url=f"{URL}/api/3", api_key=f" {KEY}")

    assert form.is_valid()
    assert form.cleaning_notes == {
        "api_url": "We removed /api/3 from the end.",
        "api_key": "We removed the blanks around the key.",
    }


def test_nothing_typed_is_said_of_both_fields() -> None:
    form = ActiveCampaignCredentials({})

    assert codes(form, "api_url") == ["empty"]
    assert codes(form, "api_key") == ["empty"]


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_blank_key_may_mean_to_keep_the_stored_one(blank: str | None) -> None:
    form = filled(api_key=blank, key_required=False)

    assert form.is_valid()
    assert form.cleaned_data["api_key"] is None


def test_a_field_sent_twice_is_refused() -> None:
    form = ActiveCampaignCredentials(QueryDict(f"api_url={URL}&api_url=https://b.api-us1.com&api_key={KEY}&api_key=x"))

    assert codes(form, "api_url") == ["not_text"]
    assert codes(form, "api_key") == ["not_text"]
    assert "b.api-us1.com" not in str(form)


def test_the_key_is_never_rendered_and_the_address_is() -> None:
    form = filled(api_url="https://evil.com")

    page = str(form)

    assert KEY not in page
    assert "https://evil.com" in page


def test_the_browser_is_asked_to_leave_both_fields_alone() -> None:
    page = str(ActiveCampaignCredentials())

    assert 'type="password"' in page
    assert 'autocomplete="new-password"' in page
    assert page.count('spellcheck="false"') == 2
    assert "maxlength" not in page
