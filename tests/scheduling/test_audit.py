"""Every act on the appointment book is on record once, with the patient, and does not happen where it cannot be."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from care.models import Patient
from core.models import AuditEvent, AuditSubject
from scheduling.models import Appointment, AppointmentEvent, Schedule, TimeOff
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db

MISSING = "01890000-0000-7000-8000-000000000000"


def forget_all():
    """Forget what led to a scene; with the database's own words, since the ORM refuses."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("TRUNCATE core_auditsubject, core_auditevent")
        else:
            cursor.execute("DELETE FROM core_auditsubject")
            cursor.execute("DELETE FROM core_auditevent")


def only_event():
    """The one event there is: what was done, how it ended, by which rule, and about whom."""
    event = AuditEvent.objects.get()
    subjects = {(subject.kind, str(subject.subject_id)) for subject in event.subjects.all()}
    return event.action, event.outcome, event.rule, subjects


@pytest.fixture
def coming(dr_chen, alices_chart, chens_morning, monday, erin, ada):
    """An appointment of alice's chart with Lin Chen; what led there is not counted."""
    made = make_appointment(dr_chen.doctor, alices_chart, at(monday, "10:00"))
    forget_all()
    return made


@pytest.fixture
def broken():
    """The audit's table refuses every row."""

    def refuse(execute, sql, params, many, context):
        if "core_auditevent" in sql and sql.lstrip().upper().startswith("INSERT"):
            raise DatabaseError("the audit cannot be written")
        return execute(sql, params, many, context)

    return lambda: connection.execute_wrapper(refuse)


