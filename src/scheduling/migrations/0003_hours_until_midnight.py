from datetime import time

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0002_no_two_at_once")]

    operations = [
        migrations.RemoveConstraint(model_name="schedule", name="a_schedule_ends_after_it_begins"),
        migrations.AlterField(
            model_name="schedule",
            name="end_time",
            field=models.TimeField(help_text="Midnight is the end of the day."),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                name="a_schedule_ends_after_it_begins",
                condition=Q(end_time__gt=F("start_time")) | Q(end_time=time(0)),
            ),
        ),
    ]
