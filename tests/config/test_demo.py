import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

import care.service
from care.grants import rebuild_all_grants
from care.models import CareTeamMember, Doctor, Patient
from config.demo import ACCOUNTS, PASSWORD, make_demo_clinic
from core.actor import SYSTEM, Role
from core.errors import Invalid
from core.models import Job
from federation.models import Feed, Hospital
from identity.models import RoleRequest, User
from scheduling.models import Appointment, AppointmentEvent, Schedule, TimeOff
from tests.conftest import Api
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def moment():
    return timezone.now()


@pytest.fixture(scope="module")
def clinic_of_the_module(moment, django_db_setup, django_db_blocker):
    """The demo clinic, made once in a transaction around every test of this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_demo_clinic(now=moment)
        transaction.set_rollback(True)


@pytest.fixture
def clinic(clinic_of_the_module, db):
    return clinic_of_the_module


@pytest.fixture
def small(monkeypatch):
    """A demo clinic of few patients, for tests that make their own."""
    monkeypatch.setattr("config.demo.PATIENTS", 5)


def sign_in(username):
    """The API in the hands of a demo account, signed in with the printed password."""
    api = Api(None)
    answer = api.post("/api/login/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 200
    api._token = answer.json()["access"]
    return api


def everything():
    """Every row that the demo makes, so that two moments can be compared."""
    models = (User, Doctor, Patient, CareTeamMember, Schedule, TimeOff, Appointment)
    return {model: list(model.objects.order_by("pk").values()) for model in models}


# These make their own; they stand before the first test that the module's clinic is made for.
def test_makes_nothing_at_all_where_one_of_its_accounts_cannot_be_made(small, now):
    UserFactory(username="somebody", email="demo-staff@polyclinic.example")

    with pytest.raises(Invalid):
        make_demo_clinic(now=now)

    assert User.objects.count() == 1
    assert not Doctor.objects.exists()


def test_is_refused_in_production(settings):
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="refused in production"):
        call_command("demo")

    assert not User.objects.exists()


def test_prints_how_to_sign_in_and_the_second_time_that_nothing_changed(small):
    first, second = io.StringIO(), io.StringIO()
    call_command("demo", stdout=first)
    call_command("demo", stdout=second)

    assert first.getvalue().splitlines()[0] == "The demo clinic is ready. Its accounts:"
    assert "nothing was changed" in second.getvalue().splitlines()[0]
    assert first.getvalue().splitlines()[1:] == second.getvalue().splitlines()[1:]
    for account in ACCOUNTS:
        [line] = [line for line in first.getvalue().splitlines() if account.username in line]
        assert line.split()[:3] == [account.username, PASSWORD, account.role]


def test_makes_a_believable_clinic(clinic):
    assert clinic.is_new
    assert Doctor.objects.count() == 20
    assert Patient.objects.count() == 200
    assert Doctor.objects.filter(verified=False).count() == 2
    assert Doctor.objects.values("specialization").distinct().count() >= 12
    for doctor in Doctor.objects.all():
        assert doctor.consultation_fee > 0
        assert doctor.location
        assert doctor.time_zone == "America/New_York"
        assert doctor.license_number


def test_gives_every_patient_one_to_three_verified_doctors(clinic):
    for patient in Patient.objects.prefetch_related("care_team__doctor"):
        team = [member.doctor for member in patient.care_team.all()]
        assert 1 <= len(team) <= 3
        assert all(doctor.verified for doctor in team)


def test_sends_children_to_paediatricians_and_no_man_to_a_gynaecologist(clinic, now):
    today = timezone.localdate(now)
    for member in CareTeamMember.objects.select_related("patient", "doctor"):
        child = member.patient.age_on(today) < 16
        assert child or member.doctor.specialization != "PED"
        assert member.doctor.specialization not in (("GEN", "FAMP", "INTM", "OBGY") if child else ())
        assert (member.doctor.specialization, member.patient.gender) != ("OBGY", "M")


def test_names_nobody_twice_and_gives_everybody_a_number_kept_for_fiction(clinic):
    people = [*Patient.objects.all(), *Doctor.objects.all()]

    assert len({person.name for person in people}) == 220
    assert len({person.phone for person in people}) == 220
    assert all(person.phone[5:10] == "55501" for person in people)
    assert all(person.email.endswith(("example.com", ".example")) for person in people if person.email)


def test_begins_no_chart_before_its_patient_is_born(clinic):
    for patient in Patient.objects.all():
        assert patient.birth_date < timezone.localdate(patient.created_at)


def test_has_an_account_of_every_role_that_signs_in_with_the_printed_password(clinic):
    assert {account.role for account in clinic.accounts} == set(Role)
    for account in clinic.accounts:
        profile = sign_in(account.username).get("/api/profile/").json()
        assert (profile["role"], profile["name"]) == (account.role, account.name)


def test_the_patient_sees_her_own_chart_and_no_other(clinic):
    [chart] = sign_in("demo-patient").get("/api/patients/").json()

    assert chart["name"] == "Elena Marsh"
    assert chart["user"] == str(User.objects.get(username="demo-patient").pk)


def test_the_doctor_sees_the_patients_she_treats(clinic):
    doctor = Doctor.objects.get(user__username="demo-doctor")
    rows = sign_in("demo-doctor").get("/api/patients/", {"limit": 100}).json()

    assert doctor.verified
    assert len(rows) >= 5
    assert {row["id"] for row in rows} == {str(pk) for pk in doctor.care_team.values_list("patient", flat=True)}


def test_staff_see_everybody_and_what_waits_for_them(clinic):
    staff = sign_in("demo-staff")

    assert len(staff.get("/api/patients/", {"limit": 100}).json()) == 100
    assert len(staff.get("/api/doctors/", {"verified": "false"}).json()) == 2
    [request] = RoleRequest.objects.filter(status="pending")
    assert (request.user.username, request.role) == ("demo-newcomer", "staff")


@pytest.mark.parametrize("username", ["demo-researcher", "demo-official"])
def test_research_accounts_see_no_patient_by_name(clinic, username):
    assert sign_in(username).get("/api/patients/").status_code == 403


def test_only_the_administrator_opens_the_technical_window(clinic):
    assert [user.username for user in User.objects.filter(is_superuser=True)] == ["demo-admin"]


def test_gives_every_verified_doctor_hours_for_the_weeks_to_come(clinic, moment):
    for doctor in Doctor.objects.filter(verified=True):
        hours = Schedule.objects.filter(doctor=doctor)
        assert hours.exists()
        assert all(each.last_on > (moment + timedelta(days=14)).date() for each in hours)
    assert not Schedule.objects.filter(doctor__verified=False).exists()


def test_every_appointment_stands_where_it_would_by_now(clinic, moment):
    live, over = {"booked", "arrived", "cancelled"}, {"fulfilled", "noshow", "cancelled"}
    for appointment in Appointment.objects.prefetch_related("history"):
        if appointment.ends_at <= moment:
            assert appointment.status in over
        elif appointment.starts_at > moment:
            assert appointment.status in live
        assert appointment.created_at < appointment.starts_at
        assert all(event.at <= moment for event in appointment.history.all())
    assert set(Appointment.objects.values_list("status", flat=True)) >= {"booked", *over}


def test_today_is_a_busy_day_whatever_day_it_is(clinic, moment):
    today = moment.astimezone(ZoneInfo("America/New_York")).date()

    assert Appointment.objects.filter(date=today).exclude(status="cancelled").count() >= 3


def test_people_come_to_the_doctors_who_treat_them(clinic):
    treated = set(CareTeamMember.objects.values_list("patient", "doctor"))

    assert set(Appointment.objects.values_list("patient", "doctor")) <= treated


def test_the_patient_has_been_there_and_comes_again(clinic, moment):
    own = Appointment.objects.filter(patient__user__username="demo-patient")

    assert own.filter(starts_at__lt=moment).exists()
    assert own.filter(starts_at__gt=moment).exists()
    rows = sign_in("demo-patient").get("/api/profile/appointments/").json()
    assert len(rows) == own.count()


def test_leaves_every_grant_right(clinic):
    assert rebuild_all_grants() == 0


def test_registers_three_neighbours_and_has_each_copied(clinic):
    hospitals = list(Hospital.objects.order_by("name"))

    assert [hospital.name for hospital in hospitals] == ["Hillcrest Clinic", "Lakeside Hospital", "Riverside Hospital"]
    assert {hospital.api_endpoint.partition("?")[0] for hospital in hospitals} == {
        "http://127.0.0.1:8000/api/mock_hospital_data/"
    }
    waiting = {job.key for job in Job.objects.filter(kind="federation.sync_hospital", state="queued")}
    assert waiting == {f"sync:{hospital.pk}" for hospital in hospitals}


def test_making_it_again_changes_nothing(clinic, now):
    before = everything()

    again = make_demo_clinic(now=now + timedelta(days=1))

    assert not again.is_new
    assert again.accounts == clinic.accounts
    assert everything() == before


def test_making_it_again_leaves_what_people_changed(clinic, now):
    doctor = Doctor.objects.filter(verified=False).first()
    care.service.verify_doctor(actor=SYSTEM, doctor_id=doctor.pk, now=now)

    make_demo_clinic(now=now)

    assert Doctor.objects.filter(verified=False).count() == 1


def test_invents_the_same_people_every_time(clinic, moment):
    def people():
        columns = "firstname", "lastname", "birth_date", "phone", "email", "address", "medical_history", "blood_group"
        teams = CareTeamMember.objects.order_by("pk").values("patient__phone", "doctor__phone")
        return list(Patient.objects.order_by("pk").values(*columns)), list(teams)

    first = people()
    care_of_patients = AppointmentEvent, Appointment, TimeOff, Schedule, CareTeamMember, Patient, Doctor
    for model in (*care_of_patients, Feed, Hospital, RoleRequest, User):
        model.objects.all().delete()

    assert make_demo_clinic(now=moment).is_new
    assert people() == first
