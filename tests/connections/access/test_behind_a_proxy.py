"""What a proxy in front says, and what people and operators are told where it says too little."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

ELSEWHERE = "https://app.example.com:8443"


@pytest.fixture
def on_https(settings: Any) -> None:
    settings.SITE_URL, settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = "https://testserver", True, 3600
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXY_COUNT = 1


def refused(**headers: str) -> str:
    """What somebody reads who sends the login's form with these headers; the cookie is the one that they were given."""
    client = Client(enforce_csrf_checks=True)
    page = client.get("/accounts/login/", headers={"x-forwarded-proto": "https"})
    token = {"csrfmiddlewaretoken": page.cookies["csrftoken"].value}

    answer = client.post("/accounts/login/", token, headers={"x-forwarded-proto": "https", **headers})

    assert answer.status_code == 403
    assert not [secret for secret in (token["csrfmiddlewaretoken"], "nonce", ELSEWHERE) if secret in answer.text]
    return str(answer.text)


@pytest.mark.usefixtures("db", "on_https")
@pytest.mark.parametrize("headers", [{"origin": ELSEWHERE}, {"referer": f"{ELSEWHERE}/x"}, {}], ids=str)
def test_a_form_from_an_address_that_is_not_the_sites_says_which_settings_know_it(headers: dict[str, str]) -> None:
    page = refused(**headers)

    assert "This form came from an address that the site does not know" in page
    assert "into SITE_URL or CSRF_TRUSTED_ORIGINS" in page


@pytest.mark.usefixtures("db", "on_https")
def test_a_form_without_a_cookie_says_that() -> None:
    answer = Client(enforce_csrf_checks=True).post(
        "/accounts/login/", headers={"host": "testserver", "x-forwarded-proto": "https", "origin": "https://testserver"}
    )

    assert answer.status_code == 403
    assert "Your browser sent no cookie" in answer.text


@pytest.mark.usefixtures("db", "on_https")
def test_a_form_from_a_further_origin_is_taken(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [ELSEWHERE]
    client = Client(enforce_csrf_checks=True, headers={"x-forwarded-proto": "https", "origin": ELSEWHERE})
    token = client.get("/accounts/login/").cookies["csrftoken"].value

    assert client.post("/accounts/login/", {"csrfmiddlewaretoken": token}).status_code == 200


@pytest.mark.usefixtures("on_https")
@pytest.mark.parametrize(
    ("proxies", "said", "status"),
    [
        (0, "https", 500),
        (0, "HTTPS, http", 500),
        (1, "", 500),
        (0, "http", 301),
        (0, "", 301),
        (1, "http", 301),
    ],
)
def test_a_site_that_does_not_know_of_its_proxy_says_so_and_leads_nobody_in_a_circle(
    client: Client, settings: Any, proxies: int, said: str, status: int
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxies else None

    answer = client.get("/accounts/login/", headers={"x-forwarded-proto": said} if said else {})

    assert answer.status_code == status
    assert status == 301 or "set TRUSTED_PROXY_COUNT" in answer.text


@pytest.mark.parametrize(
    ("site", "proxies", "is_said"),
    [("https://app.example.com", 0, True), ("https://app.example.com", 1, False), ("http://app.example.com", 0, False)],
)
def test_a_site_with_https_and_no_proxy_is_said_by_the_check_for_real_sites(
    settings: Any, site: str, proxies: int, is_said: bool
) -> None:
    settings.SITE_URL, settings.TRUSTED_PROXY_COUNT = site, proxies

    said = run_checks(tags=["security"], include_deployment_checks=True)

    assert ("connections.W002" in {one.id for one in said}) == is_said


@pytest.mark.usefixtures("on_https", "db")
@pytest.mark.parametrize(
    ("subdomains", "preload", "header"),
    [(False, False, "max-age=3600"), (True, True, "max-age=3600; includeSubDomains; preload")],
)
def test_browsers_are_told_to_stay_with_https_for_as_long_as_is_set(
    client: Client, settings: Any, subdomains: bool, preload: bool, header: str
) -> None:
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS, settings.SECURE_HSTS_PRELOAD = subdomains, preload

    page = client.get("/accounts/login/", headers={"x-forwarded-proto": "https"})

    assert page["Strict-Transport-Security"] == header


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.usefixtures("db")
def test_a_name_that_the_site_does_not_have_is_said(client: Client, settings: Any, debug: bool) -> None:
    settings.ALLOWED_HOSTS, settings.DEBUG = ["app.example.com"], debug

    answer = client.get("/accounts/login/", headers={"host": "other.example"})

    assert answer.status_code == 400
    assert "put the name into ALLOWED_HOSTS" in answer.text
    assert "other.example" not in answer.text


# Probes ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_https")
def test_healthz_is_asked_by_address_over_plain_http_with_a_session_and_without_a_database(
    client: Client, settings: Any
) -> None:
    # No database is asked for in this test: any query would fail it.
    settings.ALLOWED_HOSTS = ["app.example.com"]
    client.cookies["sessionid"] = "a" * 32

    answer = client.get("/healthz", headers={"host": "10.0.0.5:8000"})

    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.usefixtures("db", "on_https")
def test_readyz_and_metrics_are_asked_by_address_too(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.OPERATOR_TOKEN = ["app.example.com"], "t" * 32
    headers = {"host": "10.0.0.5:8000", "authorization": f"Bearer {'t' * 32}"}

    assert client.get("/readyz", headers=headers).status_code == 200
    assert client.get("/metrics", headers=headers).status_code == 200
    assert client.get("/metrics", headers={"host": "10.0.0.5:8000"}).status_code == 404
