"""Rows are counted as they come and go; those that are there already are counted here, once."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def count_rows(apps: Any, schema_editor: Any) -> None:
    living = apps.get_model("connections", "Record").objects.filter(deleted_at=None)
    RowCount = apps.get_model("connections", "RowCount")
    counts = living.values_list("connection", "stream").annotate(rows=models.Count("pk"))
    RowCount.objects.bulk_create(
        RowCount(connection_id=connection, stream=stream, rows=rows) for connection, stream, rows in counts
    )


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0007_key_canary'),
    ]

    operations = [
        migrations.AlterField(
            model_name='streamrun',
            name='reason',
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name='sync',
            name='reason',
            field=models.TextField(blank=True),
        ),
        migrations.CreateModel(
            name='RowCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stream', models.CharField(max_length=60)),
                ('rows', models.PositiveBigIntegerField(default=0)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='row_counts', to='connections.connection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('connection', 'stream'), name='one_count_per_stream')],
            },
        ),
        migrations.RunPython(count_rows, migrations.RunPython.noop),
    ]
