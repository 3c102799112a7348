"""How often a stream is read, where somebody chose another rhythm than the source's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0037_sideloads")]

    operations = [
        migrations.AddField("connection", "rhythms", models.JSONField(blank=True, default=dict, editable=False)),
    ]
