"""What `migrate` and `check` say of the accounts that there are."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import OperationalError, connections
from django.db.models import Q

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
        for people in (clashing() if databases and has_accounts() else ())
    ]


@register(Tags.security, deploy=True)
def no_demo_people_on_a_real_site(**_: Any) -> list[CheckMessage]:
    if settings.PUBLISHED_PASSWORD_OPENS:
        return []
    try:
        theirs = with_published_password() if has_accounts() else []
    except OperationalError as refusal:
        return [Info(f"The accounts could not be looked at, nor whether some are the demo's: {refusal}")]
    return [
        Error(
            f"These accounts have the demo's password, which is published: {', '.join(theirs)}.",
            hint="It opens nothing while DEBUG is off. Give each another one with manage.py changepassword, or switch "
            "them off in the admin.",
            id="connections.E001",
        )
        for _ in theirs[:1]
    ]


def with_published_password() -> list[str]:
    """The addresses of those who have it. Each costs as much time as a login: others than these are not looked at."""
    doubtful = Q(email__endswith=".example") | Q(is_staff=True) | Q(is_superuser=True)
    people = User.objects.filter(doubtful, is_active=True).order_by("pk").only("email", "password")
    return [user.email for user in people if user.has_published_password]


def has_accounts() -> bool:
    """Before the first `migrate` there is nothing to look at, and no file is made by looking."""
    database = connections["default"]
    if database.vendor == "sqlite" and not Path(database.settings_dict["NAME"]).exists():
        return False
    return {User._meta.db_table, EmailAddress._meta.db_table} <= {*database.introspection.table_names()}


def clashing() -> list[list[int]]:
    """The numbers of accounts that share an address which one of them spells with capitals."""
    spelt = [*User.objects.values_list("pk", "email"), *EmailAddress.objects.values_list("user", "email")]
    in_capitals = {email.lower() for _, email in spelt if email != email.lower()}
    people = defaultdict(set)
    for pk, email in spelt:
        if email.lower() in in_capitals:
            people[email.lower()].add(pk)
    return [sorted(same) for same in people.values() if len(same) > 1]
