"""How PostgreSQL finds a page of patients: by the grants' index, never by walking through everybody's charts."""

import json
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from care.models import Patient
from care.permissions import visible_patients
from core.actor import Actor, Role
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.prove]

FULL_SIZE = 200_000  # patients, each granted to one of 2,000 accounts; a heavy one holds a twentieth of all


@pytest.fixture
def crowd(proof_scale):
    """Fill the tables and return (a light, a heavy and an empty-handed account)."""
    if connection.vendor != "postgresql":
        pytest.skip("plans are PostgreSQL's")
    size = int(FULL_SIZE * proof_scale)
    light, heavy, none = (UserFactory(role=Role.DOCTOR) for _ in range(3))
    crowd = [UserFactory().pk for _ in range(200)]
    view = Permission.objects.get(content_type__app_label="care", codename="view_patient").pk
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO care_patient (id, firstname, lastname, gender, email, phone, created_at, updated_at,
                birth_date_estimated, address, medical_history, blood_group, search_key)
            SELECT ('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                'First' || n, 'Last' || mod(n, 1000), 'F', '', '', now(), now(), false, '', '', '', 'first' || n
            FROM generate_series(1, %s) AS n
            """,
            [size],
        )
        cursor.execute(
            """
            INSERT INTO care_patientuserpermission (user_id, content_object_id, permission_id)
            SELECT CASE WHEN mod(row, 20) = 0 THEN %s::uuid WHEN mod(row, %s / 150) = 1 THEN %s::uuid
                        ELSE (%s::uuid[])[1 + mod(row, 200)] END, id, %s
            FROM (SELECT id, row_number() OVER (ORDER BY id) AS row FROM care_patient) AS numbered
            """,
            [heavy.pk, size, light.pk, crowd, view],
        )
        cursor.execute("ANALYZE care_patient")
        cursor.execute("ANALYZE care_patientuserpermission")
        cursor.execute("ANALYZE auth_permission")
    return light, heavy, none


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def first_page_plan(user):
    actor = Actor("person", user.pk, Role.DOCTOR)
    page = visible_patients(actor).order_by("-pk")[:51]
    sql, params = page.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        (answer,) = cursor.fetchone()
    return (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]


def test_the_first_page_uses_the_grants_index(crowd, proof_scale):
    for user in crowd:
        plan = list(nodes(first_page_plan(user)))
        grants = [node for node in plan if node.get("Relation Name") == "care_patientuserpermission"]
        assert grants, plan
        for node in grants:
            assert "Index" in node["Node Type"] or "Bitmap" in node["Node Type"], node
        patients = [node for node in plan if node.get("Relation Name") == "care_patient"]
        assert all(node["Node Type"] != "Seq Scan" for node in patients), plan
        walked = sum(
            node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0) for node in patients
        )
        assert walked <= FULL_SIZE * proof_scale / 10, "the page walked through other people's charts"


def test_an_empty_handed_account_finds_nothing_quickly(crowd):
    actor = Actor("person", crowd[2].pk, Role.DOCTOR)
    assert list(visible_patients(actor)[:51]) == []
    assert Patient.objects.filter(pk=UUID("01890000-0000-7000-8000-000000000001")).exists()
