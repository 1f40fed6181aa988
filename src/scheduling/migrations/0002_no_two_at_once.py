"""On PostgreSQL the table itself refuses two occupying appointments that overlap, whatever their length.

The backstop behind the lock and the unique indexes. Outside the model's Meta, because SQLite has nothing like it; there
the IMMEDIATE transaction is the lock.
"""

from django.db import migrations

CONSTRAINTS = {
    "a_doctor_sees_one_patient_at_a_time": "doctor_id",
    "a_patient_sees_one_doctor_at_a_time": "patient_id",
}


def add_constraints(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    for name, column in CONSTRAINTS.items():
        schema_editor.execute(
            f"ALTER TABLE scheduling_appointment ADD CONSTRAINT {name} EXCLUDE USING gist "
            f"({column} WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status <> 'cancelled')"
        )


def drop_constraints(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name in CONSTRAINTS:
        schema_editor.execute(f"ALTER TABLE scheduling_appointment DROP CONSTRAINT {name}")


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]

    operations = [migrations.RunPython(add_constraints, drop_constraints)]
