"""PostgreSQL no longer looks the holding up for each row that is stored: that took a seventh of its time."""

import django.db.models.deletion
from django.db import migrations, models

CONSTRAINTS = """
    SELECT conname FROM pg_constraint
    WHERE conrelid = 'connections_record'::regclass AND confrelid = 'connections_holding'::regclass
"""


def let_go(apps, schema_editor):
    """SQLite keeps the constraint: without it the whole table would be written anew."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(CONSTRAINTS)
        for (name,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE connections_record DROP CONSTRAINT {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [("connections", "0060_pins")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(let_go, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    "record",
                    "holding",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="records",
                        to="connections.holding",
                    ),
                )
            ],
        )
    ]
