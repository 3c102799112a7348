"""Django's admin, for site staff: people and workspaces to be made, connections and syncs to be found. No secrets.

May use: people, login, operating, checking, forms, access, models.
"""

from connections.admin import connections, operation, people

__all__ = ["connections", "operation", "people"]
