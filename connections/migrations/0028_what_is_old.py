"""Indexes by which syncs of long ago, and rows that are gone, are found to be forgotten."""

from django.db import migrations, models

INDEXES = [
    ("sync", models.Index(fields=["finished_at"], name="sync_ended")),
    (
        "record",
        models.Index(fields=["deleted_at"], condition=models.Q(("deleted_at__isnull", False)), name="record_gone"),
    ),
]


def add(apps, schema_editor):
    for name, index in INDEXES:
        model = apps.get_model("connections", name)
        if schema_editor.connection.vendor == "postgresql":
            # Nobody waits while millions of rows are read for it.
            schema_editor.add_index(model, index, concurrently=True)
        else:
            schema_editor.add_index(model, index)


def remove(apps, schema_editor):
    for name, index in INDEXES:
        schema_editor.remove_index(apps.get_model("connections", name), index)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("connections", "0026_people")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add, remove)],
            state_operations=[migrations.AddIndex(name, index) for name, index in INDEXES],
        )
    ]
