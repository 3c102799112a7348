"""The same contact, told in another way, is the same; another contact is not."""

import pytest

from sources.activecampaign.recognising import is_same

STORED = {"id": "7", "email": "zoe@example.com", "cdate": "2024-03-01T00:00:00-05:00"}


@pytest.mark.parametrize(
    "told",
    [
        {"id": 7},
        {"email": "Zoe@Example.COM"},
        {"cdate": "2024-03-01T05:00:00+00:00"},
        {"cdate": "2024-03-01T05:00:00Z"},
        {"id": 7, "email": "ZOE@example.com", "cdate": "2024-02-29T23:00:00-06:00"},
    ],
)
def test_a_contact_is_recognised_in_whichever_way_it_is_told(told: dict[str, object]) -> None:
    assert is_same(STORED, {**STORED, **told})


@pytest.mark.parametrize(
    "told",
    [
        {"email": "zoe@example.org"},
        {"cdate": "2024-03-01T00:00:00+00:00"},
        {"cdate": "2024-03-01T05:00:00"},
        {"cdate": "0000-00-00 00:00:00"},
        {"cdate": None},
    ],
)
def test_another_contact_is_not(told: dict[str, object]) -> None:
    assert not is_same(STORED, {**STORED, **told})
