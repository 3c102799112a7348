"""The table of rows that were kept as a database writes JSON is empty now."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0013_texts")]

    operations = [
        migrations.DeleteModel(name="FormerRecord"),
        migrations.AlterField(
            model_name="connection",
            name="holding",
            field=models.OneToOneField(
                editable=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="connection",
                to="connections.holding",
            ),
        ),
    ]
