"""The tabs of a connection's page, for buttons that stand above all of them."""

from connections.access.requests import PersonRequest
from connections.models import Connection

OTHER_TABS = ("numbers", "data", "syncs")  # By the names of their addresses; Details is where nothing else is said.


def tab_named(name: str | None) -> str:
    """The name if it is that of another tab than Details, else empty."""
    return name if name in OTHER_TABS else ""


def pressed_on(request: PersonRequest, connection: Connection) -> str:
    """The address of the tab on which a button was pressed."""
    tab = tab_named(request.POST.get("tab"))
    return connection.url(tab) if tab else connection.get_absolute_url()
