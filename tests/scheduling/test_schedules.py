"""Working hours and time off: who keeps them, which are accepted, and that a doctor never works twice at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from care.models import Doctor
from scheduling.models import Appointment, Schedule, TimeOff
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule, make_time_off
from tests.rivals import in_parallel
from tests.scheduling.wall_clocks import next_change

MISSING = "01890000-0000-7000-8000-000000000000"
PATH = "/api/schedules/"


def one_date(doctor, day, start="09:00", end="12:00"):
    return {"doctor": str(doctor.pk), "date": str(day), "start_time": start, "end_time": end}


def weekly(doctor, weekday, first, until, start="09:00", end="12:00"):
    return {
        "doctor": str(doctor.pk),
        "weekday": weekday,
        "from": str(first),
        "until": str(until),
        "start_time": start,
        "end_time": end,
    }


def code(answer):
    return answer.status_code, answer.json()["code"]


def wrong(answer):
    """The fields that a 422 names."""
    assert answer.status_code == 422, answer.content
    return set(answer.json()["errors"])


@pytest.mark.django_db
class TestCreate:
    def test_one_date(self, erin, a_doctor, monday):
        answer = erin.api.post(PATH, one_date(a_doctor, monday))
        assert answer.status_code == 201
        made = Schedule.objects.get()
        assert answer.json() == {
            "id": str(made.pk),
            "doctor": str(a_doctor.pk),
            "date": str(monday),
            "weekday": None,
            "from": None,
            "until": None,
            "start_time": "09:00",
            "end_time": "12:00",
            "time_zone": "UTC",
        }

    def test_weekly(self, erin, a_doctor, monday):
        until = monday + timedelta(days=100)
        body = erin.api.post(PATH, weekly(a_doctor, 2, monday, until)).json()
        found = {name: body[name] for name in ("date", "weekday", "from", "until")}
        assert found == {"date": None, "weekday": 2, "from": str(monday), "until": str(until)}

    def test_keeps_the_zone_in_which_it_was_entered(self, erin, a_doctor, monday):
        Doctor.objects.update(time_zone="Asia/Kathmandu")
        made = erin.api.post(PATH, one_date(a_doctor, monday)).json()
        Doctor.objects.update(time_zone="America/New_York")
        assert made["time_zone"] == "Asia/Kathmandu"
        assert erin.api.get(f"{PATH}{made['id']}/").json() == made
        first, *_ = erin.api.get(f"/api/doctors/{a_doctor.pk}/slots/?from={monday - timedelta(days=1)}").json()
        assert first["starts_at"] == f"{monday}T03:15:00Z"
        assert (first["date"], first["appointment_time"]) == (str(monday), "09:00")

    def test_works_with_and_without_the_last_slash(self, erin, a_doctor, monday):
        assert erin.api.post("/api/schedules", one_date(a_doctor, monday)).status_code == 201
        assert len(erin.api.get("/api/schedules").json()) == 1

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"start_time": "12:00"}, {"end_time"}),
            ({"start_time": "12:30"}, {"end_time"}),
            ({"start_time": "11:31"}, {"end_time"}),
            ({"start_time": "25:00"}, {"start_time"}),
            ({"end_time": "noon"}, {"end_time"}),
            ({"date": "2027-02-30"}, {"date"}),
            ({"date": "1999-12-31"}, {"date"}),
            ({"date": "9999-12-31"}, {"date"}),
            ({"date": "0001-01-01"}, {"date"}),
            ({"doctor": MISSING}, {"doctor"}),
            ({"doctor": "15"}, {"doctor"}),
            ({"colour": "blue"}, {"colour"}),
        ],
    )
    def test_refuses_what_is_no_working_day(self, erin, a_doctor, monday, change, fields):
        assert wrong(erin.api.post(PATH, {**one_date(a_doctor, monday), **change})) == fields
        assert not Schedule.objects.exists()

    @pytest.mark.parametrize("missing", ["doctor", "start_time", "end_time"])
    def test_names_what_is_missing(self, erin, a_doctor, monday, missing):
        body = one_date(a_doctor, monday)
        del body[missing]
        assert wrong(erin.api.post(PATH, body)) == {missing}

    @pytest.mark.parametrize(
        "days",
        [
            {},
            {"date": "2027-01-04", "weekday": 0},
            {"weekday": 0},
            {"weekday": 0, "from": "2027-01-04"},
            {"from": "2027-01-04", "until": "2027-02-04"},
            {"date": "2027-01-04", "weekday": 0, "from": "2027-01-04", "until": "2027-02-04"},
            {"weekday": 7, "from": "2027-01-04", "until": "2027-02-04"},
            {"weekday": -1, "from": "2027-01-04", "until": "2027-02-04"},
            {"weekday": 0, "from": "2027-02-04", "until": "2027-01-04"},
            {"weekday": 0, "from": "2027-01-05", "until": "2027-01-10"},
            {"weekday": 0, "from": "2027-01-04", "until": "2099-01-04"},
        ],
    )
    def test_is_either_a_date_or_a_weekday_between_two_dates(self, erin, a_doctor, days):
        hours = {"doctor": str(a_doctor.pk), "start_time": "09:00", "end_time": "12:00"}
        assert wrong(erin.api.post(PATH, {**hours, **days}))
        assert not Schedule.objects.exists()

    @pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Pacific/Chatham"])
    def test_a_time_that_the_clocks_skip_is_refused_by_name(self, erin, a_doctor, zone):
        Doctor.objects.update(time_zone=zone)
        change = next_change(zone, timezone.now(), forward=True)
        day, skipped = change.shows_before.date(), f"{change.shows_before:%H:%M}"
        early, late = "00:30", "09:00"
        assert wrong(erin.api.post(PATH, one_date(a_doctor, day, skipped, late))) == {"start_time"}
        assert wrong(erin.api.post(PATH, one_date(a_doctor, day, early, skipped))) == {"end_time"}
        assert erin.api.post(PATH, one_date(a_doctor, day, early, late)).status_code == 201

    def test_the_first_and_the_last_time_around_the_gap_are_accepted(self, erin, a_doctor):
        Doctor.objects.update(time_zone="Australia/Lord_Howe")
        change = next_change("Australia/Lord_Howe", timezone.now(), forward=True)
        day = change.shows_before.date()
        assert erin.api.post(PATH, one_date(a_doctor, day, "01:29", "01:59")).status_code == 201
        assert wrong(erin.api.post(PATH, one_date(a_doctor, day, "02:00", "04:00"))) == {"start_time"}
        assert wrong(erin.api.post(PATH, one_date(a_doctor, day, "02:29", "04:00"))) == {"start_time"}
        assert erin.api.post(PATH, one_date(a_doctor, day, "02:30", "04:00")).status_code == 201

    def test_weekly_hours_may_pass_over_a_gap(self, erin, a_doctor):
        Doctor.objects.update(time_zone="America/New_York")
        day = next_change("America/New_York", timezone.now(), forward=True).shows_before.date()
        assert erin.api.post(PATH, weekly(a_doctor, 6, day, day, "02:30", "04:00")).status_code == 201
        slots = erin.api.get(f"/api/doctors/{a_doctor.pk}/slots/?from={day}").json()
        assert [slot["appointment_time"] for slot in slots] == ["03:00", "03:30"]


@pytest.mark.django_db
class TestUntilMidnight:
    """A day ends at 24:00, which clocks show as 00:00 of the next one."""

    @pytest.mark.parametrize("end", ["24:00", "00:00"])
    def test_is_written_either_way_and_told_as_24(self, erin, a_doctor, monday, end):
        made = erin.api.post(PATH, one_date(a_doctor, monday, "22:00", end))
        assert (made.status_code, made.json()["end_time"]) == (201, "24:00")
        path = f"{PATH}{made.json()['id']}/"
        assert erin.api.get(path).json() == erin.api.put(path, made.json()).json() == made.json()

    def test_offers_the_last_half_hour_and_no_more(self, erin, a_doctor, monday):
        hours = erin.api.post(PATH, one_date(a_doctor, monday, "22:00", "24:00")).json()
        told = erin.api.get(f"/api/doctors/{a_doctor.pk}/slots/?from={monday}").json()
        assert [slot["appointment_time"] for slot in told] == ["22:00", "22:30", "23:00", "23:30"]
        assert {slot["date"] for slot in told} == {str(monday)}
        booking = {"doctor": str(a_doctor.pk), "schedule": hours["id"], "patient": str(PatientFactory().pk)}
        last = erin.api.post("/api/appointments/", {**booking, "appointment_time": "23:30"})
        assert (last.status_code, last.json()["ends_at"]) == (201, f"{monday + timedelta(days=1)}T00:00:00Z")
        assert code(erin.api.post("/api/appointments/", {**booking, "appointment_time": "21:30"}))[0] == 422

    def test_a_whole_day_has_48_half_hours_and_touches_the_next(self, erin, a_doctor, monday):
        Doctor.objects.update(max_appointments_per_day=100)
        tuesday = monday + timedelta(days=1)
        for day in (monday, tuesday):
            assert erin.api.post(PATH, one_date(a_doctor, day, "00:00", "24:00")).status_code == 201
        told = erin.api.get(f"/api/doctors/{a_doctor.pk}/slots/?from={monday}").json()
        assert [slot["date"] for slot in told] == [str(monday)] * 48 + [str(tuesday)] * 48
        assert code(erin.api.post(PATH, one_date(a_doctor, tuesday, "00:00", "00:30"))) == (409, "schedule_overlap")

    @pytest.mark.parametrize(
        ("start", "end", "field"),
        [("23:45", "24:00", "end_time"), ("24:00", "24:00", "start_time"), ("22:00", "24:30", "end_time")],
    )
    def test_is_still_half_an_hour_at_least_and_no_later(self, erin, a_doctor, monday, start, end, field):
        assert wrong(erin.api.post(PATH, one_date(a_doctor, monday, start, end))) == {field}

    def test_no_appointment_begins_with_the_end_of_a_day(self, erin, a_doctor, monday):
        hours = erin.api.post(PATH, one_date(a_doctor, monday, "22:00", "24:00")).json()
        booking = {"doctor": str(a_doctor.pk), "schedule": hours["id"], "patient": str(PatientFactory().pk)}
        assert wrong(erin.api.post("/api/appointments/", {**booking, "appointment_time": "24:00"}))
        assert code(erin.api.post("/api/appointments/", {**booking, "appointment_time": "00:00"}))[0] == 422

    def test_a_day_ends_where_the_clocks_skip_midnight_too(self, erin, a_doctor):
        Doctor.objects.update(time_zone="Africa/Cairo")
        change = next_change("Africa/Cairo", timezone.now(), forward=True)
        day = change.shows_after.date() - timedelta(days=1)
        assert f"{change.shows_after:%H:%M}" == "01:00"
        assert erin.api.post(PATH, one_date(a_doctor, day, "23:00", "24:00")).status_code == 201
        told = erin.api.get(f"/api/doctors/{a_doctor.pk}/slots/?from={day}&to={day + timedelta(days=2)}").json()
        assert [slot["appointment_time"] for slot in told] == ["23:00", "23:30"]


@pytest.mark.django_db
class TestWho:
    """The front desk keeps every doctor's hours, a verified doctor the own ones, nobody else any."""

    def test_the_desk_and_administrators_keep_everybodys(self, erin, ada, dr_chen, a_doctor, monday):
        for person, doctor in ((erin, a_doctor), (ada, dr_chen.doctor)):
            made = person.api.post(PATH, one_date(doctor, monday))
            assert made.status_code == 201
            path = f"{PATH}{made.json()['id']}/"
            assert person.api.patch(path, {"end_time": "13:00"}).json()["end_time"] == "13:00"
            assert person.api.get(path).status_code == 200
            assert person.api.delete(path).status_code == 204

    def test_a_doctor_keeps_the_own_ones(self, dr_chen, monday):
        made = dr_chen.api.post(PATH, one_date(dr_chen.doctor, monday))
        assert made.status_code == 201
        path = f"{PATH}{made.json()['id']}/"
        assert dr_chen.api.put(path, {"start_time": "08:00"}).json()["start_time"] == "08:00"
        assert [each["id"] for each in dr_chen.api.get(PATH).json()] == [made.json()["id"]]
        assert dr_chen.api.delete(path).status_code == 204
        assert dr_chen.api.get(PATH).json() == []

    def test_another_doctors_do_not_exist_for_a_doctor(self, dr_diaz, dr_chen, chens_morning):
        path = f"{PATH}{chens_morning.pk}/"
        missing = dr_diaz.api.get(f"{PATH}{MISSING}/")
        for answer in (dr_diaz.api.get(path), dr_diaz.api.patch(path, {"end_time": "13:00"}), dr_diaz.api.delete(path)):
            assert (answer.status_code, answer.json()) == (404, missing.json())
        assert dr_diaz.api.get(PATH).json() == []
        assert dr_diaz.api.get(f"{PATH}?doctor={dr_chen.doctor.pk}").json() == []
        chens_morning.refresh_from_db()
        assert (f"{chens_morning.end_time:%H:%M}", chens_morning.deleted_at) == ("12:00", None)

    def test_a_doctor_makes_none_for_another(self, dr_diaz, dr_chen, monday):
        assert dr_diaz.api.post(PATH, one_date(dr_chen.doctor, monday)).status_code == 403
        assert dr_diaz.api.post("/api/time-off/", off(dr_chen.doctor, monday)).status_code == 403
        assert not Schedule.objects.exists()
        assert not TimeOff.objects.exists()

    def test_an_unverified_doctor_keeps_none(self, dr_diaz, monday):
        Doctor.objects.filter(pk=dr_diaz.doctor.pk).update(verified=False)
        assert dr_diaz.api.post(PATH, one_date(dr_diaz.doctor, monday)).status_code == 403
        assert dr_diaz.api.get(PATH).json() == []

    @pytest.mark.parametrize("who", ["alice", "rita", "otto"])
    def test_everybody_else_asks_for_free_slots(self, request, who, a_doctor, monday, morning):
        person = request.getfixturevalue(who)
        path = f"{PATH}{morning.pk}/"
        for answer in (
            person.api.get(PATH),
            person.api.post(PATH, one_date(a_doctor, monday + timedelta(days=1))),
            person.api.get(path),
            person.api.patch(path, {"end_time": "13:00"}),
            person.api.delete(path),
            person.api.get("/api/time-off/"),
            person.api.post("/api/time-off/", off(a_doctor, monday)),
            person.api.delete(f"/api/time-off/{MISSING}/"),
        ):
            assert code(answer) == (403, "not_allowed")
        assert list(Schedule.objects.values_list("pk", "deleted_at")) == [(morning.pk, None)]

    def test_strangers_sign_in_first(self, nobody, morning):
        assert nobody.api.get(PATH).status_code == 401
        assert nobody.api.delete(f"{PATH}{morning.pk}/").status_code == 401

    def test_what_is_missing_or_no_id_is_not_found(self, erin):
        for name in (MISSING, "4"):
            for method in ("get", "delete"):
                assert getattr(erin.api, method)(f"{PATH}{name}/").status_code == 404
            assert erin.api.patch(f"{PATH}{name}/", {"end_time": "13:00"}).status_code == 404

    def test_lists_the_hours_of_one_doctor_newest_first_in_pages(self, erin, a_doctor, dr_chen, monday, chens_morning):
        made = [make_schedule(a_doctor, monday + timedelta(days=n)) for n in range(3)]
        newest_first = [str(each.pk) for each in reversed(made)]
        assert [each["id"] for each in erin.api.get(f"{PATH}?doctor={a_doctor.pk}").json()] == newest_first
        page = erin.api.get(f"{PATH}?doctor={a_doctor.pk}&limit=2")
        assert [each["id"] for each in page.json()] == newest_first[:2]
        following = page["Link"].split(">")[0].lstrip("<").removeprefix("http://testserver")
        assert [each["id"] for each in erin.api.get(following).json()] == newest_first[2:]


