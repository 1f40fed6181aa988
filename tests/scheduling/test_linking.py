"""A chart is connected with an account: the chart that a first booking made gives way to it, with its appointments."""

from functools import partial

import pytest
from django.utils import timezone

import care.service
from care.models import Patient
from care.schemas import CareTeamMemberIn
from core.audit import verify
from core.models import AuditEvent
from scheduling.models import Appointment, AppointmentEvent
from tests.conftest import Person
from tests.factories import PatientFactory, UserFactory
from tests.factories.scheduling import at, make_appointment
from tests.rivals import in_parallel
from tests.scheduling.appointment_book import book, doctor_with_hours, free_times, outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def real(erin) -> Patient:
    """The chart that the clinic has kept for years."""
    return PatientFactory(firstname="Robert", medical_history="Asthma", created_by=erin.user)


@pytest.fixture
def booked(bob, a_doctor, morning, monday) -> Appointment:
    """Bob has booked from home, which made him a chart."""
    body = {"doctor": str(a_doctor.pk), "starts_at": at(monday, "09:00").isoformat()}
    return Appointment.objects.get(pk=bob.api.post("/api/appointments/", body).json()["id"])


def link(person, chart, account):
    return person.api.post(f"/api/patients/{chart.pk}/link/", {"user": str(account.id)})


def said(answer):
    return answer.status_code, answer.json().get("code")


class TestTheChartOfAFirstBooking:
    def test_gives_way_with_its_appointments(self, bob, erin, real, booked):
        made = booked.patient
        assert link(erin, real, bob).status_code == 200

        assert bob.api.get("/api/profile/").json()["patient"] == str(real.pk)
        [mine] = bob.api.get("/api/profile/appointments/").json()
        assert (mine["id"], mine["patient"]) == (str(booked.pk), str(real.pk))
        for person in (bob, erin):
            assert person.api.get(f"/api/patients/{made.pk}/").status_code == 404
        assert bob.api.get(f"/api/patients/{real.pk}/").json()["medical_history"] == "Asthma"

    def test_leaves_a_line_in_the_history_of_each_appointment(self, bob, erin, real, booked):
        link(erin, real, bob)
        _, line = bob.api.get(f"/api/appointments/{booked.pk}/").json()["history"]
        assert (line["by"], line["from_status"], line["to_status"]) == (str(erin.id), "booked", "booked")
        assert line["reason"] == "the two charts are one person's"

    def test_is_on_record_with_everything_that_it_is_about(self, bob, erin, real, booked):
        link(erin, real, bob)
        event = AuditEvent.objects.get(action="patient.link")
        about = set(event.subjects.values_list("kind", "subject_id"))
        patients = {("patient", real.pk), ("patient", booked.patient_id)}
        assert about == {*patients, ("appointment", booked.pk), ("user", bob.id)}
        assert verify().broken == []

    @pytest.mark.parametrize("status", ["arrived", "fulfilled", "cancelled", "noshow"])
    def test_hands_over_appointments_in_every_status(self, bob, erin, real, booked, a_doctor, monday, status):
        other = make_appointment(a_doctor, booked.patient, at(monday, "10:00"), status)
        assert link(erin, real, bob).status_code == 200
        assert set(Appointment.objects.filter(patient=real).values_list("pk", "status")) == {
            (booked.pk, "booked"),
            (other.pk, status),
        }

    def test_without_appointments_just_goes(self, bob, erin, ada, real, booked):
        AppointmentEvent.objects.all().delete()
        booked.delete()
        assert link(erin, real, bob).status_code == 200
        assert Patient.objects.get(user=bob.user, deleted_at=None) == real

    def test_that_is_cancelled_may_overlap(self, bob, erin, real, booked, chens_morning, monday):
        bob.api.post(f"/api/appointments/{booked.pk}/cancel/")
        make_appointment(chens_morning.doctor, real, at(monday, "09:00"))
        assert link(erin, real, bob).status_code == 200

    def test_stays_where_the_person_would_be_in_two_rooms(self, bob, erin, real, booked, chens_morning, monday):
        make_appointment(chens_morning.doctor, real, at(monday, "09:00"))
        refused = link(erin, real, bob)
        assert said(refused) == (409, "patient_busy")
        assert "cancel one of the two" in refused.json()["detail"]
        self.nothing_happened(bob, real, booked)

    @pytest.mark.parametrize(
        ("who", "change"),
        [
            ("bob", {"phone": "+16175550101"}),
            ("bob", {"birth_date": "1980-02-03"}),
            ("bob", {"gender": "M"}),
            ("erin", {"medical_history": "Diabetes"}),
            ("erin", {"blood_group": "A+"}),
        ],
    )
    def test_stays_once_somebody_has_written_in_it(self, request, bob, erin, real, booked, who, change):
        path = f"/api/patients/{booked.patient_id}/"
        assert request.getfixturevalue(who).api.patch(path, change).status_code == 200
        self.refused(link(erin, real, bob))
        self.nothing_happened(bob, real, booked)

    def test_stays_once_a_doctor_treats_it(self, bob, erin, real, booked, dr_chen, now):
        body = CareTeamMemberIn(patient=booked.patient_id, doctor=dr_chen.doctor.pk)
        care.service.assign_doctor(actor=erin.actor, body=body, now=now)
        self.refused(link(erin, real, bob))
        self.nothing_happened(bob, real, booked)

    def test_that_the_desk_added_is_a_chart_like_any_other(self, bob, erin, real):
        assert link(erin, PatientFactory(created_by=erin.user), bob).status_code == 200
        self.refused(link(erin, real, bob))

    def refused(self, answer):
        assert said(answer) == (409, "already_linked")
        assert "have an administrator delete the other one" in answer.json()["detail"]

    def nothing_happened(self, bob, real, booked):
        real.refresh_from_db()
        booked.refresh_from_db()
        assert real.user is None
        assert booked.patient.user == bob.user
        assert booked.patient.deleted_at is None
        assert AppointmentEvent.objects.filter(appointment=booked).count() == 1


