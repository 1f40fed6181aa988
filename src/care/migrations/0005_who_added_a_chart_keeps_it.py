"""Until now whoever added a chart kept it; what the front desk added is kept by nobody from here on."""

from django.db import migrations
from django.db.models import F

DESK = ("staff", "admin")


def say_who_keeps(apps, schema_editor):
    patients = apps.get_model("care", "Patient").objects
    patients.exclude(created_by__role__in=DESK).filter(created_by__isnull=False).update(keeper=F("created_by"))


class Migration(migrations.Migration):
    dependencies = [("care", "0004_keepers_and_links"), ("identity", "0001_initial")]

    operations = [migrations.RunPython(say_who_keeps, migrations.RunPython.noop)]