@pytest.mark.django_db
class TestOverlap:
    """One doctor, one place: real shifts are compared, whatever they were entered as."""

    def test_the_same_hours_twice(self, erin, a_doctor, monday, morning):
        assert code(erin.api.post(PATH, one_date(a_doctor, monday))) == (409, "schedule_overlap")

    @pytest.mark.parametrize(
        ("start", "end", "status"),
        [
            ("08:00", "09:00", 201),
            ("08:00", "09:01", 409),
            ("12:00", "13:00", 201),
            ("11:59", "13:00", 409),
            ("10:00", "11:00", 409),
            ("08:00", "13:00", 409),
        ],
    )
    def test_touching_is_no_overlap(self, erin, a_doctor, monday, morning, start, end, status):
        assert erin.api.post(PATH, one_date(a_doctor, monday, start, end)).status_code == status
        assert Schedule.objects.count() == (2 if status == 201 else 1)

    def test_another_doctor_works_at_the_same_time(self, erin, dr_chen, monday, morning):
        assert erin.api.post(PATH, one_date(dr_chen.doctor, monday)).status_code == 201

    def test_a_week_meets_a_date(self, erin, a_doctor, monday):
        wednesday = monday + timedelta(days=9)
        make_schedule(a_doctor, wednesday)
        whole = weekly(a_doctor, 2, monday, monday + timedelta(days=60))
        assert code(erin.api.post(PATH, whole)) == (409, "schedule_overlap")
        assert erin.api.post(PATH, {**whole, "from": str(wednesday + timedelta(days=1))}).status_code == 201
        assert erin.api.post(PATH, {**whole, "weekday": 3}).status_code == 201

    def test_a_date_meets_a_week(self, erin, a_doctor, monday):
        make_schedule(a_doctor, weekday=2, first=monday, until=monday + timedelta(days=60))
        assert erin.api.post(PATH, one_date(a_doctor, monday + timedelta(days=16))).status_code == 409
        assert erin.api.post(PATH, one_date(a_doctor, monday + timedelta(days=15))).status_code == 201
        assert erin.api.post(PATH, one_date(a_doctor, monday + timedelta(days=16), "12:00", "13:00")).status_code == 201

    def test_a_week_meets_a_week(self, erin, a_doctor, monday):
        make_schedule(a_doctor, weekday=2, first=monday, until=monday + timedelta(days=60))
        later = weekly(a_doctor, 2, monday + timedelta(days=50), monday + timedelta(days=120))
        assert erin.api.post(PATH, later).status_code == 409
        assert erin.api.post(PATH, {**later, "start_time": "12:00", "end_time": "14:00"}).status_code == 201
        assert erin.api.post(PATH, {**later, "from": str(monday + timedelta(days=61))}).status_code == 201

    def test_hours_entered_in_different_zones_are_compared_as_instants(self, erin, a_doctor, monday, morning):
        """Nine to twelve in London is eighteen to twenty-one in Tokyo."""
        Doctor.objects.update(time_zone="Asia/Tokyo")
        assert erin.api.post(PATH, one_date(a_doctor, monday, "09:00", "12:00")).status_code == 201
        assert erin.api.post(PATH, one_date(a_doctor, monday, "20:30", "22:00")).status_code == 409
        assert erin.api.post(PATH, one_date(a_doctor, monday, "21:00", "22:00")).status_code == 201

    def test_zones_a_day_apart_are_compared_as_well(self, erin, a_doctor, monday):
        """Monday morning in Kiritimati is Sunday morning in Honolulu, at the same instant."""
        Doctor.objects.update(time_zone="Pacific/Kiritimati")
        make_schedule(a_doctor, monday)
        Doctor.objects.update(time_zone="Pacific/Honolulu")
        assert erin.api.post(PATH, one_date(a_doctor, monday - timedelta(days=1), "09:00", "12:00")).status_code == 409
        assert erin.api.post(PATH, one_date(a_doctor, monday, "09:00", "12:00")).status_code == 201

    def test_changing_hours_into_others_is_refused_and_changes_nothing(self, erin, a_doctor, monday, morning):
        afternoon = make_schedule(a_doctor, monday, "13:00", "17:00")
        answer = erin.api.patch(f"{PATH}{afternoon.pk}/", {"start_time": "11:30"})
        assert code(answer) == (409, "schedule_overlap")
        afternoon.refresh_from_db()
        assert f"{afternoon.start_time:%H:%M}" == "13:00"
        assert erin.api.patch(f"{PATH}{afternoon.pk}/", {"start_time": "12:00"}).status_code == 200

    def test_deleted_hours_are_free_again(self, erin, a_doctor, monday, morning):
        assert erin.api.delete(f"{PATH}{morning.pk}/").status_code == 204
        assert erin.api.post(PATH, one_date(a_doctor, monday)).status_code == 201
        assert Schedule.objects.count() == 2


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_of_parallel_overlapping_hours_one_is_accepted(self, erin, a_doctor, monday):
        assert erin.api.token
        bodies = [one_date(a_doctor, monday, f"09:{n:02}", f"12:{n:02}") for n in range(0, 16, 2)]
        bodies[1::2] = [
            weekly(a_doctor, 0, monday, monday + timedelta(days=70 + n), "08:00", "10:00") for n in range(4)
        ]

        statuses = in_parallel(*[lambda body=body: erin.api.post(PATH, body).status_code for body in bodies])

        assert sorted(statuses) == [201] + [409] * 7
        assert Schedule.objects.count() == 1

    def test_hours_that_do_not_overlap_are_all_accepted(self, erin, a_doctor, monday):
        assert erin.api.token
        bodies = [one_date(a_doctor, monday, f"{hour:02}:00", f"{hour + 1:02}:00") for hour in range(8, 16)]

        statuses = in_parallel(*[lambda body=body: erin.api.post(PATH, body).status_code for body in bodies])

        assert statuses == [201] * 8

    def test_deleting_and_booking_at_once_leaves_no_appointment_without_hours(self, erin, ada, a_doctor, monday):
        assert erin.api.token
        assert ada.api.token
        patient = PatientFactory()
        for n in range(5):
            hours = make_schedule(a_doctor, monday + timedelta(days=n))
            booking = {
                "doctor": str(a_doctor.pk),
                "patient": str(patient.pk),
                "starts_at": at(monday + timedelta(days=n), "09:00").isoformat(),
            }
            booked, deleted = in_parallel(
                lambda body=booking: erin.api.post("/api/appointments/", body).status_code,
                lambda pk=hours.pk: ada.api.delete(f"{PATH}{pk}/").status_code,
            )
            assert (booked, deleted) in {(201, 409), (422, 204)}
            hours.refresh_from_db()
            assert hours.appointments.filter(status="booked").exists() == (hours.deleted_at is None)


