"""A doctor's own profile with the working hours inside: changed, added, never lost; all of it or nothing."""

from datetime import timedelta

import pytest

from care.models import Doctor
from scheduling.models import Appointment, Schedule
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db

PATH = "/api/profile/"


def hours(day, start="09:00", end="12:00", **more):
    return {"date": str(day), "start_time": start, "end_time": end, **more}


def put(person, *schedules, **doctor):
    return person.api.put(PATH, {"doctor": {**doctor, "schedules": list(schedules)}})


def kept():
    """The live hours of everybody, by date."""
    rows = Schedule.objects.filter(deleted_at__isnull=True).order_by("first_on", "start_time")
    return [(row.first_on, f"{row.start_time:%H:%M}", f"{row.end_time:%H:%M}") for row in rows]


class TestReading:
    def test_a_doctor_sees_the_own_hours(self, dr_chen, chens_morning, morning):
        profile = dr_chen.api.get(PATH).json()
        assert profile["role"] == "doctor"
        assert profile["doctor"]["id"] == str(dr_chen.doctor.pk)
        [shown] = profile["doctor"]["schedules"]
        assert shown == dr_chen.api.get(f"/api/schedules/{chens_morning.pk}/").json()

    def test_deleted_hours_are_gone(self, dr_chen, chens_morning):
        dr_chen.api.delete(f"/api/schedules/{chens_morning.pk}/")
        assert dr_chen.api.get(PATH).json()["doctor"]["schedules"] == []

    @pytest.mark.parametrize("who", ["alice", "erin", "rita", "ada"])
    def test_who_is_no_doctor_has_none(self, request, who, chens_morning):
        profile = request.getfixturevalue(who).api.get(PATH)
        assert (profile.status_code, profile.json()["doctor"]) == (200, None)


class TestWriting:
    def test_adds_without_an_id_and_changes_with_one(self, dr_chen, chens_morning, monday):
        tuesday = monday + timedelta(days=1)
        answer = put(
            dr_chen, {"id": str(chens_morning.pk), "end_time": "13:00"}, hours(tuesday), consultation_fee="75.00"
        )
        assert answer.status_code == 200
        doctor = answer.json()["doctor"]
        assert doctor["consultation_fee"] == "75.00"
        assert [(each["date"], each["end_time"]) for each in doctor["schedules"]] == [
            (str(monday), "13:00"),
            (str(tuesday), "12:00"),
        ]
        assert doctor["schedules"][0]["id"] == str(chens_morning.pk)
        assert answer.json() == dr_chen.api.get(PATH).json()

    def test_adds_weekly_hours(self, dr_chen, monday):
        until = monday + timedelta(days=70)
        days = {"weekday": 0, "from": str(monday), "until": str(until), "start_time": "09:00", "end_time": "12:00"}
        [made] = put(dr_chen, days).json()["doctor"]["schedules"]
        assert {name: made[name] for name in days} == days

    @pytest.mark.parametrize("method", ["put", "patch"])
    @pytest.mark.parametrize("body", [{}, {"name": "Lin C."}, {"doctor": {}}, {"doctor": {"schedules": []}}])
    def test_absent_ones_stay(self, dr_chen, chens_morning, monday, method, body):
        make_schedule(dr_chen.doctor, monday + timedelta(days=1))
        before = kept()
        assert getattr(dr_chen.api, method)(PATH, body).status_code == 200
        assert kept() == before

    def test_sending_back_what_was_read_changes_nothing(self, dr_chen, chens_morning, monday):
        make_schedule(dr_chen.doctor, weekday=2, first=monday, until=monday + timedelta(days=70))
        profile = dr_chen.api.get(PATH).json()
        answer = dr_chen.api.put(PATH, profile)
        assert answer.status_code == 200, answer.content
        for said in (profile, answer.json()):
            for part in (said, said["doctor"]):
                part.pop("updated_at", None)
        assert answer.json()["doctor"]["schedules"] == profile["doctor"]["schedules"]
        assert len(kept()) == 2

    def test_no_appointment_is_ever_lost(self, dr_chen, chens_morning, monday):
        """The system that the document describes deleted every appointment of the doctor here."""
        made = make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "11:30"))
        for schedules in ([], [{"id": str(chens_morning.pk), "end_time": "14:00"}], [hours(monday, "15:00", "16:00")]):
            assert put(dr_chen, *schedules).status_code == 200
        made.refresh_from_db()
        assert (made.status, made.schedule_id) == ("booked", chens_morning.pk)
        refused = put(dr_chen, {"id": str(chens_morning.pk), "end_time": "11:30"})
        assert (refused.status_code, refused.json()["code"]) == (409, "live_appointments")
        assert Appointment.objects.filter(status="booked").count() == 1
        assert kept()[0] == (monday, "09:00", "14:00")

    def test_the_new_zone_is_that_of_the_added_hours_and_old_ones_keep_theirs(self, dr_chen, chens_morning, monday):
        answer = put(dr_chen, hours(monday + timedelta(days=3)), time_zone="Asia/Dhaka").json()
        assert [each["time_zone"] for each in answer["doctor"]["schedules"]] == ["UTC", "Asia/Dhaka"]


