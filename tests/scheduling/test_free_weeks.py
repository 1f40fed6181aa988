"""A week of free time, doctor by doctor."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import Invalid, NotAllowed
from core.ids import new_id
from scheduling.service import list_bookable_doctors, list_free_weeks
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule, make_time_off

pytestmark = pytest.mark.django_db


def weeks_of(person, *doctors, first_day=None, now):
    ids = [doctor.pk for doctor in doctors]
    return list_free_weeks(actor=person.actor, doctor_ids=ids, first_day=first_day, now=now)


def offered(week) -> dict[date, list[str]]:
    return {free.day: [slot.appointment_time for slot in free.slots] for free in week.days if free.slots}


def test_groups_the_free_half_hours_by_day(alice, a_doctor, monday, now):
    make_schedule(a_doctor, monday, "09:00", "10:00")
    make_schedule(a_doctor, monday + timedelta(days=2), "14:00", "15:30")
    make_appointment(a_doctor, PatientFactory(), at(monday, "09:30"))

    [week] = weeks_of(alice, a_doctor, first_day=monday, now=now)

    assert [free.day for free in week.days] == [monday + timedelta(days=number) for number in range(7)]
    assert offered(week) == {monday: ["09:00"], monday + timedelta(days=2): ["14:00", "14:30", "15:00"]}


def test_an_empty_week_names_the_next_free_time(alice, a_doctor, monday, now):
    later = monday + timedelta(days=9)
    make_schedule(a_doctor, later, "09:00", "10:00")

    [week] = weeks_of(alice, a_doctor, first_day=monday, now=now)

    assert offered(week) == {}
    assert (week.next_free.date, week.next_free.appointment_time) == (later, "09:00")
    assert week.first_free == week.next_free


def test_a_month_without_time_names_none(alice, a_doctor, monday, now):
    make_schedule(a_doctor, monday + timedelta(days=60), "09:00", "10:00")

    [week] = weeks_of(alice, a_doctor, first_day=monday, now=now)

    assert week.first_free is None


def test_who_is_free_soonest_comes_first_and_who_is_not_last(alice, monday, now):
    late, early, never = DoctorFactory(), DoctorFactory(), DoctorFactory()
    make_schedule(late, monday + timedelta(days=1))
    make_schedule(early, monday)
    make_schedule(never, monday)
    make_time_off(never, at(monday, "00:00"), at(monday, "23:00"))

    found = weeks_of(alice, late, never, early, first_day=monday, now=now)

    assert [week.doctor.id for week in found] == [early.pk, late.pk, never.pk]


def test_days_are_local_to_each_doctor(alice, monday, now):
    auckland, honolulu = DoctorFactory(time_zone="Pacific/Auckland"), DoctorFactory(time_zone="Pacific/Honolulu")
    for doctor in (auckland, honolulu):
        make_schedule(doctor, monday, "08:00", "09:00")
        make_schedule(doctor, monday + timedelta(days=7), "08:00", "09:00")

    found = weeks_of(alice, auckland, honolulu, first_day=monday, now=now)

    assert [offered(week) for week in found] == [{monday: ["08:00", "08:30"]}] * 2


def test_nothing_that_has_passed_is_offered(alice, a_doctor, monday):
    make_schedule(a_doctor, monday, "09:00", "12:00")

    [week] = weeks_of(alice, a_doctor, first_day=monday, now=at(monday, "10:40"))

    assert offered(week) == {monday: ["11:00", "11:30"]}


def test_a_doctor_who_takes_no_appointments_has_an_empty_week(alice, monday, now):
    doctor = DoctorFactory(is_available=False)
    make_schedule(doctor, monday)

    [week] = weeks_of(alice, doctor, first_day=monday, now=now)

    assert week.first_free is None
    assert weeks_of(alice, now=now) == []
    assert list_free_weeks(actor=alice.actor, doctor_ids=[new_id()], first_day=None, now=now) == []


def test_an_unlikely_date_is_refused(alice, a_doctor, now):
    for day in (date(1999, 12, 31), date(2200, 1, 1)):
        with pytest.raises(Invalid):
            weeks_of(alice, a_doctor, first_day=day, now=now)


@pytest.mark.parametrize("name", ["rita", "otto"])
def test_research_books_nothing(request, name, a_doctor, now):
    person = request.getfixturevalue(name)
    with pytest.raises(NotAllowed):
        weeks_of(person, a_doctor, now=now)
    with pytest.raises(NotAllowed):
        list_bookable_doctors(actor=person.actor, now=now)


def test_takes_the_same_queries_for_any_number_of_doctors(alice, monday, now):
    doctors = [DoctorFactory() for _ in range(6)]
    for doctor in doctors:
        make_schedule(doctor, monday)

    actor = alice.actor

    def count(some) -> int:
        ids = [doctor.pk for doctor in some]
        with CaptureQueriesContext(connection) as captured:
            list_free_weeks(actor=actor, doctor_ids=ids, first_day=monday, now=now)
        return len(captured)

    assert count(doctors) == count(doctors[:1]) == 5


def test_bookable_are_doctors_whose_hours_have_not_ended(alice, monday):
    ada, ben, old, gone = (DoctorFactory(firstname=name) for name in ("Ada", "Ben", "Old", "Gone"))
    DoctorFactory(firstname="Idle")
    unverified = DoctorFactory(firstname="New")
    for doctor in (ben, ada, unverified, gone):
        make_schedule(doctor, monday)
    make_schedule(old, monday - timedelta(days=60))
    unverified.verified = False
    unverified.save()
    gone.deleted_at = at(monday, "00:00")
    gone.save()

    found = list_bookable_doctors(actor=alice.actor, now=at(monday - timedelta(days=3), "12:00"))

    assert [card.firstname for card in found] == ["Ada", "Ben"]