@pytest.mark.django_db
class TestChange:
    def test_is_safe_to_repeat_and_takes_the_whole_object_back(self, erin, morning):
        path = f"{PATH}{morning.pk}/"
        whole = erin.api.get(path).json()
        changed = {**whole, "end_time": "14:00"}
        given = {name: value for name, value in changed.items() if value is not None}
        assert erin.api.put(path, given).json() == changed
        assert erin.api.put(path, given).json() == changed
        assert erin.api.put(path, changed).json() == changed

    def test_a_date_becomes_weekly_and_a_date_again(self, erin, morning, monday):
        path = f"{PATH}{morning.pk}/"
        days = {"weekday": 0, "from": str(monday), "until": str(monday + timedelta(days=70))}
        assert {name: erin.api.patch(path, days).json()[name] for name in days} == days
        assert erin.api.patch(path, {"until": str(monday)}).json()["until"] == str(monday)
        assert erin.api.patch(path, {"date": str(monday)}).json()["weekday"] is None

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"end_time": "09:29"}, {"end_time"}),
            ({"start_time": "12:00"}, {"end_time"}),
            ({"weekday": 1}, {"weekday"}),
            ({"date": "1999-01-01"}, {"date"}),
            ({"zone": "UTC"}, {"zone"}),
        ],
    )
    def test_refuses_what_creating_refuses(self, erin, morning, change, fields):
        assert wrong(erin.api.patch(f"{PATH}{morning.pk}/", change)) == fields

    def test_keeps_live_appointments_inside(self, erin, morning, a_doctor, monday):
        make_appointment(a_doctor, PatientFactory(), at(monday, "11:30"))
        path = f"{PATH}{morning.pk}/"
        for change in (
            {"end_time": "11:30"},
            {"end_time": "11:45"},
            {"date": str(monday + timedelta(days=1))},
            {"weekday": 0, "from": str(monday + timedelta(days=7)), "until": str(monday + timedelta(days=70))},
        ):
            assert code(erin.api.patch(path, change)) == (409, "live_appointments"), change
        before = morning.updated_at
        morning.refresh_from_db()
        assert (f"{morning.end_time:%H:%M}", morning.updated_at) == ("12:00", before)
        assert erin.api.patch(path, {"start_time": "11:00"}).status_code == 200

    def test_a_cancelled_appointment_holds_nothing(self, erin, morning, a_doctor, monday):
        make_appointment(a_doctor, PatientFactory(), at(monday, "11:30"), "cancelled")
        assert erin.api.patch(f"{PATH}{morning.pk}/", {"end_time": "11:30"}).status_code == 200