class TestAllOrNothing:
    @pytest.mark.parametrize(
        ("bad", "status", "field"),
        [
            ({"end_time": "09:10"}, 422, "doctor.schedules.1.end_time"),
            ({"end_time": "08:00"}, 422, "doctor.schedules.1.end_time"),
            ({"date": "1999-01-01"}, 422, "doctor.schedules.1.date"),
            ({"date": "soon"}, 422, "doctor.schedules.1.date"),
            ({"end_time": None}, 422, "doctor.schedules.1.end_time"),
            ({"weekday": 9}, 422, "doctor.schedules.1.weekday"),
            ({"colour": "blue"}, 422, "doctor.schedules.1.colour"),
            ({"id": "4"}, 422, "doctor.schedules.1.id"),
        ],
    )
    def test_one_bad_schedule_is_named_by_its_place_and_nothing_changes(
        self, dr_chen, chens_morning, monday, bad, status, field
    ):
        before = kept()
        body = {
            "name": "Another Name",
            "doctor": {
                "consultation_fee": "999.00",
                "schedules": [hours(monday + timedelta(days=2)), {**hours(monday + timedelta(days=3)), **bad}],
            },
        }
        answer = dr_chen.api.put(PATH, body)
        assert (answer.status_code, list(answer.json().get("errors", []))) == (status, [field])
        assert kept() == before
        profile = dr_chen.api.get(PATH).json()
        assert (profile["name"], profile["doctor"]["consultation_fee"]) == ("Chen", "0.00")

    def test_an_overlap_undoes_everything(self, dr_chen, chens_morning, monday):
        before = kept()
        answer = put(dr_chen, hours(monday + timedelta(days=2)), hours(monday, "11:00", "15:00"), location="Elsewhere")
        assert (answer.status_code, answer.json()["code"]) == (409, "schedule_overlap")
        assert kept() == before
        assert Doctor.objects.get(pk=dr_chen.doctor.pk).location == ""

    def test_two_of_one_body_must_not_overlap_either(self, dr_chen, monday):
        assert put(dr_chen, hours(monday), hours(monday, "11:00", "13:00")).status_code == 409
        assert kept() == []

    def test_what_is_missing_is_named(self, dr_chen, monday):
        answer = put(dr_chen, {"date": str(monday), "start_time": "09:00"})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["doctor.schedules.0.end_time"])

    def test_days_that_say_nothing_are_refused_at_their_place(self, dr_chen):
        answer = put(dr_chen, {"start_time": "09:00", "end_time": "12:00"})
        assert answer.status_code == 422
        [name] = answer.json()["errors"]
        assert name.startswith("doctor.schedules.0")

    @pytest.mark.parametrize("whose", ["foreign", "missing", "deleted"])
    def test_hours_that_are_not_ones_own_do_not_exist(self, dr_chen, chens_morning, morning, monday, whose):
        if whose == "deleted":
            dr_chen.api.delete(f"/api/schedules/{chens_morning.pk}/")
        ids = {"foreign": morning.pk, "missing": "01890000-0000-7000-8000-000000000000", "deleted": chens_morning.pk}
        before = kept()
        answer = put(dr_chen, hours(monday + timedelta(days=2)), {"id": str(ids[whose]), "end_time": "16:00"})
        # CONTRACT: an unknown id in a request body is 422 with the same entry, whyever it is unknown.
        assert (answer.status_code, list(answer.json().get("errors", []))) == (422, ["doctor.schedules.1.id"])
        assert kept() == before

    def test_the_hours_of_an_unverified_doctor_are_refused(self, dr_chen, chens_morning, monday):
        """Whose licence is no longer vouched for keeps no hours."""
        Doctor.objects.filter(pk=dr_chen.doctor.pk).update(verified=False)
        before = kept()
        assert put(dr_chen, hours(monday + timedelta(days=2))).status_code == 403
        assert kept() == before

    def test_a_new_licence_and_new_hours_together_change_nothing(self, dr_chen, chens_morning, monday):
        """The new licence drops the verification, and with it the right to keep hours."""
        before = kept()
        assert put(dr_chen, hours(monday + timedelta(days=2)), license_number="L-2").status_code == 403
        doctor = Doctor.objects.get(pk=dr_chen.doctor.pk)
        assert (doctor.license_number, doctor.verified, kept()) == ("", True, before)

    @pytest.mark.parametrize("who", ["alice", "erin", "ada"])
    def test_who_is_no_doctor_has_no_hours_to_change(self, request, who, monday):
        answer = put(request.getfixturevalue(who), hours(monday))
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["doctor"])
        assert kept() == []

    def test_more_than_a_hundred_are_too_many(self, dr_chen, monday):
        answer = put(dr_chen, *[hours(monday + timedelta(days=n)) for n in range(101)])
        assert answer.status_code == 422
        assert kept() == []

    @pytest.mark.parametrize("schedules", [None, {}, "all", [None], [[]], [4]])
    def test_what_is_no_list_of_hours_is_refused_or_means_nothing(self, dr_chen, chens_morning, schedules):
        before = kept()
        answer = dr_chen.api.put(PATH, {"doctor": {"schedules": schedules}})
        assert answer.status_code == (200 if schedules is None else 422)
        assert kept() == before
