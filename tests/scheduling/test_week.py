"""A doctor's week by the doctor's clocks."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.models import AuditEvent
from scheduling.models import Schedule
from scheduling.schemas import ScheduleIn
from scheduling.service import create_schedules, get_week
from scheduling.service.schedules import ScheduleOverlap
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule, make_time_off

pytestmark = pytest.mark.django_db

NINE, TEN, NOON, MIDNIGHT = 9 * 60, 10 * 60, 12 * 60, 24 * 60


def week_of(person, doctor, day, now):
    return get_week(actor=person.actor, doctor_id=doctor.pk, day=day, now=now)


def parts(week, kind):
    return [(stretch.day, stretch.begins, stretch.ends) for stretch in week.stretches if stretch.kind == kind]


def test_shows_hours_time_off_and_who_is_booked(erin, a_doctor, monday, now):
    make_schedule(a_doctor, monday)
    make_schedule(a_doctor, monday + timedelta(days=7))
    make_appointment(a_doctor, PatientFactory(firstname="Ana"), at(monday, "09:00"))
    make_appointment(a_doctor, PatientFactory(), at(monday, "09:30"), "cancelled")
    make_time_off(a_doctor, at(monday, "11:00"), at(monday, "15:00"))

    week = week_of(erin, a_doctor, monday + timedelta(days=3), now)

    assert week.first_day == monday
    assert parts(week, "hours") == [(monday, NINE, NOON)]
    assert parts(week, "off") == [(monday, 11 * 60, 15 * 60)]
    assert parts(week, "booked") == [(monday, NINE, NINE + 30)]
    [booked] = [stretch.appointment for stretch in week.stretches if stretch.appointment]
    assert booked.patient_name == "Ana Ient"
    assert [hours.date for hours in week.hours] == [monday]


def test_cuts_time_off_at_midnight_and_at_the_ends_of_the_week(erin, a_doctor, monday, now):
    make_time_off(a_doctor, at(monday - timedelta(days=2), "09:00"), at(monday + timedelta(days=1), "12:00"))

    week = week_of(erin, a_doctor, monday, now)

    assert parts(week, "off") == [(monday, 0, MIDNIGHT), (monday + timedelta(days=1), 0, NOON)]


def test_goes_by_the_doctors_clocks(erin, monday, now):
    doctor = DoctorFactory(time_zone="Asia/Kolkata")
    make_schedule(doctor, monday, "09:00", "12:00")
    make_appointment(doctor, PatientFactory(), at(monday, "03:30"))

    week = week_of(erin, doctor, monday, now)

    assert parts(week, "hours") == [(monday, NINE, NOON)]
    assert parts(week, "booked") == [(monday, NINE, NINE + 30)]


def test_shows_an_appointment_in_the_hour_that_is_repeated(erin, now):
    """On 1 November 2026 New York's clocks show 01:30 twice."""
    doctor = DoctorFactory(time_zone="America/New_York")
    day = date(2026, 11, 1)
    make_schedule(doctor, day, "00:00", "03:00")
    make_appointment(doctor, PatientFactory(), at(day, "05:30"))

    week = week_of(erin, doctor, day, now)

    assert parts(week, "booked") == [(day, 90, 120)]


def test_weekly_hours_stand_on_their_day_and_once_in_the_list(erin, a_doctor, monday, now):
    for weekday in (2, 0):
        make_schedule(a_doctor, weekday=weekday, first=monday - timedelta(days=30), until=monday + timedelta(days=30))

    week = week_of(erin, a_doctor, monday, now)

    assert parts(week, "hours") == [(monday, NINE, NOON), (monday + timedelta(days=2), NINE, NOON)]
    assert [hours.weekday for hours in week.hours] == [0, 2]


def test_is_this_week_unless_a_day_is_named(erin, a_doctor, monday):
    assert week_of(erin, a_doctor, None, at(monday + timedelta(days=6), "23:59")).first_day == monday


def test_is_for_the_doctor_and_the_desk(request, alice, dr_chen, dr_diaz, erin, rita, monday, now):
    assert week_of(dr_chen, dr_chen.doctor, monday, now).stretches == []
    for person in (alice, dr_diaz, rita):
        with pytest.raises(NotAllowed):
            week_of(person, dr_chen.doctor, monday, now)
    with pytest.raises(NotFound):
        get_week(actor=erin.actor, doctor_id=new_id(), day=monday, now=now)


def test_an_unlikely_date_is_refused(erin, a_doctor, now):
    for day in (date(1999, 12, 31), date(2200, 1, 1)):
        with pytest.raises(Invalid):
            week_of(erin, a_doctor, day, now)


def test_the_reading_is_one_event_about_everybody_booked(erin, a_doctor, monday, now):
    make_schedule(a_doctor, monday)
    patient = PatientFactory()
    make_appointment(a_doctor, patient, at(monday, "09:00"))

    week_of(erin, a_doctor, monday, now)

    event = AuditEvent.objects.get(actor_id=erin.id, action="appointment.list")
    assert {(subject.kind, subject.subject_id) for subject in event.subjects.all()} == {
        ("doctor", a_doctor.pk),
        ("patient", patient.pk),
    }


def test_takes_the_same_queries_for_any_number_of_rows(erin, a_doctor, monday, now):
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            week_of(erin, a_doctor, monday, now)
        return len(captured)

    make_schedule(a_doctor, monday)
    make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"))
    few = count()
    make_schedule(a_doctor, monday + timedelta(days=1))
    for clock in ("09:30", "10:00", "10:30"):
        make_appointment(a_doctor, PatientFactory(), at(monday, clock))

    assert count() == few


def test_adds_all_working_hours_or_none(erin, a_doctor, monday, now):
    make_schedule(a_doctor, monday + timedelta(days=1))
    bodies = [
        ScheduleIn(doctor=a_doctor.pk, date=monday + timedelta(days=days), start_time="09:00", end_time="10:00")
        for days in range(3)
    ]

    with pytest.raises(ScheduleOverlap):
        create_schedules(actor=erin.actor, bodies=bodies, now=now)
    assert Schedule.objects.count() == 1

    made = create_schedules(actor=erin.actor, bodies=[bodies[0], bodies[2]], now=now)
    assert [each.date for each in made] == [monday, monday + timedelta(days=2)]
