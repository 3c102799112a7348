"""Room for the ids of nested rows: that of the parent and their own."""

from django.db import migrations, models

ROOM = "ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar(80)"
WIDER = [
    ("record", "external_id", {}),
    ("change", "external_id", {}),
    ("rowcount", "sized_to", {"null": True}),
    ("rowcount", "filled_to", {"null": True}),
    ("personerasure", "reached", {"null": True}),
]


def make_room(apps, schema_editor):
    """To be run again where it was stopped. SQLite holds no text to its length.

    Indexes over expressions, or over some rows alone, PostgreSQL would build anew while nobody may read: for millions
    of rows that takes seconds each. So they go before, and are built afterwards beside those who read.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    record = apps.get_model("connections", "record")
    built_anew = [one for one in record._meta.indexes if one.expressions or (one.condition and "external_id" in one.fields)]
    for one in built_anew:
        schema_editor.remove_index(record, one, concurrently=True)
    for name, column, _ in WIDER:
        schema_editor.execute(ROOM.format(table=apps.get_model("connections", name)._meta.db_table, column=column))
    for one in built_anew:
        schema_editor.add_index(record, one, concurrently=True)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("connections", "0052_growing_lists")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make_room, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(name, column, models.CharField(max_length=80, **facts))
                for name, column, facts in WIDER
            ],
        )
    ]
