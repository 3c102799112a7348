"""Room is counted as rows come; that of those which are there already a worker counts afterwards, in pieces."""

from django.db import migrations, models

ADD = "ALTER TABLE connections_record ADD COLUMN {column} integer DEFAULT 0 NOT NULL"
DROP = "ALTER TABLE connections_record DROP COLUMN {column}"


def begin_to_size(apps, schema_editor):
    apps.get_model("connections", "RowCount").objects.update(sized_to="")


class Migration(migrations.Migration):
    dependencies = [("connections", "0017_changes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By hand, since Django would write SQLite's whole table anew. Neither database touches a row for it.
            database_operations=[
                migrations.RunSQL(ADD.format(column="size"), DROP.format(column="size")),
                migrations.RunSQL(ADD.format(column="size_before"), DROP.format(column="size_before")),
            ],
            state_operations=[
                migrations.AddField("record", "size", models.IntegerField(db_default=0, default=0)),
                migrations.AddField("record", "size_before", models.IntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.AddField("rowcount", "stored", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("rowcount", "bytes", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("rowcount", "sized_to", models.CharField(max_length=64, null=True)),
        migrations.AddIndex(
            "rowcount",
            models.Index(
                fields=["id"], condition=models.Q(("sized_to__isnull", False)), name="row_count_unsized"
            ),
        ),
        migrations.RunPython(begin_to_size, migrations.RunPython.noop),
    ]
