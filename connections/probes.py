"""What a load balancer asks: does the process answer, and can it serve?"""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from connections.models import KeyCanary

log = logging.getLogger(__name__)


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    ready = is_ready()
    return JsonResponse({"ready": ready}, status=200 if ready else 503)


def is_ready() -> bool:
    """The database answers, has every migration, and each key that seals something in it is at hand."""
    try:
        return is_migrated() and not missing_keys()
    except DatabaseError:
        log.exception("The database does not answer.")
        return False


def is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


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
