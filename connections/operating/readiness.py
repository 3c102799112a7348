"""Whether the site can serve: the database, its migrations, and the keys that open what is stored."""

import logging

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from connections.checking.watching import is_worker_missing
from connections.models import KeyCanary
from connections.operating.history import misfits

log = logging.getLogger(__name__)


def readiness() -> dict[str, bool]:
    """The database answers, has every migration, and each key that seals something in it is at hand.

    `worker`: nothing waits for one in vain.
    """
    try:
        migrated = is_migrated()
        return {
            "database": True,
            "migrations": migrated,
            "credential_keys": migrated and not missing_keys(),
            "worker": migrated and not is_worker_missing(),
        }
    except DatabaseError:
        log.exception("The database does not answer.")
        return {"database": False}


def is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes()) and not [*misfits(connection)]


def missing_keys() -> list[KeyCanary]:
    missing = KeyCanary.objects.silent()
    for canary in missing:
        log.error(
            "Credential key %s, in use since %s, is missing from CREDENTIAL_KEYS or is not what it was: "
            "what it sealed cannot be opened.",
            canary.pk,
            canary.since.date(),
            extra={"key": canary.pk},
        )
    return missing
