import django.db.models.deletion
from django.db import migrations, models


def carry_over(apps, schema_editor):
    """Each chosen stream begins as late, or as early, as its connection was."""
    Connection, RowCount, StreamHealth, StreamMark = (
        apps.get_model('connections', name) for name in ('Connection', 'RowCount', 'StreamHealth', 'StreamMark')
    )
    finished = Connection.objects.exclude(state='draft').only('stream_keys', 'late_at', 'holding')
    for connection in finished.iterator(chunk_size=500):
        of_holding = {'holding': connection.holding_id}
        held = {*RowCount.objects.filter(models.Q(rows__gt=0) | models.Q(stored__gt=0), **of_holding).values_list('stream', flat=True)}
        read_at = dict(StreamMark.objects.filter(**of_holding).values_list('stream', 'changed_through'))
        StreamHealth.objects.bulk_create(
            StreamHealth(
                connection_id=connection.pk,
                stream=stream,
                read_at=read_at.get(stream),
                late_at=connection.late_at,
                was_read=stream in held,
            )
            for stream in connection.stream_keys
        )


class Migration(migrations.Migration):

    dependencies = [
        ('connections', "0021_columns"),
    ]

    operations = [
        migrations.AlterField(
            model_name='streamrun',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('complete', 'Complete'), ('incomplete', 'Incomplete'), ('skipped', 'Not offered'), ('refused', 'Refused'), ('failed', 'Failed')], default='waiting', max_length=12),
        ),
        migrations.CreateModel(
            name='StreamHealth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stream', models.CharField(max_length=60)),
                ('read_at', models.DateTimeField(null=True)),
                ('late_at', models.DateTimeField(null=True)),
                ('told_late_at', models.DateTimeField(null=True)),
                ('was_read', models.BooleanField(default=False)),
                ('refused_at', models.DateTimeField(null=True)),
                ('refused_key', models.CharField(blank=True, editable=False, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stream_healths', to='connections.connection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('connection', 'stream'), name='one_health_per_stream')],
                'indexes': [models.Index(condition=models.Q(('told_late_at', None)), fields=['late_at'], name='stream_late_untold')],
            },
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
