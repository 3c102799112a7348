"""The product's addresses, read from its routes, for tests that must leave none of them out."""

from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver

from connections import urls


def routes(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """Each as its name and its whole route, in the order in which they are tried."""
    for pattern in patterns:
        whole = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, whole)
        else:
            yield pattern.name or "", whole


OF_A_WORKSPACE = dict(routes(urls.urlpatterns))
"""The route below /w/<workspace>/ of each name."""
