"""The page that staff begin with: what is late, why, and what to press; over all workspaces."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from connections.admin.pages import ReadOnly
from connections.models import Engine
from connections.operating import overview


@admin.register(Engine)
class OperationAdmin(ReadOnly):
    """Stands in the place of a list: there is one row, which says when a worker was seen."""

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.changelist_view), name="connections_engine_changelist")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        troubles, in_all = overview.troubles()
        context = {
            **self.admin_site.each_context(request),
            "title": "Operation",
            "opts": self.opts,
            "troubles": troubles,
            "in_all": in_all,
            "called": overview.called(),
            "sizes": [
                ("Tables", "Table", overview.table_sizes()),
                ("Workspaces", "Workspace", overview.workspace_sizes()),
                ("Connections", "Connection", overview.connection_sizes()),
            ],
            "waiting": overview.waiting(),
            "list_url": reverse("admin:connections_connection_changelist"),
        }
        return TemplateResponse(request, "admin/operation.html", context)
