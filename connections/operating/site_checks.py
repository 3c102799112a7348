"""What `migrate` and `check` say of the accounts that there are."""

from collections import defaultdict
from typing import Any

from allauth.account.models import EmailAddress
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from connections.models import User


@register(Tags.database)
def one_address_in_two_spellings(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Each goes on logging in, so that nobody is locked out or merged with somebody else; a person has to decide."""
    return [
        Warning(
            f"The accounts {' and '.join(str(pk) for pk in people)} have the same e-mail address but for capitals.",
            hint="Give all but one of them an address of their own in the admin, or switch them off. Until then the "
            "one with capitals logs in with exactly these, and links to set a password go to the other.",
            id="connections.W001",
        )
        for people in (clashing() if databases and has_accounts() else [])
    ]


def has_accounts() -> bool:
    """Before the first `migrate` there is nothing to look at."""
    tables = {User._meta.db_table, EmailAddress._meta.db_table}
    return tables <= {*connections["default"].introspection.table_names()}


def clashing() -> list[list[int]]:
    """The numbers of accounts that share an address which one of them spells with capitals."""
    spelt = [*User.objects.values_list("pk", "email"), *EmailAddress.objects.values_list("user", "email")]
    in_capitals = {email.lower() for _, email in spelt if email != email.lower()}
    people = defaultdict(set)
    for pk, email in spelt:
        if email.lower() in in_capitals:
            people[email.lower()].add(pk)
    return [sorted(same) for same in people.values() if len(same) > 1]
