"""Room for the ids of nested rows: that of the parent and their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0052_growing_lists")]

    operations = [
        migrations.AlterField("record", "external_id", models.CharField(max_length=80)),
        migrations.AlterField("change", "external_id", models.CharField(max_length=80)),
        migrations.AlterField("rowcount", "sized_to", models.CharField(max_length=80, null=True)),
        migrations.AlterField("rowcount", "filled_to", models.CharField(max_length=80, null=True)),
        migrations.AlterField("personerasure", "reached", models.CharField(max_length=80, null=True)),
    ]
