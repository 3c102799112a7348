"""The second step of the login: who has one, who needs one, and how its secrets are sealed."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from connections.models import User
from connections.safe.sealing import Unsealable, is_sealed_under_newest_key, seal, unseal

# allauth hands the secret over alone, so that it cannot name whose it is.
PLACE = ("second factor",)
SECRETS = ("secret", "seed")


def has_second_factor(user: User) -> bool:
    """An authenticator app; recovery codes are no step of their own."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def staff_lacks_second_factor(user: User) -> bool:
    return bool(settings.STAFF_NEED_SECOND_FACTOR) and not has_second_factor(user)


@transaction.atomic
def switch_off(user: User, *, by: User) -> None:
    """For somebody whose phone and recovery codes are gone. Their workspaces read that it happened."""
    Authenticator.objects.filter(user=user).delete()
    user.record("switched off the two-step login of", by=by)


def seal_secret(secret: str) -> str:
    return seal(secret, context=PLACE)


def open_secret(sealed: str) -> str:
    """Raises Unsealable."""
    return unseal(sealed, context=PLACE)


def is_open(row: Authenticator) -> bool:
    try:
        for sealed in sealed_texts(row):
            open_secret(sealed)
    except Unsealable:
        return False
    return True


def sealed_texts(row: Authenticator) -> list[str]:
    return [row.data[name] for name in SECRETS if name in row.data]


def is_under_newest_key(row: Authenticator) -> bool:
    return all(is_sealed_under_newest_key(sealed) for sealed in sealed_texts(row))


def reseal(row: Authenticator) -> None:
    """Under the newest key. Raises Unsealable."""
    row.data.update({name: seal_secret(open_secret(row.data[name])) for name in SECRETS if name in row.data})
    row.save(update_fields=["data"])
