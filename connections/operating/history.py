"""Whether a database is one of this version's, or of an earlier one that `migrate` brings up to date."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader

APP = "connections"  # Other packages may drop migrations that are long done.


def misfits(database: BaseDatabaseWrapper) -> Iterator[str]:
    """A sentence for each thing in its history that no upgrade to this version could mend."""
    loader = MigrationLoader(database)
    unknown = sorted(name for app, name in loader.applied_migrations if app == APP and (app, name) not in known(loader))
    if unknown:
        yield (
            f"The database is of a newer version of BlinkMetrics, or of another: this one does not know "
            f"{', '.join(unknown)}. Start that version again, or restore the backup from before the upgrade."
        )
    try:
        loader.check_consistent_history(database)
    except InconsistentMigrationHistory as gap:
        yield f"The database's history has a gap ({gap}) Restore a backup: its tables are of no version."


def require_fitting() -> None:
    """When a process starts. Raises ImproperlyConfigured; a database that does not answer may come yet."""
    try:
        sentences = [*misfits(connections[DEFAULT_DB_ALIAS])]
    except OperationalError:
        return
    if sentences:
        raise ImproperlyConfigured("\n".join(sentences))


def known(loader: MigrationLoader) -> set[tuple[str, str]]:
    replaced = [pair for migration in loader.disk_migrations.values() for pair in migration.replaces]
    return {*loader.disk_migrations, *replaced}


@register(Tags.database)
def history_fits(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Before `migrate` touches anything."""
    found = [sentence for alias in databases or () for sentence in misfits(connections[alias])]
    return [Error(sentence, id="connections.E002") for sentence in found]