class TestFindingTheAccount:
    def find(self, person, chart, identifier):
        return care.service.find_account(actor=person.actor, patient_id=chart.pk, identifier=identifier)

    @pytest.mark.parametrize("identifier", ["bob", " BOB ", "Bob@Home.example", "+1 617 555 0101"])
    def test_goes_by_anything_that_somebody_signs_in_with(self, bob, erin, real, identifier):
        bob.user.email, bob.user.mobile_number = "bob@home.example", "+16175550101"
        bob.user.save()
        found = self.find(erin, real, identifier)
        assert (found.id, found.name) == (bob.id, "Bob")
        event = AuditEvent.objects.get(action="patient.find-account")
        assert set(event.subjects.values_list("subject_id", flat=True)) == {real.pk, bob.id}


@pytest.mark.django_db(transaction=True)
def test_a_first_booking_at_the_same_moment_ends_in_the_one_chart(erin):
    doctor = doctor_with_hours()
    for starts_at in free_times(doctor)[:8]:
        newcomer = Person(UserFactory())
        chart = PatientFactory(created_by=erin.user)
        to_link = {"actor": erin.actor, "patient_id": chart.pk, "user_id": newcomer.id, "now": timezone.now()}
        act = partial(care.service.link_patient, **to_link)
        booked, linked = in_parallel(partial(book, newcomer.actor, doctor, starts_at), partial(outcome, act))
        assert (booked, linked == "already_linked" or linked.user == newcomer.id) == ("booked", True)

        act()  # a second try is never refused: nobody has written in what the booking made
        assert list(Patient.objects.filter(user=newcomer.user, deleted_at=None)) == [chart]
        assert Appointment.objects.get(starts_at=starts_at).patient == chart
