"""Looks at a page as somebody would who cannot see it well: with axe in light and dark, narrow, and zoomed."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PHONE = 390
TWICE_AS_LARGE = 640  # What 1280 pixels hold at a zoom of 200 %.

# Markup, right to left, a picture, and a word that fits on no line of a phone.
LONG_NAME = "<script>alert(1)</script> شاي المرفأ 🫖 Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"

# axe would write each stylesheet that another takes in into the page, which our policy refuses; no rule here reads it.
ALWAYS: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
EVERYTHING = {**ALWAYS, "rules": {"target-size": {"enabled": True}}}
COLOURS = {**ALWAYS, "runOnly": ["color-contrast"]}


class Inspection:
    def __init__(self) -> None:
        self.axe = Axe().axe_script
        self.findings: list[str] = []

    def look(self, page: Page, what: str) -> None:
        """Note whatever is wrong with the page as it stands; go on."""
        size = page.viewport_size
        assert size is not None
        for width in (PHONE, TWICE_AS_LARGE):
            page.set_viewport_size({**size, "width": width})
            if wider := overflow(page):
                self.findings.append(f"{what}, {width} px wide: scrolls sideways by {wider} px")
        page.set_viewport_size(size)
        page.evaluate(self.axe)
        self.run_axe(page, what, EVERYTHING)
        page.emulate_media(color_scheme="dark")
        self.run_axe(page, f"{what}, dark", COLOURS)
        page.emulate_media(color_scheme="light")

    def run_axe(self, page: Page, what: str, options: dict[str, Any]) -> None:
        for violation in page.evaluate("options => axe.run(options)", options)["violations"]:
            places = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.findings.append(f"{what}: {violation['id']}: {violation['help']}: {places}")


def overflow(page: Page) -> int:
    """The pixels by which the page is wider than its window."""
    pixels: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(pixels, 0)
