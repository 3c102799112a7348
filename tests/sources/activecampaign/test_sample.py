"""The sample account: it answers as an account does, without any network, and nobody else gets in by its address."""

import socket
from datetime import date

import pytest

from sources.activecampaign.sample import is_sample, sample_credentials
from sources.activecampaign.source import source
from sources.errors import BadCredentials
from sources.http.throttle import LocalBudget
from sources.spec import Credentials, Secret, Wanted

DAY = date(2027, 3, 14)


@pytest.fixture(autouse=True)
def _without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("A sample account is on no network.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_its_rows_come_as_an_accounts_and_end_on_its_day() -> None:
    campaigns = source.stream("campaigns")
    assert campaigns is not None

    with source.open(sample_credentials(DAY), budget=LocalBudget(rate=1000.0)) as line:
        pages = [one.page for one in line.pull([Wanted(stream=campaigns)]) if one.page]

    sent = sorted(row["sdate"] or "" for page in pages for row in page.rows.values())
    assert sent[-1][:7] in ("2027-01", "2027-02", "2027-03")
    assert sent[-1][:10] <= DAY.isoformat()


def test_a_check_names_its_person_and_another_key_is_refused() -> None:
    sample = sample_credentials(DAY)
    proof = source.check(sample, budget=LocalBudget(rate=1000.0), seconds=8)
    assert (proof.person, proof.counts) == ("Mira Holt", {"contacts": 600})

    wrong = Credentials(api_url=sample.api_url, api_key=Secret("0" * 72))
    with pytest.raises(BadCredentials):
        source.check(wrong, budget=LocalBudget(rate=1000.0), seconds=8)


def test_no_form_takes_its_address() -> None:
    sample = sample_credentials(DAY)
    form = source.credentials_form({"api_url": sample.api_url, "api_key": sample.api_key.reveal()})

    assert not form.is_valid()
    assert "api_url" in form.errors


@pytest.mark.parametrize(
    "origin",
    [
        "https://20270314-0123abcd.sample.invalid.evil.example",
        "https://evil.example/20270314-0123abcd.sample.invalid",
        "http://20270314-0123abcd.sample.invalid",
        "https://20270314-0123abcd.sample.invalid:8443",
    ],
)
def test_no_other_address_is_taken_for_one(origin: str) -> None:
    assert not is_sample(origin)


def test_each_has_an_address_of_its_own() -> None:
    assert sample_credentials(DAY).api_url != sample_credentials(DAY).api_url
