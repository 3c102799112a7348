"""The log of changes, empty: what was before it was begun nobody has seen."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0016_account_names")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stream", models.CharField(max_length=60)),
                ("external_id", models.CharField(max_length=64)),
                ("field", models.CharField(blank=True, max_length=60)),
                ("before", models.TextField(blank=True)),
                ("after", models.TextField(blank=True)),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "holding",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="connections.holding",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["holding", "stream", "external_id", "seen_at"], name="changes_of_a_row")
                ],
            },
        ),
    ]
