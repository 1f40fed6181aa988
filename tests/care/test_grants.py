"""Grants are a derived index: whatever happens, they equal the facts."""

import time

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

import care.service
from care import grants
from care.models import Patient, PatientUserPermission
from care.schemas import CareTeamMemberIn
from core.actor import SYSTEM, Role
from core.errors import Refusal
from core.ids import new_id
from tests.factories import DoctorFactory, PatientFactory, UserFactory
from tests.rivals import in_parallel


def every_patient():
    return list(Patient.objects.values_list("pk", flat=True))


def assert_grants_equal_facts():
    patients = every_patient()
    assert set(grants.stored(patients)) == grants.facts(patients)


def expected_people(patient):
    """Who may see a patient, derived another way: row by row, in Python."""
    people = {patient.keeper_id, patient.user_id} - {None}
    for member in patient.care_team.all():
        doctor = member.doctor
        practises = doctor.user is not None and doctor.user.is_active and doctor.user.role == Role.DOCTOR
        if member.ended_at is None and doctor.verified and doctor.deleted_at is None and practises:
            people.add(doctor.user_id)
    return set() if patient.deleted_at else people


class TestRandomHistories(TestCase):
    """Any sequence of what people do leaves exactly the grants that the facts give."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["assign", "end", "verify", "unverify", "role", "active", "link", "delete"]),
                st.integers(0, 2),
                st.integers(0, 2),
            ),
            max_size=15,
        )
    )
    def test_leave_the_grants_equal_to_the_facts(self, history):
        now = timezone.now()
        keepers = [UserFactory() for _ in range(3)]
        accounts = [UserFactory(role=Role.DOCTOR) for _ in range(3)]
        patients = [PatientFactory(created_by=keeper) for keeper in keepers]
        doctors = [DoctorFactory(user=account) for account in accounts]
        for act, p, d in history:
            patient, doctor, account = patients[p].pk, doctors[d].pk, accounts[d].pk
            try:
                match act:
                    case "assign":
                        body = CareTeamMemberIn(patient=patient, doctor=doctor)
                        care.service.assign_doctor(actor=SYSTEM, body=body, now=now)
                    case "end":
                        for member in patients[p].care_team.filter(doctor=doctor, ended_at=None):
                            care.service.end_membership(actor=SYSTEM, membership_id=member.pk, now=now)
                    case "verify" | "unverify":
                        care.service.verify_doctor(actor=SYSTEM, doctor_id=doctor, verified=act == "verify", now=now)
                    case "role":
                        role = Role.DOCTOR if p else Role.RESEARCHER
                        care.service.set_role(actor=SYSTEM, user_id=account, role=role, now=now)
                    case "active":
                        change = care.service.activate_user if p else care.service.deactivate_user
                        change(actor=SYSTEM, user_id=account, now=now)
                    case "link":
                        care.service.link_patient(actor=SYSTEM, patient_id=patient, user_id=account, now=now)
                    case "delete" if p == 0:
                        care.service.delete_patient(actor=SYSTEM, patient_id=patient, now=now)
                    case "delete" if d == 0:
                        care.service.delete_doctor(actor=SYSTEM, doctor_id=doctor, now=now)
            except Refusal:
                continue  # what is refused must leave no trace either
        assert_grants_equal_facts()
        for patient in Patient.objects.prefetch_related("care_team__doctor__user"):
            people = {account for account, _, _ in grants.stored([patient.pk])}
            assert people == expected_people(patient)


@pytest.mark.django_db
class TestRepair:
    def test_rebuilding_repairs_missing_and_foreign_grants(self, alice, alices_chart, bobs_chart, bob, capsys):
        PatientUserPermission.objects.filter(user=alice.user).delete()
        grant = PatientUserPermission.objects.filter(user=bob.user).first()
        PatientUserPermission.objects.create(user=bob.user, permission=grant.permission, content_object=alices_chart)
        call_command("rebuild_grants")
        assert "Repaired 3 grants" in capsys.readouterr().out
        assert_grants_equal_facts()
        call_command("rebuild_grants")
        assert "All grants were right" in capsys.readouterr().out

    def test_refreshing_what_does_not_exist_is_nothing(self):
        assert grants.refresh_grants([new_id()]) == 0

    def test_guardians_own_check_agrees(self, alice, bob, alices_chart, dr_chen):
        assert alice.user.has_perm("care.view_patient", alices_chart)
        assert dr_chen.user.has_perm("care.change_patient", alices_chart)
        assert not bob.user.has_perm("care.view_patient", alices_chart)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_rivals_changing_facts_of_one_patient_leave_the_right_grants(round_):
    """Assigning and ending at once: whoever commits last computes with what the others committed."""
    now = timezone.now()
    patient = PatientFactory(created_by=UserFactory())
    doctors = [DoctorFactory(user=UserFactory(role=Role.DOCTOR)) for _ in range(6)]
    for doctor in doctors[:3]:
        care.service.assign_doctor(actor=SYSTEM, body=CareTeamMemberIn(patient=patient.pk, doctor=doctor.pk), now=now)
    members = list(patient.care_team.values_list("pk", flat=True))
    in_parallel(
        *(lambda pk=pk: care.service.end_membership(actor=SYSTEM, membership_id=pk, now=now) for pk in members),
        *(
            lambda doctor=doctor: care.service.assign_doctor(
                actor=SYSTEM, body=CareTeamMemberIn(patient=patient.pk, doctor=doctor.pk), now=now
            )
            for doctor in doctors[3:]
        ),
    )
    assert_grants_equal_facts()
    assert len(grants.facts([patient.pk])) == 2 * 4  # the keeper and three doctors, to view and to change


def rounds_that_leave_wrong_grants(monkeypatch, rounds):
    """Verify a doctor and end its membership at once, `rounds` times; returns how often the grants came out wrong."""
    now, wrong = timezone.now(), 0
    derive = grants.facts

    def derive_slowly(patient_ids):
        found = derive(patient_ids)
        time.sleep(0.02)  # widens the window between reading the facts and writing the grants
        return found

    monkeypatch.setattr(grants, "facts", derive_slowly)
    for _ in range(rounds):
        patient = PatientFactory()
        doctor = DoctorFactory(user=UserFactory(role=Role.DOCTOR), unverified=True)
        body = CareTeamMemberIn(patient=patient.pk, doctor=doctor.pk)
        member = care.service.assign_doctor(actor=SYSTEM, body=body, now=now)
        in_parallel(
            lambda doctor=doctor: care.service.verify_doctor(actor=SYSTEM, doctor_id=doctor.pk, now=now),
            lambda member=member: care.service.end_membership(actor=SYSTEM, membership_id=member.id, now=now),
        )
        wrong += set(grants.stored([patient.pk])) != derive([patient.pk])
    return wrong


@pytest.mark.django_db(transaction=True)
def test_verifying_and_ending_at_once_leaves_no_grant_behind(monkeypatch):
    assert rounds_that_leave_wrong_grants(monkeypatch, rounds=10) == 0


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_that_very_test_fails(monkeypatch):
    if connection.vendor == "sqlite":
        pytest.skip("an IMMEDIATE transaction is the lock there; see docs/decisions")
    monkeypatch.setattr(grants, "lock_patients", lambda _: None)
    monkeypatch.setattr("care.service.care_team.lock_patients", lambda _: None)
    assert rounds_that_leave_wrong_grants(monkeypatch, rounds=10) > 0
