"""How far a list that only grows was read, by the source's own bookmark."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0045_last_workspace")]

    operations = [
        migrations.AddField("streammark", "bookmark", models.JSONField(null=True)),
        migrations.AddField("streammark", "settled_at", models.DateTimeField(null=True)),
    ]
