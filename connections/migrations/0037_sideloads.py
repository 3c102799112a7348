"""What of a stream comes along with another one's rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0034_operation")]

    operations = [
        migrations.AddField("streammark", "comes_along", models.BooleanField(default=False)),
        migrations.AddField("streammark", "apart_because", models.CharField(blank=True, max_length=200)),
        migrations.AddField("streammark", "missed", models.PositiveIntegerField(default=0)),
        migrations.AddField("streammark", "is_exact", models.BooleanField(null=True)),
        migrations.AddField("streamrun", "along", models.CharField(blank=True, max_length=60)),
        migrations.AddField("streamrun", "doubts", models.PositiveIntegerField(default=0)),
        migrations.AddField("streamrun", "missed", models.PositiveIntegerField(null=True)),
        migrations.AddField("streamrun", "differed", models.PositiveIntegerField(default=0)),
    ]
