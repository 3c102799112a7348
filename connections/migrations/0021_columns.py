"""Typed columns beside each row's text. They are empty on the rows that are there, which a worker fills in pieces."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0020_unkept_and_clearing")]

    operations = [
        # Each may be null and has no default: so neither database touches a row, nor SQLite writes its table anew.
        migrations.AddField("record", "label", models.CharField(max_length=200, null=True)),
        migrations.AddField("record", "search", models.CharField(max_length=1000, null=True)),
        migrations.AddField("record", "happened_at", models.DateTimeField(null=True)),
        migrations.AddField("record", "ended_at", models.DateTimeField(null=True)),
        migrations.AddField("record", "amount", models.BigIntegerField(null=True)),
        migrations.AddField("record", "currency", models.CharField(max_length=3, null=True)),
        migrations.AddField("record", "choice", models.CharField(max_length=60, null=True)),
        migrations.AddField("record", "parent", models.CharField(max_length=64, null=True)),
        migrations.AddField("record", "related", models.CharField(max_length=64, null=True)),
        migrations.AddField("record", "owner", models.CharField(max_length=64, null=True)),
        migrations.AddField("rowcount", "filled_with", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("rowcount", "filled_to", models.CharField(max_length=64, null=True)),
    ]
