"""What of a stream comes along with another one's rows, and the index by which the rows of a parent are found."""

from django.db import migrations, models

BY_PARENT = models.Index(
    fields=["holding", "stream", "parent"],
    condition=models.Q(("deleted_at", None), ("parent__isnull", False)),
    name="record_by_parent",
)


def add(apps, schema_editor):
    record = apps.get_model("connections", "record")
    if schema_editor.connection.vendor == "postgresql":
        # Nobody waits while millions of rows are read for it.
        schema_editor.add_index(record, BY_PARENT, concurrently=True)
    else:
        schema_editor.add_index(record, BY_PARENT)


def remove(apps, schema_editor):
    schema_editor.remove_index(apps.get_model("connections", "record"), BY_PARENT)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("connections", "0028_what_is_old")]

    operations = [
        migrations.AddField("streammark", "comes_along", models.BooleanField(default=False)),
        migrations.AddField("streammark", "apart_because", models.CharField(blank=True, max_length=200)),
        migrations.AddField("streammark", "missed", models.PositiveIntegerField(default=0)),
        migrations.AddField("streammark", "is_exact", models.BooleanField(null=True)),
        migrations.AddField("streamrun", "along", models.CharField(blank=True, max_length=60)),
        migrations.AddField("streamrun", "doubts", models.PositiveIntegerField(default=0)),
        migrations.AddField("streamrun", "missed", models.PositiveIntegerField(null=True)),
        migrations.AddField("streamrun", "differed", models.PositiveIntegerField(default=0)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add, remove)],
            state_operations=[migrations.AddIndex("record", BY_PARENT)],
        ),
    ]
