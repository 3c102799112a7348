"""What of rows is left out or hashed; and what nobody should have kept goes from those that are there."""

from django.db import migrations, models


# As the source suggested when this was written. A later suggestion marks its streams in a migration of its own.
LEFT_OUT = ["contacts", "contactLists", "campaigns", "emailActivities", "linkData", "contactData", "contactEmails"]


def rule_anew(apps, schema_editor):
    counts = apps.get_model("connections", "RowCount").objects.using(schema_editor.connection.alias)
    counts.filter(stream__in=LEFT_OUT).update(ruled_to="")


class Migration(migrations.Migration):
    dependencies = [("connections", "0053_nested_ids")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="field_rules",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="rowcount", name="ruled_to", field=models.CharField(max_length=80, null=True)
        ),
        migrations.AddIndex(
            model_name="rowcount",
            index=models.Index(
                condition=models.Q(("ruled_to__isnull", False)), fields=["id"], name="row_count_unruled"
            ),
        ),
        migrations.RunPython(rule_anew, migrations.RunPython.noop),
    ]
