from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("connections", "0033_erased_people")]

    operations = [migrations.AlterModelOptions(name="engine", options={"verbose_name_plural": "operation"})]