class TestEveryActOnce:
    @pytest.mark.parametrize(
        ("who", "rule"),
        [("alice", "own-chart"), ("dr_chen", "own-calendar"), ("erin", "front-desk"), ("ada", "admin")],
    )
    @pytest.mark.parametrize(
        ("method", "path", "action"),
        [
            ("get", "/api/appointments/{id}/", "appointment.read"),
            ("head", "/api/appointments/{id}/", "appointment.read"),
            ("post", "/api/appointments/{id}/cancel/", "appointment.cancelled"),
        ],
    )
    def test_of_one_appointment_names_it_and_its_patient(
        self, request, coming, alices_chart, who, rule, method, path, action
    ):
        person = request.getfixturevalue(who)
        assert getattr(person.api, method)(path.format(id=coming.pk)).status_code == 200
        expected = {("appointment", str(coming.pk)), ("patient", str(alices_chart.pk))}
        assert only_event() == (action, "allowed", rule, expected)

    @pytest.mark.parametrize(
        ("who", "path"),
        [
            ("alice", "/api/appointments/"),
            ("dr_chen", "/api/appointments/"),
            ("erin", "/api/appointments/"),
            ("ada", "/api/appointments/"),
            ("alice", "/api/profile/appointments/"),
            ("dr_chen", "/api/profile/appointments/"),
        ],
    )
    def test_a_list_names_every_patient_in_it(self, request, coming, alices_chart, who, path):
        assert len(request.getfixturevalue(who).api.get(path).json()) == 1
        action, outcome, _, subjects = only_event()
        assert (action, outcome) == ("appointment.list", "allowed")
        assert ("patient", str(alices_chart.pk)) in subjects

    @pytest.mark.parametrize(
        ("move", "action"), [("arrive", "appointment.arrived"), ("reschedule", "appointment.reschedule")]
    )
    def test_other_moves(self, erin, coming, alices_chart, monday, move, action):
        body = {"starts_at": at(monday, "11:00").isoformat()} if move == "reschedule" else None
        assert erin.api.post(f"/api/appointments/{coming.pk}/{move}/", body).status_code == 200
        expected = {("appointment", str(coming.pk)), ("patient", str(alices_chart.pk))}
        found = only_event()
        assert (found[0], found[1], expected <= found[3]) == (action, "allowed", True)

    def test_fulfilling(self, erin, coming, alices_chart):
        erin.api.post(f"/api/appointments/{coming.pk}/arrive/")
        forget_all()
        erin.api.post(f"/api/appointments/{coming.pk}/fulfil/")
        assert only_event()[:2] == ("appointment.fulfilled", "allowed")

    def test_a_patient_who_did_not_come(self, erin, dr_diaz, alices_chart):
        yesterday = timezone.now().date() - timedelta(days=1)
        make_schedule(dr_diaz.doctor, yesterday)
        missed = make_appointment(dr_diaz.doctor, alices_chart, at(yesterday, "09:00"))
        forget_all()
        erin.api.post(f"/api/appointments/{missed.pk}/no-show/")
        expected = {("appointment", str(missed.pk)), ("patient", str(alices_chart.pk))}
        assert only_event() == ("appointment.noshow", "allowed", "front-desk", expected)

    @pytest.mark.parametrize(
        ("method", "body", "action"),
        [("patch", {"status": "fulfilled"}, "appointment.override"), ("delete", None, "appointment.delete")],
    )
    def test_the_override(self, ada, coming, alices_chart, method, body, action):
        getattr(ada.api, method)(f"/api/appointments/{coming.pk}/", body)
        expected = {("appointment", str(coming.pk)), ("patient", str(alices_chart.pk))}
        assert only_event() == (action, "allowed", "admin", expected)

    @pytest.mark.parametrize("who", ["alice", "erin"])
    def test_booking_names_patient_doctor_and_appointment(self, request, who, alices_chart, chens_morning):
        person = request.getfixturevalue(who)
        forget_all()
        made = person.api.post("/api/appointments/", booking(chens_morning, alices_chart)).json()
        action, outcome, _, subjects = only_event()
        assert (action, outcome) == ("appointment.book", "allowed")
        assert subjects == {
            ("doctor", str(chens_morning.doctor_id)),
            ("patient", str(alices_chart.pk)),
            ("appointment", made["id"]),
        }

    def test_the_first_booking_names_the_chart_that_it_makes(self, bob, chens_morning):
        forget_all()
        made = bob.api.post("/api/appointments/", booking(chens_morning)).json()
        assert ("patient", made["patient"]) in only_event()[3]

    def test_the_report_names_the_patients_of_its_page(self, ada, coming, alices_chart):
        ada.api.get("/api/admin-panel/reports/")
        assert only_event() == ("report.appointments", "allowed", "admin", {("patient", str(alices_chart.pk))})

    def test_of_working_hours(self, erin, a_doctor, monday):
        hours = {"doctor": str(a_doctor.pk), "date": str(monday), "start_time": "09:00", "end_time": "12:00"}
        forget_all()
        made = erin.api.post("/api/schedules/", hours).json()["id"]
        expected = {("doctor", str(a_doctor.pk)), ("schedule", made)}
        assert only_event() == ("schedule.create", "allowed", "", expected)
        for method, body, action in (
            ("patch", {"end_time": "13:00"}, "schedule.update"),
            ("delete", None, "schedule.delete"),
        ):
            forget_all()
            getattr(erin.api, method)(f"/api/schedules/{made}/", body)
            found = only_event()
            assert (found[:2], ("schedule", made) in found[3]) == ((action, "allowed"), True)

    def test_of_time_off(self, erin, a_doctor, monday):
        times = {"starts_at": at(monday, "09:00").isoformat(), "ends_at": at(monday, "10:00").isoformat()}
        forget_all()
        made = erin.api.post("/api/time-off/", {"doctor": str(a_doctor.pk), **times}).json()["id"]
        assert only_event()[:2] == ("time-off.create", "allowed")
        forget_all()
        erin.api.delete(f"/api/time-off/{made}/")
        assert only_event()[:2] == ("time-off.delete", "allowed")

    def test_asking_for_free_time_is_no_patients_business(self, alice, coming, monday):
        alice.api.get(f"/api/doctors/{coming.doctor_id}/slots/")
        alice.api.get("/api/slots/")
        assert not AuditEvent.objects.exists()

    def test_the_access_log_of_a_patient_shows_it(self, alice, erin, coming):
        erin.api.get(f"/api/appointments/{coming.pk}/")
        [row] = alice.api.get("/api/profile/access-log/").json()
        assert (row["actor_name"], row["action"], row["rule"]) == ("Erin", "appointment.read", "front-desk")

    def test_no_note_and_no_name_stands_in_an_event(self, alice, ada, coming, chens_morning, alices_chart):
        canary = "canary-4711"
        alice.api.post("/api/appointments/", booking(chens_morning, alices_chart, notes=canary))
        ada.api.patch(f"/api/appointments/{coming.pk}/", {"notes": canary, "reason": canary})
        stored = str(list(AuditEvent.objects.values_list())) + str(list(AuditSubject.objects.values_list()))
        assert canary not in stored
        assert "Alma" not in stored