@pytest.mark.django_db
class TestDelete:
    @pytest.mark.parametrize("status", ["booked", "arrived"])
    def test_is_refused_while_an_appointment_is_live(self, erin, morning, a_doctor, monday, status):
        make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"), status)
        assert code(erin.api.delete(f"{PATH}{morning.pk}/")) == (409, "live_appointments")
        assert erin.api.get(f"{PATH}{morning.pk}/").status_code == 200

    @pytest.mark.parametrize("status", ["fulfilled", "cancelled", "noshow"])
    def test_keeps_what_is_over(self, erin, morning, a_doctor, monday, status):
        over = make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"), status)
        assert erin.api.delete(f"{PATH}{morning.pk}/").status_code == 204
        assert Appointment.objects.get().schedule_id == morning.pk
        assert erin.api.get(f"/api/appointments/{over.pk}/").json()["appointment_time"] == "09:00"

    def test_twice_is_not_found(self, erin, morning):
        assert erin.api.delete(f"{PATH}{morning.pk}/").status_code == 204
        assert erin.api.delete(f"{PATH}{morning.pk}/").status_code == 404
        assert erin.api.get(f"{PATH}{morning.pk}/").status_code == 404
        assert erin.api.patch(f"{PATH}{morning.pk}/", {"end_time": "13:00"}).status_code == 404
        assert erin.api.get(PATH).json() == []

    def test_what_is_deleted_offers_nothing(self, erin, morning, a_doctor, monday):
        path = f"/api/doctors/{a_doctor.pk}/slots/?from={monday}"
        assert len(erin.api.get(path).json()) == 6
        erin.api.delete(f"{PATH}{morning.pk}/")
        assert erin.api.get(path).json() == []


