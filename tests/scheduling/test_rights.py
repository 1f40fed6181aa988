"""What an actor may do with an appointment, said beforehand, is what the services then do."""

from datetime import timedelta

import pytest
from django.db import transaction

import scheduling.service
from core.errors import NotAllowed, NotFound, Refusal
from scheduling.schemas import RescheduleIn
from scheduling.service import get_desk_rights, open_appointment
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db

STATUSES = ["booked", "arrived", "fulfilled", "cancelled", "noshow"]
ACTS = {
    "can_arrive": scheduling.service.mark_arrived,
    "can_fulfil": scheduling.service.mark_fulfilled,
    "can_mark_noshow": scheduling.service.mark_noshow,
    "can_cancel": scheduling.service.cancel_appointment,
}


def is_done(act) -> bool:
    """Try it and take it back."""
    try:
        with transaction.atomic():
            act()
            transaction.set_rollback(True)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("minutes", [-60, 60], ids=["begun", "to come"])
@pytest.mark.parametrize("name", ["alice", "dr_chen", "dr_diaz", "erin", "ada"])
def test_every_right_is_what_the_service_does(request, alices_chart, dr_chen, monday, name, minutes, status):
    actor = request.getfixturevalue(name).actor
    make_schedule(dr_chen.doctor, monday, "09:00", "17:00")
    appointment = make_appointment(dr_chen.doctor, alices_chart, at(monday, "10:00"), status)
    now = at(monday, "10:00") - timedelta(minutes=minutes)

    try:
        rights = open_appointment(actor=actor, appointment_id=appointment.pk, now=now).rights
    except NotFound:
        assert name == "dr_diaz"
        return
    for right, act in ACTS.items():
        done = is_done(lambda act=act: act(actor=actor, appointment_id=appointment.pk, reason="", now=now))
        assert getattr(rights, right) == done, right
    body = RescheduleIn(starts_at=at(monday, "16:00"))
    moved = is_done(
        lambda: scheduling.service.reschedule_appointment(
            actor=actor, appointment_id=appointment.pk, body=body, now=now
        )
    )
    assert rights.can_reschedule == moved


@pytest.mark.parametrize(
    ("name", "books", "for_anyone", "calendars", "reports"),
    [
        ("alice", True, False, False, False),
        ("dr_chen", True, False, True, False),
        ("erin", True, True, True, False),
        ("ada", True, True, True, True),
        ("rita", False, False, False, False),
        ("otto", False, False, False, False),
    ],
)
def test_the_rights_over_the_book_go_by_the_role(request, name, books, for_anyone, calendars, reports):
    rights = get_desk_rights(actor=request.getfixturevalue(name).actor)

    assert (rights.can_book, rights.can_book_for_anyone) == (books, for_anyone)
    assert (rights.can_work_with_schedules, rights.can_read_reports) == (calendars, reports)


def test_an_appointment_says_by_which_clocks_it_goes(erin, monday, now):
    doctor = DoctorFactory(time_zone="Asia/Kolkata")
    make_schedule(doctor, monday, "09:00", "12:00")
    appointment = make_appointment(doctor, PatientFactory(), at(monday, "04:00"))

    opened = open_appointment(actor=erin.actor, appointment_id=appointment.pk, now=now)

    assert (opened.appointment.appointment_time, opened.ends_time, opened.time_zone) == (
        "09:30",
        "10:00",
        "Asia/Kolkata",
    )
    assert [event.to_status for event in opened.appointment.history] == ["booked"]


def test_research_opens_no_appointment(rita, a_doctor, monday, now):
    make_schedule(a_doctor, monday)
    appointment = make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"))

    with pytest.raises(NotAllowed):
        open_appointment(actor=rita.actor, appointment_id=appointment.pk, now=now)
