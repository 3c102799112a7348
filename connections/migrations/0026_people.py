"""E-mail addresses in small letters, as logins look for them. Of two that would be one both are kept as they are."""

from django.db import migrations, models


def put_into_small_letters(apps, schema_editor):
    of_accounts(apps.get_model("connections", "User").objects)
    of_logins(apps.get_model("account", "EmailAddress").objects)


def of_accounts(users):
    taken = set(users.values_list("email", flat=True))
    for pk, email in users.order_by("pk").values_list("pk", "email"):
        small = email.lower()
        if small not in taken:
            users.filter(pk=pk).update(email=small)
            taken.add(small)


def of_logins(addresses):
    for address in addresses.order_by("pk"):
        small = address.email.lower()
        of_others = addresses.filter(email=small, verified=True).exclude(user=address.user_id)
        if small == address.email or (address.verified and of_others.exists()):
            continue
        for double in addresses.filter(email=small, user=address.user_id):  # The same person's.
            double.delete()
            address.verified, address.primary = address.verified or double.verified, address.primary or double.primary
        address.email = small
        address.save()


class Migration(migrations.Migration):

    dependencies = [
        ("connections", "0024_slow_checks"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.AddField("event", "by_staff", models.BooleanField(default=False)),
        migrations.RunPython(put_into_small_letters, migrations.RunPython.noop),
    ]
