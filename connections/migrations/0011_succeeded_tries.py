from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0010_session_mark'),
    ]

    operations = [
        migrations.AddField(
            model_name='checktry',
            name='succeeded',
            field=models.BooleanField(default=False),
        ),
    ]
