"""A deployment as its people meet it: its address is asked as a browser would ask it."""

import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from connections.operating.inside import LARGEST_DIFFERENCE

LOGIN = "/accounts/login/"
ANY_ADDRESS = "192.0.2.1"
FORGED_CLIENT = "203.0.113.7"  # For documents: RFC 5737. Nobody's.
MOST_REDIRECTS = 5
PATIENCE = 15.0  # Seconds.
RENEW_BEFORE = 14 * 86_400  # Seconds; certificates of ninety days are renewed thirty before their end.


@dataclass(frozen=True)
class Visit:
    """`address` is what the operator gave; `origin` where it led; `page` the login's form, as it came."""

    browser: httpx.Client
    address: str
    origin: str
    page: httpx.Response

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")


Check = Callable[[Visit], Iterator[str]]


class Unvisitable(Exception):
    """Its text says what to fix."""


def look_outside(address: str) -> Iterator[tuple[str, list[str]]]:
    """What was checked at this origin, and what is to be fixed there. Proxies of the environment are not asked."""
    trusted = ssl.create_default_context()
    with httpx.Client(verify=trusted, timeout=PATIENCE, trust_env=False) as browser:
        try:
            visit = arrive(browser, address.rstrip("/"))
        except Unvisitable as problem:
            yield "the address", [str(problem)]
            return
        yield "the address", []
        yield from ((check.__name__.replace("_", " "), found_by(check, visit)) for check in CHECKS)


def found_by(check: Check, visit: Visit) -> list[str]:
    try:
        return [*check(visit)]
    except Unvisitable as problem:
        return [str(problem)]
    except httpx.HTTPError as error:
        return [f"{visit.origin} gives no answer any more ({type(error).__name__}): check that the proxy still runs."]


def arrive(browser: httpx.Client, address: str) -> Visit:
    """Follow the redirects to the login's form, as a browser would. Raises Unvisitable."""
    url = f"{address}{LOGIN}"
    for _ in range(MOST_REDIRECTS):
        page = ask(browser, url)
        if not page.is_redirect:
            break
        url = f"{page.url.join(page.headers['Location'])}"
    if page.is_redirect:
        raise Unvisitable(
            f"{address} leads in a circle: set TRUSTED_PROXY_COUNT to the number of proxies in front, and let the "
            "outermost set X-Forwarded-Proto to what the browser came by."
        )
    if "set TRUSTED_PROXY_COUNT" in page.text:
        raise Unvisitable(
            "The site does not know that people come by https: set TRUSTED_PROXY_COUNT to the number of proxies in "
            "front, and let the outermost set X-Forwarded-Proto."
        )
    if "ALLOWED_HOSTS" in page.text:
        raise Unvisitable(
            f"The site is not known as {urlsplit(url).hostname}: add that to ALLOWED_HOSTS, and let the proxy pass on "
            "the Host that the browser sent."
        )
    if page.status_code != 200 or "csrfmiddlewaretoken" not in page.text:
        raise Unvisitable(
            f"{address}{LOGIN} answers {page.status_code} and no form to log in: is it this site's address?"
        )
    return Visit(browser, address, f"{page.url.scheme}://{page.url.netloc.decode()}", page)


