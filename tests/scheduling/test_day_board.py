"""A day at the clinic: whose appointments, in which order, and the days around it."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.models import AuditEvent
from scheduling.models import Schedule
from scheduling.service import get_day_board, get_own_calendar, list_calendars
from scheduling.slots import shifts
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def mornings(dr_chen, dr_diaz, monday):
    """Both doctors work on the Monday."""
    return make_schedule(dr_chen.doctor, monday), make_schedule(dr_diaz.doctor, monday)


def times(board) -> list[str]:
    return [entry.appointment.appointment_time for entry in board.entries]


def board_of(person, day, now, doctor=None):
    return get_day_board(actor=person.actor, day=day, doctor_id=doctor.pk if doctor else None, now=now)


def test_the_desk_sees_the_whole_clinic_in_the_order_of_time(erin, dr_chen, dr_diaz, mornings, monday, now):
    make_appointment(dr_diaz.doctor, PatientFactory(), at(monday, "10:00"))
    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:30"))

    board = board_of(erin, monday, now)

    assert times(board) == ["09:30", "10:00"]
    assert board.doctor is None


def test_the_desk_narrows_it_to_one_doctor(erin, dr_chen, dr_diaz, mornings, monday, now):
    make_appointment(dr_diaz.doctor, PatientFactory(), at(monday, "10:00"))
    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:30"))

    board = board_of(erin, monday, now, dr_chen.doctor)

    assert times(board) == ["09:30"]
    assert board.doctor.name == "Lin Chen"


def test_a_doctor_sees_the_own_calendar_and_not_the_own_visits_elsewhere(dr_chen, dr_diaz, mornings, monday, now):
    own_child = PatientFactory(created_by=dr_chen.user)
    make_appointment(dr_diaz.doctor, own_child, at(monday, "10:00"))
    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:30"))

    board = board_of(dr_chen, monday, now)

    assert times(board) == ["09:30"]
    assert board.doctor.id == dr_chen.doctor.pk


def test_a_doctor_opens_no_other_calendar(dr_chen, dr_diaz, now):
    with pytest.raises(NotAllowed):
        board_of(dr_chen, None, now, dr_diaz.doctor)


def test_nobody_opens_the_calendar_of_a_doctor_who_is_not_there(erin, dr_chen, now):
    for person in (erin, dr_chen):
        with pytest.raises(NotFound):
            get_day_board(actor=person.actor, day=None, doctor_id=new_id(), now=now)


@pytest.mark.parametrize("name", ["alice", "rita", "otto"])
def test_is_for_doctors_and_the_desk(request, name, a_doctor, now):
    for doctor_id in (None, a_doctor.pk, new_id()):
        with pytest.raises(NotAllowed):
            get_day_board(actor=request.getfixturevalue(name).actor, day=None, doctor_id=doctor_id, now=now)


def test_a_doctor_whom_nobody_vouches_for_has_an_empty_board(dr_chen, mornings, monday, now):
    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:30"))
    dr_chen.doctor.verified = False
    dr_chen.doctor.save()

    assert board_of(dr_chen, monday, now).entries == []
    assert get_own_calendar(actor=dr_chen.actor) is None


def test_cancelled_appointments_stand_apart(erin, dr_chen, mornings, monday, now):
    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:30"), "cancelled")

    board = board_of(erin, monday, now)

    assert board.entries == []
    assert [entry.appointment.status for entry in board.cancelled] == ["cancelled"]


def test_a_day_is_the_doctors_local_date(erin, monday, now):
    """Tuesday morning in Auckland is still Monday in UTC; in Honolulu Monday evening is Tuesday already."""
    auckland, honolulu = DoctorFactory(time_zone="Pacific/Auckland"), DoctorFactory(time_zone="Pacific/Honolulu")
    tuesday = monday + timedelta(days=1)
    make_schedule(auckland, tuesday, "08:00", "10:00")
    make_schedule(honolulu, monday, "17:00", "19:00")
    east = make_appointment(auckland, PatientFactory(), first_start(auckland))
    west = make_appointment(honolulu, PatientFactory(), first_start(honolulu))
    assert (east.starts_at.date(), west.starts_at.date()) == (monday, tuesday)

    assert [entry.appointment.id for entry in board_of(erin, monday, now).entries] == [west.pk]
    assert [entry.appointment.id for entry in board_of(erin, tuesday, now).entries] == [east.pk]


def first_start(doctor):
    schedule = Schedule.objects.get(doctor=doctor)
    [shift] = shifts(schedule.hours, schedule.first_on, schedule.last_on)
    return shift.interval.starts_at


def test_today_is_the_doctors_today(erin, monday):
    doctor = DoctorFactory(time_zone="Pacific/Auckland")
    evening = at(monday, "20:00")

    assert board_of(erin, None, evening).today == monday
    assert board_of(erin, None, evening, doctor).today == monday + timedelta(days=1)


def test_counts_the_days_around_it_and_who_did_not_come(erin, dr_chen, dr_diaz, monday, now):
    for days, status in [(-7, "fulfilled"), (-8, "fulfilled"), (-27, "noshow"), (-28, "noshow"), (0, "cancelled")]:
        day = monday + timedelta(days=days)
        make_schedule(dr_chen.doctor, day)
        make_appointment(dr_chen.doctor, PatientFactory(), at(day, "09:00"), status)
    for days in (0, 6, 7):
        day = monday + timedelta(days=days)
        make_schedule(dr_diaz.doctor, day)
        make_appointment(dr_diaz.doctor, PatientFactory(), at(day, "09:00"))

    board = board_of(erin, monday, now)
    only_chen = board_of(erin, monday, now, dr_chen.doctor)

    shown = {count.day: count.appointments for count in board.days}
    assert list(shown) == [monday + timedelta(days=days) for days in range(-7, 7)]
    assert {day: count for day, count in shown.items() if count} == {
        monday - timedelta(days=7): 1,
        monday: 1,
        monday + timedelta(days=6): 1,
    }
    assert (board.came, board.missed) == (2, 1)
    assert sum(count.appointments for count in only_chen.days) == 1


def test_an_unlikely_date_is_refused(erin, now):
    for day in (date(1999, 12, 31), date(2200, 1, 1)):
        with pytest.raises(Invalid):
            board_of(erin, day, now)


def test_the_reading_is_one_event_about_everybody_on_it(erin, dr_chen, mornings, monday, now):
    patients = [PatientFactory(), PatientFactory()]
    for patient, clock in zip(patients, ("09:00", "09:30"), strict=True):
        make_appointment(dr_chen.doctor, patient, at(monday, clock))

    board_of(erin, monday, now)

    event = AuditEvent.objects.get(actor_id=erin.id, action="appointment.list")
    assert {subject.subject_id for subject in event.subjects.all()} == {patient.pk for patient in patients}


@pytest.mark.parametrize("name", ["erin", "dr_chen"])
def test_takes_the_same_queries_for_any_number_of_appointments(request, name, dr_chen, mornings, monday, now):
    person = request.getfixturevalue(name)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            board_of(person, monday, now)
        return len(captured)

    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))
    few = count()
    for clock in ("09:30", "10:00", "10:30", "11:00"):
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, clock))

    assert count() == few


def test_calendars_are_of_doctors_with_hours(erin, dr_chen, dr_diaz, a_doctor, mornings):
    assert [card.name for card in list_calendars(actor=erin.actor)] == ["Lin Chen", "Rosa Diaz"]
    assert [card.name for card in list_calendars(actor=dr_chen.actor)] == ["Lin Chen"]