def booking(schedule, patient=None, clock="09:00", **more):
    named = {"patient": str(patient.pk)} if patient else {}
    return {
        "doctor": str(schedule.doctor_id),
        "schedule": str(schedule.pk),
        "appointment_time": clock,
        **named,
        **more,
    }


class TestRefusals:
    """A refused act is on record once as well, by the name of its refusal."""

    @pytest.mark.parametrize(
        ("who", "method", "path", "rule"),
        [
            ("bob", "get", "", "not_found"),
            ("dr_diaz", "get", "", "not_found"),
            ("bob", "post", "cancel/", "not_found"),
            ("alice", "post", "arrive/", "not_allowed"),
            ("rita", "get", "", "not_allowed"),
            ("rita", "post", "cancel/", "not_allowed"),
            ("erin", "post", "fulfil/", "illegal_move"),
            ("erin", "post", "no-show/", "too_early"),
            ("erin", "delete", "", "not_allowed"),
        ],
    )
    def test_of_one_appointment(self, request, coming, who, method, path, rule):
        person = request.getfixturevalue(who)
        getattr(person.api, method)(f"/api/appointments/{coming.pk}/{path}")
        found = only_event()
        assert found[1:3] == ("refused", rule)
        assert ("appointment", str(coming.pk)) in found[3]

    @pytest.mark.parametrize(
        ("who", "move"),
        [("alice", "arrive/"), ("erin", "fulfil/"), ("alice", "reschedule/"), ("dr_chen", "reschedule/")],
    )
    def test_names_the_patient_of_what_the_actor_sees(self, request, coming, alices_chart, who, move):
        body = {"starts_at": (coming.starts_at + timedelta(minutes=10)).isoformat()} if "re" in move else None
        request.getfixturevalue(who).api.post(f"/api/appointments/{coming.pk}/{move}", body)
        found = only_event()
        assert found[1] == "refused"
        assert ("patient", str(alices_chart.pk)) in found[3]

    @pytest.mark.parametrize(
        ("clock", "rule"), [("10:00", "slot_taken"), ("09:10", "off_grid"), ("15:00", "outside_schedule")]
    )
    def test_of_booking_names_the_patient(self, erin, coming, chens_morning, clock, rule):
        patient = PatientFactory()
        erin.api.post("/api/appointments/", booking(chens_morning, patient, clock))
        found = only_event()
        assert found[:3] == ("appointment.book", "refused", rule)
        assert ("patient", str(patient.pk)) in found[3]

    def test_of_booking_for_a_patient_of_the_care_team(self, dr_chen, coming, chens_morning, alices_chart):
        """Who tried to book for a patient they see but do not keep is on that patient's record."""
        dr_chen.api.post("/api/appointments/", booking(chens_morning, alices_chart))
        found = only_event()
        assert found[:3] == ("appointment.book", "refused", "not_allowed")
        assert ("patient", str(alices_chart.pk)) in found[3]

    def test_of_booking_for_somebody_elses_patient(self, bob, coming, chens_morning, alices_chart):
        bob.api.post("/api/appointments/", booking(chens_morning, alices_chart))
        found = only_event()
        assert found[:3] == ("appointment.book", "refused", "invalid")
        assert ("patient", str(alices_chart.pk)) in found[3]

    def test_of_a_missing_appointment_names_its_id(self, alice, coming):
        alice.api.get(f"/api/appointments/{MISSING}/")
        assert only_event() == ("appointment.read", "refused", "not_found", {("appointment", MISSING)})

    @pytest.mark.parametrize("who", ["alice", "rita"])
    def test_of_the_report(self, request, who, coming):
        request.getfixturevalue(who).api.get("/api/admin-panel/reports/")
        assert only_event() == ("report.appointments", "refused", "not_allowed", set())

    def test_of_a_list(self, rita, coming):
        rita.api.get("/api/appointments/")
        assert only_event() == ("appointment.list", "refused", "not_allowed", set())

    def test_of_working_hours(self, alice, dr_chen, coming, chens_morning):
        alice.api.delete(f"/api/schedules/{chens_morning.pk}/")
        assert only_event() == ("schedule.delete", "refused", "not_allowed", {("schedule", str(chens_morning.pk))})
        forget_all()
        dr_chen.api.delete(f"/api/schedules/{chens_morning.pk}/")
        assert only_event()[:3] == ("schedule.delete", "refused", "live_appointments")


