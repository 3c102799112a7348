"""What rows come to by days, how far that is known, and what accounts say of it."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import connections.models.people


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0055_words'),
    ]

    operations = [
        migrations.AlterField(
            model_name="workspace",
            name="timezone",
            field=models.CharField(
                choices=connections.models.people.zone_choices,
                default="UTC",
                help_text="Days of numbers end at its midnight, and syncs at a time of the day go by it.",
                max_length=64,
                verbose_name="time zone",
            ),
        ),
        migrations.CreateModel(
            name='FigureProof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=40)),
                ('by', models.CharField(blank=True, max_length=60)),
                ('group', models.CharField(blank=True, max_length=64)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('says', models.BigIntegerField()),
                ('ours', models.BigIntegerField()),
                ('checked_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='NumberDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=40)),
                ('kind', models.CharField(choices=[('day', 'Of a day'), ('undated', 'Of no day'), ('all', 'Of all rows'), ('one', 'Of one row, on a day'), ('seen', 'As it was seen that day')], max_length=8)),
                ('by', models.CharField(blank=True, max_length=60)),
                ('day', models.DateField(null=True)),
                ('group', models.CharField(blank=True, max_length=64)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('value', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='NumberState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stream', models.CharField(max_length=60)),
                ('edition', models.BigIntegerField(default=-1)),
                ('version', models.CharField(blank=True, max_length=64)),
                ('zone', models.CharField(blank=True, max_length=64)),
                ('through', models.DateTimeField(null=True)),
                ('counted_at', models.DateTimeField(null=True)),
                ('seen_since', models.DateField(null=True)),
                ('changes_to', models.BigIntegerField(default=0)),
                ('taken_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='rowcount',
            name='edition',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='rowcount',
            name='is_stirred',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddIndex(
            model_name='rowcount',
            index=models.Index(condition=models.Q(('is_stirred', True)), fields=['id'], name='row_count_stirred'),
        ),
        migrations.AddField(
            model_name='figureproof',
            name='holding',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='figure_proofs', to='connections.holding'),
        ),
        migrations.AddField(
            model_name='numberday',
            name='holding',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='number_days', to='connections.holding'),
        ),
        migrations.AddField(
            model_name='numberstate',
            name='holding',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='number_states', to='connections.holding'),
        ),
        migrations.AddConstraint(
            model_name='figureproof',
            constraint=models.UniqueConstraint(fields=('holding', 'number', 'by', 'group', 'currency'), name='one_proof_of_a_figure'),
        ),
        migrations.AddConstraint(
            model_name='numberday',
            constraint=models.UniqueConstraint(fields=('holding', 'number', 'kind', 'by', 'day', 'group', 'currency'), name='one_value_of_a_day'),
        ),
        migrations.AddConstraint(
            model_name='numberday',
            constraint=models.UniqueConstraint(condition=models.Q(('day', None)), fields=('holding', 'number', 'kind', 'by', 'group', 'currency'), name='one_value_of_no_day'),
        ),
        migrations.AddConstraint(
            model_name='numberstate',
            constraint=models.UniqueConstraint(fields=('holding', 'stream'), name='one_number_state_per_stream'),
        ),
    ]
