"""Paces and schedules have other words; what is stored is the same."""

from django.db import migrations, models

PACES = [("considerate", "Gentle"), ("full", "Fast")]
SCHEDULES = [
    ("quarter_hourly", "Every 15 minutes"),
    ("hourly", "Every hour"),
    ("daily", "Every day"),
    ("off", "Manual only"),
]


class Migration(migrations.Migration):
    dependencies = [("connections", "0054_field_rules")]

    operations = [
        migrations.AlterField(
            "connection", "pace", models.CharField(choices=PACES, default="considerate", max_length=20)
        ),
        migrations.AlterField(
            "connection", "schedule", models.CharField(choices=SCHEDULES, default="hourly", max_length=20)
        ),
        migrations.AlterField("sync", "pace", models.CharField(choices=PACES, max_length=20)),
    ]
