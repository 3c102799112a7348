"""Takes pictures of a running demo's pages, wide and narrow, light and dark: `make look ARGS="/w/harbour-tea/…"`."""

import argparse
import sys
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, sync_playwright

from tests.browser_fixture import NO_CHROMIUM, QUIET_CHROMIUM, chromium_path

PASSWORD = "demo-password-1"  # Published, and for the demo alone.
WIDTHS = {"wide": 1280, "narrow": 390}
SCHEMES = ("light", "dark")
INTO = Path("test-results") / "pages"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("addresses", nargs="*", default=["/w/harbour-tea/connections/"])
    parser.add_argument("--site", default="http://127.0.0.1:8000", help="where `make run` serves")
    parser.add_argument("--as", dest="person", default="alice@harbourtea.example", help="who looks")
    wanted = parser.parse_args()
    path = chromium_path()
    if path is None:
        sys.exit(NO_CHROMIUM)
    INTO.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET_CHROMIUM)
        state = logged_in(browser, wanted.site, wanted.person)
        for address in wanted.addresses:
            look(browser, urljoin(wanted.site, address), state)


def logged_in(browser: Browser, site: str, person: str) -> Path:
    """The cookies of somebody who has logged in."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(urljoin(site, "/accounts/login/"))
        page.locator("[name=login]").fill(person)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button[type=submit]").click()
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
        context.storage_state(path=(kept := INTO / "cookies.json"))
        return kept


def look(browser: Browser, address: str, cookies: Path) -> None:
    name = address.partition("://")[2].partition("/")[2].strip("/").replace("/", "-") or "front"
    for (word, width), scheme in ((one, scheme) for one in WIDTHS.items() for scheme in SCHEMES):
        viewport = {"width": width, "height": 900}
        with browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=cookies) as context:
            page = context.new_page()
            page.goto(address, wait_until="load")
            page.screenshot(path=(picture := INTO / f"{name}-{word}-{scheme}.png"), full_page=True)
            sys.stdout.write(f"{picture}\n")


if __name__ == "__main__":
    main()
