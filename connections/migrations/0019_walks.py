"""What a walk saw is its number on the rows, in the place of a table of their ids."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0018_sizes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By hand, since Django would write SQLite's whole table anew. Neither database touches a row for it.
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE connections_record ADD COLUMN walk bigint DEFAULT 0 NOT NULL",
                    "ALTER TABLE connections_record DROP COLUMN walk",
                )
            ],
            state_operations=[migrations.AddField("record", "walk", models.BigIntegerField(db_default=0, default=0))],
        ),
        migrations.DeleteModel("Sighting"),
    ]
