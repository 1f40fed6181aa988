"""The clinic's report: every total is the sum of its rows, to the cent, over month ends and in the clinic's days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from care.models import Doctor
from identity.models import User
from scheduling.models import Appointment
from tests.conftest import Person
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db

PATH = "/api/admin-panel/reports/"
STATUSES = ["booked", "arrived", "fulfilled", "cancelled", "noshow"]
MISSING = "01890000-0000-7000-8000-000000000000"


def report(person, **query):
    answer = person.api.get(PATH, {name.rstrip("_"): str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.content
    return answer.json()


def all_details(person, query=""):
    """The details of every page, following the links."""
    found, address = [], f"{PATH}?limit=2{query}"
    while address:
        page = person.api.get(address)
        assert page.status_code == 200, page.content
        assert len(page.json()["booked_details"]) <= 2
        found += page.json()["booked_details"]
        address = page.headers.get("Link", "").split(">")[0].removeprefix("<http://testserver")
    return found


def at_work(fee, first=date(2026, 1, 1), last=date(2026, 12, 31), **more):
    """A doctor who works around the clock every day of a year, but for a break at 05:30 UTC, for this fee."""
    zone = "Etc/GMT+6"  # six hours behind UTC
    doctor = DoctorFactory(consultation_fee=Decimal(fee), max_appointments_per_day=100, time_zone=zone, **more)
    for weekday in range(7):
        make_schedule(doctor, weekday=weekday, first=first, until=last, start="00:00", end="23:59")
    return doctor


def reconcile(told, rows):
    """Compare a report with the rows, added up here one by one."""
    by_doctor = {}
    for row in rows:
        counts = by_doctor.setdefault(str(row.doctor_id), dict.fromkeys(STATUSES, 0) | {"revenue": Decimal(0)})
        counts[row.status] += 1
        counts["revenue"] += row.fee if row.status == "fulfilled" else 0
    assert {each["doctor"] for each in told["appointments_per_doctor"]} == set(by_doctor)
    for each in told["appointments_per_doctor"]:
        expected = by_doctor[each["doctor"]]
        assert {status: each[status] for status in STATUSES} == {status: expected[status] for status in STATUSES}
        assert each["total"] == sum(expected[status] for status in STATUSES)
        assert Decimal(each["revenue"]) == expected["revenue"]
    assert told["total_appointments"] == len(rows)
    assert Decimal(told["total_revenue"]) == sum((counts["revenue"] for counts in by_doctor.values()), Decimal(0))


class TestTotals:
    @pytest.fixture
    def year(self):
        """Two doctors, and appointments around the ends of three months."""
        first, second = at_work("33.33", firstname="Busy"), at_work("0.10", firstname="Calm")
        moments = [
            datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
            datetime(2026, 2, 1, 0, 0, tzinfo=UTC),
            datetime(2026, 2, 28, 23, 0, tzinfo=UTC),
            datetime(2026, 3, 1, 0, 30, tzinfo=UTC),
            datetime(2026, 3, 31, 12, 0, tzinfo=UTC),
        ]
        rows = []
        for n, moment in enumerate(moments):
            rows.append(make_appointment(first, PatientFactory(), moment, STATUSES[n]))
            rows.append(make_appointment(first, PatientFactory(), moment + timedelta(hours=-3), "fulfilled"))
        rows += [make_appointment(second, PatientFactory(), moment, "fulfilled") for moment in moments[:3]]
        return rows

    def test_are_the_sums_of_their_rows(self, ada, year):
        told = report(ada)
        reconcile(told, year)
        assert (told["total_revenue"], told["currency"]) == ("200.28", "USD")
        assert [(each["doctor_name"], each["total"]) for each in told["appointments_per_doctor"]] == [
            ("Busy Tor", 10),
            ("Calm Tor", 3),
        ]
        assert told["appointments_per_doctor"][1]["revenue"] == "0.30"

    def test_only_what_took_place_is_revenue(self, ada):
        doctor = at_work("10.00")
        for n, status in enumerate(STATUSES):
            make_appointment(doctor, PatientFactory(), datetime(2026, 5, 4, 9 + n, tzinfo=UTC), status)
        told = report(ada)
        [row] = told["appointments_per_doctor"]
        assert {status: row[status] for status in STATUSES} == dict.fromkeys(STATUSES, 1)
        assert (row["total"], row["revenue"], told["total_revenue"]) == (5, "10.00", "10.00")

    def test_are_exact_to_the_cent(self, ada):
        """Three times ten cents is thirty, which is not so for binary fractions."""
        doctor = at_work("0.10")
        for n in range(3):
            make_appointment(doctor, PatientFactory(), datetime(2026, 5, 4, 9 + n, tzinfo=UTC), "fulfilled")
        Doctor.objects.update(consultation_fee=Decimal("99999999.99"))
        make_appointment(doctor, PatientFactory(), datetime(2026, 5, 4, 15, tzinfo=UTC), "fulfilled")
        assert report(ada)["total_revenue"] == "100000000.29"

    def test_keep_the_fee_of_the_day(self, ada, year):
        before = report(ada)["total_revenue"]
        Doctor.objects.update(consultation_fee=Decimal("1000.00"))
        assert report(ada)["total_revenue"] == before

    def test_of_months_add_up_to_the_year(self, ada, year):
        months = [
            report(ada, from_=date(2026, n, 1), to=date(2026, n + 1, 1) - timedelta(days=1)) for n in range(1, 12)
        ]
        whole = report(ada, from_="2026-01-01", to="2026-11-30")
        assert sum(Decimal(each["total_revenue"]) for each in months) == Decimal(whole["total_revenue"])
        assert sum(each["total_appointments"] for each in months) == whole["total_appointments"] == len(year)

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Dhaka", "Pacific/Kiritimati", "Pacific/Chatham"])
    def test_a_day_is_the_clinics_day_both_ends_included(self, ada, year, settings, zone):
        settings.TIME_ZONE = zone
        for first, last in (
            (date(2026, 2, 1), date(2026, 2, 28)),
            (date(2026, 1, 31), date(2026, 1, 31)),
            (date(2026, 3, 1), date(2026, 3, 31)),
        ):
            inside = [row for row in year if first <= row.starts_at.astimezone(ZoneInfo(zone)).date() <= last]
            told = report(ada, from_=first, to=last)
            reconcile(told, inside)
            assert (told["from"], told["to"]) == (str(first), str(last))

    def test_the_day_of_23_hours_and_the_day_of_25_are_whole(self, ada, settings):
        settings.TIME_ZONE = "America/New_York"
        doctor = at_work("1.00")
        new_york = ZoneInfo("America/New_York")
        spring, autumn = datetime(2026, 3, 8, tzinfo=new_york), datetime(2026, 11, 1, tzinfo=new_york)
        for midnight, length in ((spring, 23), (autumn, 25)):
            begin = midnight.astimezone(UTC)
            for hours in (
                timedelta(minutes=-30),
                timedelta(0),
                timedelta(hours=length, minutes=-30),
                timedelta(hours=length),
            ):
                make_appointment(doctor, PatientFactory(), begin + hours, "fulfilled")
            assert report(ada, from_=midnight.date(), to=midnight.date())["total_appointments"] == 2

    def test_leave_out_what_was_deleted(self, ada, year):
        assert ada.api.delete(f"/api/appointments/{year[0].pk}/").status_code == 204
        reconcile(report(ada), year[1:])
        assert str(year[0].pk) not in str(all_details(ada))

    def test_name_doctors_who_are_gone(self, ada, now):
        doctor = at_work("5.00")
        make_appointment(doctor, PatientFactory(), datetime(2026, 5, 4, 9, tzinfo=UTC), "fulfilled")
        Doctor.objects.update(deleted_at=now)
        assert [each["doctor_name"] for each in report(ada)["appointments_per_doctor"]] == [doctor.name]

    def test_of_nothing_are_nothing(self, ada):
        assert report(ada) == {
            "from": None,
            "to": None,
            "total_appointments": 0,
            "total_revenue": "0.00",
            "currency": "USD",
            "appointments_per_doctor": [],
            "booked_details": [],
        }


def test_every_period_in_every_zone_reconciles_to_its_rows(ada, settings):
    """A book of sixty appointments anywhere in two months, read by periods of any length."""
    dice = Random(4)
    doctors = [at_work(fee, date(2026, 1, 20), date(2026, 3, 25)) for fee in ("19.99", "0.01")]
    times = [n for n in range(60 * 48) if n % 48 != 11]  # not in the break
    rows = [
        make_appointment(
            dice.choice(doctors),
            PatientFactory(),
            datetime(2026, 1, 21, tzinfo=UTC) + n * timedelta(minutes=30),
            dice.choice(STATUSES),
        )
        for n in dice.sample(times, 60)
    ]
    for _ in range(10):
        for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns"):
            settings.TIME_ZONE = zone
            first, last = sorted(date(2026, 1, 19) + timedelta(days=dice.randrange(64)) for _ in range(2))
            inside = [row for row in rows if first <= row.starts_at.astimezone(ZoneInfo(zone)).date() <= last]
            told = report(ada, from_=first, to=last, limit=100)
            reconcile(told, inside)
            assert {each["id"] for each in told["booked_details"]} == {str(row.pk) for row in inside}


class TestDetails:
    @pytest.fixture
    def five(self, a_doctor, monday, morning):
        return [
            make_appointment(a_doctor, PatientFactory(), at(monday, "09:00") + n * timedelta(minutes=30))
            for n in range(5)
        ]

    def test_say_who_sees_whom_newest_first(self, ada, five):
        first, *_ = report(ada)["booked_details"]
        assert first["id"] == str(five[-1].pk)
        assert first["patient_name"] == str(five[-1].patient)
        assert {"doctor_name", "date", "appointment_time", "status", "fee", "notes"} <= set(first)

    def test_come_in_pages_while_the_totals_stay_whole(self, ada, five):
        page = ada.api.get(f"{PATH}?limit=2")
        assert 'rel="next"' in page["Link"]
        assert (len(page.json()["booked_details"]), page.json()["total_appointments"]) == (2, 5)
        assert [each["id"] for each in all_details(ada)] == [str(row.pk) for row in reversed(five)]

    def test_a_cursor_is_good_for_its_own_report_alone(self, ada, five, a_doctor):
        address = ada.api.get(f"{PATH}?limit=2")["Link"].split(">")[0].removeprefix("<http://testserver")
        assert ada.api.get(address).status_code == 200
        assert ada.api.get(f"{address}&doctor={a_doctor.pk}").status_code == 422
        ada_too = Person(User.objects.create(username="ada2", email="ada2@clinic.example", name="Ada", role="admin"))
        assert ada_too.api.get(address).status_code == 422

    def test_filter_by_doctor(self, ada, five, dr_chen, chens_morning, monday):
        other = make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))
        told = report(ada, doctor=dr_chen.doctor.pk)
        assert [each["id"] for each in told["booked_details"]] == [str(other.pk)]
        assert [each["doctor"] for each in told["appointments_per_doctor"]] == [str(dr_chen.doctor.pk)]
        assert report(ada, doctor=MISSING)["total_appointments"] == 0

    def test_filter_by_doctor_and_period_together(self, ada, five, a_doctor, monday):
        assert report(ada, doctor=a_doctor.pk, from_=monday, to=monday)["total_appointments"] == 5
        assert report(ada, doctor=a_doctor.pk, from_=monday + timedelta(days=1))["total_appointments"] == 0
        assert report(ada, to=monday - timedelta(days=1))["total_appointments"] == 0


class TestWho:
    @pytest.mark.parametrize("who", ["alice", "dr_chen", "erin", "rita", "otto"])
    def test_is_for_administrators_alone(self, request, who):
        answer = request.getfixturevalue(who).api.get(PATH)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")

    def test_strangers_sign_in_first(self, nobody):
        assert nobody.api.get(PATH).status_code == 401

    def test_works_with_and_without_the_last_slash(self, ada):
        assert ada.api.get(PATH.rstrip("/")).status_code == 200

    @pytest.mark.parametrize(
        "query",
        [
            "from=2026-02-01&to=2026-01-31",
            "from=soon",
            "to=2026-02-30",
            "from=1999-12-31",
            "to=9999-12-31",
            "from=0001-01-01",
            "doctor=15",
            "limit=101",
            "cursor=forged",
        ],
    )
    def test_a_bad_filter_is_invalid(self, ada, query):
        assert ada.api.get(f"{PATH}?{query}").status_code == 422


def test_costs_the_same_however_much_is_in_it(ada, django_assert_max_num_queries):
    doctor = at_work("5.00")
    assert ada.api.token
    for n in range(20):
        make_appointment(doctor, PatientFactory(), datetime(2026, 5, 4, 6, tzinfo=UTC) + n * timedelta(minutes=30))
    with django_assert_max_num_queries(14):
        assert report(ada)["total_appointments"] == Appointment.objects.count() == 20
