"""What a load balancer asks (does the process answer, can it serve?), and what operators may ask besides."""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST

from connections.access.error_pages import error_page
from connections.models import KeyCanary
from connections.operating.measures import exposition

log = logging.getLogger(__name__)


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    facts = readiness()
    ready = all(facts.values())
    details = facts if is_operator(request) else {}
    return JsonResponse({"ready": ready, **details}, status=200 if ready else 503)


@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST) if is_operator(request) else error_page(404)


def is_operator(request: HttpRequest) -> bool:
    """Nobody is, while no token is set."""
    given = request.headers.get("Authorization", "")
    return bool(settings.OPERATOR_TOKEN) and constant_time_compare(given, f"Bearer {settings.OPERATOR_TOKEN}")


def readiness() -> dict[str, bool]:
    """The database answers, has every migration, and each key that seals something in it is at hand."""
    try:
        migrated = is_migrated()
        return {"database": True, "migrations": migrated, "credential_keys": migrated and not missing_keys()}
    except DatabaseError:
        log.exception("The database does not answer.")
        return {"database": False}


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