def ask(
    browser: httpx.Client, url: str, *, headers: dict[str, str] | None = None, form: dict[str, str] | None = None
) -> httpx.Response:
    """Raises Unvisitable where there is no answer."""
    try:
        return browser.request("GET" if form is None else "POST", url, data=form, headers=headers)
    except httpx.ConnectError as error:
        if any(isinstance(one, ssl.SSLError) for one in causes(error)):
            cure = "let it be for this name, in date, and with its chain (of an authority in SSL_CERT_FILE)"
            raise Unvisitable(f"The certificate of {url} is not valid: {cure}.") from error
        raise Unvisitable(f"Nothing answers at {url}: check the name, the port, and that the proxy runs.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unvisitable(f"{url} gives no answer ({type(error).__name__}): check what the proxy waits for.") from error


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def address_of_the_site(visit: Visit) -> Iterator[str]:
    if visit.origin not in settings.CSRF_TRUSTED_ORIGINS:
        yield (
            f"People are led to {visit.origin}, which is neither SITE_URL nor among CSRF_TRUSTED_ORIGINS: links in "
            "e-mails lead elsewhere, and forms may be refused. Set SITE_URL to it, or add it."
        )


def forms(visit: Visit) -> Iterator[str]:
    """An empty form, which logs nobody in and counts as no try."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visit.page.text)
    form = {"csrfmiddlewaretoken": token[1] if token else ""}
    url = f"{visit.origin}{LOGIN}"
    answer = ask(visit.browser, url, headers={"Origin": visit.origin, "Referer": url}, form=form)
    if answer.status_code == 403:
        yield (
            "Forms are refused: set SITE_URL to the address that people type, with its port, and let the proxy set "
            "X-Forwarded-Proto and pass cookies on."
        )


def plain_http(visit: Visit) -> Iterator[str]:
    """Where it was given as the address, or at its usual port; that nothing listens there is well, too."""
    url = urlsplit(visit.address)
    if not visit.is_https:
        yield f"{visit.address} does not lead to https: set SITE_URL to the https address."
        return
    if url.scheme == "https" and url.port:
        return
    plain = f"http://{url.hostname}{f':{url.port}' if url.port else ''}{LOGIN}"
    for said in ({}, {"X-Forwarded-Proto": "https"}):
        try:
            answer = ask(visit.browser, plain, headers=said)
        except Unvisitable:
            return
        if not answer.headers.get("Location", "").startswith("https://"):
            yield (
                "Whoever comes by plain http and claims https is believed: let the proxy overwrite X-Forwarded-Proto."
                if said
                else "Plain http is not led to https: let the proxy say X-Forwarded-Proto, or redirect there."
            )
            return


def strict_transport(visit: Visit) -> Iterator[str]:
    wanted = settings.SECURE_HSTS_SECONDS
    if not visit.is_https or not wanted:
        return
    said = re.match(r"max-age=(\d+)", visit.page.headers.get("Strict-Transport-Security", ""))
    if said is None or int(said[1]) != wanted:
        yield (
            "The header Strict-Transport-Security does not arrive as the site sends it "
            f"(max-age={wanted}): let the proxy pass it on and add none of its own."
        )


def cookies(visit: Visit) -> Iterator[str]:
    if visit.is_https and not all("secure" in one.lower() for one in visit.page.headers.get_list("Set-Cookie")):
        yield "Cookies arrive without Secure, and may leave in the clear: set SITE_URL to https, and let the proxy be."


def probes(visit: Visit) -> Iterator[str]:
    """By name, and over plain http by address, too, as load balancers do."""
    by_address = {} if visit.address.startswith("https://") else {"Host": ANY_ADDRESS}
    for host in ({}, by_address):
        answer = ask(visit.browser, f"{visit.address}/healthz", headers=host)
        if (answer.status_code, answer.text) != (200, "ok"):
            yield f"{visit.address}/healthz does not answer “ok”: let the proxy pass it on, whatever the Host."
            return


def clock(visit: Visit) -> Iterator[str]:
    date = visit.page.headers.get("Date")
    if date and abs(difference := parsedate_to_datetime(date).timestamp() - time.time()) > LARGEST_DIFFERENCE:
        yield f"The clock at the address differs from this machine's by {abs(difference):.0f} s: let NTP set both."


def style_sheets(visit: Visit) -> Iterator[str]:
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', visit.page.text)
    answers = [ask(visit.browser, f"{visit.origin}{sheet}") for sheet in sheets[:1]]
    if not answers or any(one.status_code != 200 or "css" not in one.headers["Content-Type"] for one in answers):
        yield "Style sheets do not arrive: run manage.py collectstatic, restart, and let the proxy pass /static/ on."


def caches(visit: Visit) -> Iterator[str]:
    if "Age" in visit.page.headers or "no-store" not in visit.page.headers.get("Cache-Control", ""):
        yield "A cache in front keeps pages, and shows people those of others: let it keep /static/ alone."


def client_addresses(visit: Visit) -> Iterator[str]:
    """The operator's token is sent to nobody but the site's own address."""
    if not (settings.OPERATOR_TOKEN and visit.is_https and visit.origin in settings.CSRF_TRUSTED_ORIGINS):
        return
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}", "X-Forwarded-For": FORGED_CLIENT}
    answer = ask(visit.browser, f"{visit.origin}/readyz?seen", headers=headers)
    if FORGED_CLIENT in answer.text:
        yield (
            "A client's own X-Forwarded-For is believed, so nobody's tries can be counted: set TRUSTED_PROXY_COUNT "
            "to the number of proxies, and let the outermost overwrite that header or add to it."
        )


def certificate(visit: Visit) -> Iterator[str]:
    if not visit.is_https:
        return
    with visit.browser.stream("GET", f"{visit.origin}/healthz") as answer:
        tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
        ends = ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"])
    if ends - time.time() < RENEW_BEFORE:
        yield f"The certificate ends on {time.strftime('%d %B %Y', time.gmtime(ends))}: renew it."


CHECKS: tuple[Check, ...] = (
    *(address_of_the_site, forms, plain_http, strict_transport, cookies, probes, clock, style_sheets, caches),
    *(client_addresses, certificate),
)
