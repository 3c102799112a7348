"""How the admin's pages behave, whatever they show: what may be asked of a list, and what is looked at alone."""

import re
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from connections.access.requests import PersonRequest
from connections.login import confirming

LONGEST_SEARCH = 100  # Characters.
# What the links of a date hierarchy ask for; no database has the year 10000, and Django does not look.
DATES = re.compile(r"year=20[0-9]{2}|(?:month|day)=[0-9]{1,2}", re.ASCII)


class Searched(admin.ModelAdmin):
    """Each word that is searched for is one more condition on each column: thousands of them stop a database."""

    view_on_site = False  # The site's pages are for the people of a workspace: staff would be told that there is none.

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        # No text in PostgreSQL holds a NUL, so it fails where it is asked for one.
        return super().get_search_results(request, queryset, search_term.replace("\0", "")[:LONGEST_SEARCH])

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the page offers: a filter in the address would tell a hash or a hint, letter by letter."""
        filters = {getattr(one, "parameter_name", one) for one in self.get_list_filter(request)}
        name, _, kind = lookup.partition("__")
        if name == self.date_hierarchy:
            return bool(DATES.fullmatch(f"{kind}={value}"))
        return name in filters and "\0" not in value and super().lookup_allowed(lookup, value, request)


class OfPeople(Searched):
    """What is done to people's accounts and rights wants a recent login, as on the pages of a workspace."""

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        return ask_to_confirm(request) or super().changelist_view(request, extra_context)

    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return ask_to_confirm(request) or super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return ask_to_confirm(request) or super().delete_view(request, *args, **kwargs)


def ask_to_confirm(request: PersonRequest) -> HttpResponse | None:
    if request.method != "POST" or confirming.is_recent(request):
        return None
    messages.info(request, "Nothing was changed yet. Confirm that it is you, then do it again.")
    return redirect(confirming.confirm_url(request.path))


class ReadOnly(Searched):
    """Found and inspected, never edited here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True
    view_on_site = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