class TestStandOrFallTogether:
    """What cannot be recorded does not happen, and is not served."""

    def test_booking(self, bob, coming, chens_morning, broken):
        assert bob.api.token
        charts = Patient.objects.count()
        with broken():
            assert bob.api.post("/api/appointments/", booking(chens_morning)).status_code == 500
        assert list(Appointment.objects.values_list("pk", flat=True)) == [coming.pk]
        assert AppointmentEvent.objects.count() == 1
        assert Patient.objects.count() == charts
        assert bob.api.post("/api/appointments/", booking(chens_morning)).status_code == 201

    @pytest.mark.parametrize("move", ["cancel", "arrive", "reschedule"])
    def test_moves(self, erin, coming, monday, broken, move):
        assert erin.api.token
        body = {"starts_at": at(monday, "11:00").isoformat()} if move == "reschedule" else None
        with broken():
            assert erin.api.post(f"/api/appointments/{coming.pk}/{move}/", body).status_code == 500
        again = Appointment.objects.get()
        assert (again.status, again.starts_at, again.history.count()) == ("booked", coming.starts_at, 1)

    def test_the_override(self, ada, coming, broken):
        assert ada.api.token
        with broken():
            assert ada.api.patch(f"/api/appointments/{coming.pk}/", {"status": "noshow"}).status_code == 500
            assert ada.api.delete(f"/api/appointments/{coming.pk}/").status_code == 500
        again = Appointment.objects.get()
        assert (again.status, again.hidden_at, again.history.count()) == ("booked", None, 1)

    def test_working_hours(self, erin, a_doctor, monday, broken):
        hours = {"doctor": str(a_doctor.pk), "date": str(monday), "start_time": "09:00", "end_time": "12:00"}
        times = {"starts_at": at(monday, "09:00").isoformat(), "ends_at": at(monday, "10:00").isoformat()}
        assert erin.api.token
        with broken():
            assert erin.api.post("/api/schedules/", hours).status_code == 500
            assert erin.api.post("/api/time-off/", {"doctor": str(a_doctor.pk), **times}).status_code == 500
        assert not Schedule.objects.exists()
        assert not TimeOff.objects.exists()

    @pytest.mark.parametrize(
        "path",
        ["/api/appointments/", "/api/appointments/{id}/", "/api/profile/appointments/", "/api/admin-panel/reports/"],
    )
    def test_reading(self, ada, alice, coming, broken, path):
        person = ada if "report" in path else alice
        assert person.api.token
        with broken():
            answer = person.api.get(path.format(id=coming.pk))
        assert answer.status_code == 500
        assert "Alma" not in answer.content.decode()

    def test_a_refusal(self, bob, coming, broken):
        assert bob.api.token
        with broken():
            assert bob.api.get(f"/api/appointments/{coming.pk}/").status_code == 500