def off(doctor, day, start="10:00", end="11:00"):
    return {
        "doctor": str(doctor.pk),
        "starts_at": at(day, start).isoformat(),
        "ends_at": at(day, end).isoformat(),
        "reason": "Conference",
    }


@pytest.mark.django_db
class TestTimeOff:
    def free(self, person, doctor, day):
        slots = person.api.get(f"/api/doctors/{doctor.pk}/slots/?from={day}&to={day + timedelta(days=1)}").json()
        return [slot["appointment_time"] for slot in slots]

    def test_hides_slots_and_counts_the_appointments_that_stay(self, erin, a_doctor, monday, morning):
        make_appointment(a_doctor, PatientFactory(), at(monday, "09:30"))
        make_appointment(a_doctor, PatientFactory(), at(monday, "10:30"))
        make_appointment(a_doctor, PatientFactory(), at(monday, "10:00"), "cancelled")
        answer = erin.api.post("/api/time-off/", off(a_doctor, monday, "09:45", "11:00"))
        assert (answer.status_code, answer.json()["live_appointments"]) == (201, 2)
        assert self.free(erin, a_doctor, monday) == ["09:00", "11:00", "11:30"]
        [listed] = erin.api.get("/api/time-off/").json()
        assert listed == answer.json()
        assert Appointment.objects.filter(status="booked").count() == 2

    def test_offers_the_time_again_once_deleted(self, erin, a_doctor, monday, morning):
        made = erin.api.post("/api/time-off/", off(a_doctor, monday)).json()
        assert len(self.free(erin, a_doctor, monday)) == 4
        assert erin.api.delete(f"/api/time-off/{made['id']}/").status_code == 204
        assert len(self.free(erin, a_doctor, monday)) == 6
        assert erin.api.delete(f"/api/time-off/{made['id']}/").status_code == 404

    def test_cannot_be_booked(self, erin, a_doctor, monday, morning):
        make_time_off(a_doctor, at(monday, "10:00"), at(monday, "11:00"))
        body = {"doctor": str(a_doctor.pk), "patient": str(PatientFactory().pk)}
        inside = erin.api.post("/api/appointments/", {**body, "starts_at": at(monday, "10:30").isoformat()})
        assert code(inside) == (422, "outside_schedule")
        beside = erin.api.post("/api/appointments/", {**body, "starts_at": at(monday, "11:00").isoformat()})
        assert beside.status_code == 201

    @pytest.mark.parametrize(
        ("start", "end"),
        [("10:00", "10:00"), ("10:00", "09:00")],
    )
    def test_ends_after_it_begins(self, erin, a_doctor, monday, start, end):
        assert wrong(erin.api.post("/api/time-off/", off(a_doctor, monday, start, end))) == {"ends_at"}

    @pytest.mark.parametrize(
        "change",
        [
            {"starts_at": "2027-01-04T10:00:00"},
            {"starts_at": "soon"},
            {"doctor": MISSING},
            {"ends_at": "9999-12-31T23:59:59-23:59"},
            {"starts_at": "0001-01-01T00:00:00+23:59"},
            {"reason": "x" * 256},
        ],
    )
    def test_refuses_what_is_no_time(self, erin, a_doctor, monday, change):
        assert wrong(erin.api.post("/api/time-off/", {**off(a_doctor, monday), **change}))
        assert not TimeOff.objects.exists()

    def test_takes_any_offset_that_can_be_written(self, erin, a_doctor):
        body = {
            "doctor": str(a_doctor.pk),
            "starts_at": "2027-01-04T10:00:00+23:59",
            "ends_at": "2027-01-04T10:00:00-23:59",
        }
        assert erin.api.post("/api/time-off/", body).status_code == 201
        assert TimeOff.objects.get().starts_at == datetime(2027, 1, 3, 10, 1, tzinfo=UTC)

    def test_a_doctor_keeps_the_own_and_sees_no_others(self, dr_chen, dr_diaz, monday):
        made = dr_chen.api.post("/api/time-off/", off(dr_chen.doctor, monday))
        assert made.status_code == 201
        assert dr_diaz.api.get("/api/time-off/").json() == []
        assert dr_diaz.api.delete(f"/api/time-off/{made.json()['id']}/").status_code == 404
        assert len(dr_chen.api.get("/api/time-off/").json()) == 1
        assert dr_chen.api.delete(f"/api/time-off/{made.json()['id']}/").status_code == 204
