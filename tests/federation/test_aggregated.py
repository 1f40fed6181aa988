"""The combined data: last good copies with their age, renewed while one waits, and never held up by a bad hospital."""

import sys
import threading
from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection
from django.utils import timezone

from federation.models import Feed, Hospital, PatientRecord, SyncRun
from federation.service import live
from tests.factories.federation import make_hospital, make_record
from tests.federation.limits import shortened

PATH = "/api/aggregated-data/"


def combined(person, **query):
    answer = person.api.get(PATH, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def states(answer):
    return {hospital["name"]: hospital["status"] for hospital in answer["hospitals"]}


def people(number=1, **more):
    return [{"patient_id": n, "name": f"Person {n}", "age": 40, "condition": "Flu", **more} for n in range(number)]


@pytest.mark.django_db
class TestWhatIsShown:
    @pytest.fixture
    def hospitals(self, now):
        """One of each kind; the breaker keeps calls away from the two that were never copied."""
        away = {"opens_until": now + timedelta(hours=1)}
        failed = {"failures": 2, "error_code": "status", "error_detail": "It answered with an error."}
        return {
            "fresh": make_hospital("Fresh", fetched_at=now, feed={"record_count": 2}),
            "stale": make_hospital("Stale", fetched_at=now - timedelta(days=2)),
            "failed": make_hospital("Failed", fetched_at=now - timedelta(hours=3), feed=failed),
            "never": make_hospital("Never", feed=away),
            "failed at once": make_hospital("Failed at once", feed={**failed, **away}),
        }

    @pytest.mark.parametrize("who", ["dr_diaz", "ada"])
    def test_every_hospital_says_how_fresh_it_is(self, request, hospitals, now, who):
        answer = combined(request.getfixturevalue(who))

        assert answer["complete"] == "1 of 5"
        assert states(answer) == {
            "Fresh": "fresh",
            "Stale": "stale",
            "Failed": "failed",
            "Never": "never",
            "Failed at once": "failed",
        }
        by_name = {hospital["name"]: hospital for hospital in answer["hospitals"]}
        assert by_name["Fresh"] == {
            "id": str(hospitals["fresh"].pk),
            "name": "Fresh",
            "status": "fresh",
            "fetched_at": now.isoformat().replace("+00:00", "Z"),
            "record_count": 2,
            "error": None,
        }
        assert by_name["Failed"]["error"] == "It answered with an error."
        assert by_name["Failed"]["fetched_at"] is not None
        assert (by_name["Never"]["fetched_at"], by_name["Never"]["error"]) == (None, None)

    def test_records_of_last_good_copies_and_of_the_clinic(self, dr_diaz, alice, erin, hospitals, now):
        shown = [
            make_record(hospitals["fresh"], "1"),
            make_record(hospitals["failed"], "2"),
            make_record(hospitals["never"], "3", created_by=erin.user),
        ]
        make_record(hospitals["never"], "half a copy")
        make_record(hospitals["fresh"], "gone", removed_at=now)
        make_record(hospitals["fresh"], "unvouched", created_by=alice.user, is_vouched=False)
        make_record(make_hospital("Deleted", fetched_at=now, deleted_at=now), "out of use")

        answer = combined(dr_diaz)

        assert [record["patient_id"] for record in answer["records"]] == ["3", "2", "1"]
        assert answer["records"][-1] == {
            "hospital": str(hospitals["fresh"].pk),
            "hospital_name": "Fresh",
            "patient_id": "1",
            "name": shown[0].name,
            "age": 40,
            "diagnosis": "Influenza",
        }
        assert "Deleted" not in states(answer)

    def test_a_page_at_a_time(self, dr_diaz, hospitals):
        for number in range(5):
            make_record(hospitals["fresh"], f"P{number}")
        seen, address = [], f"{PATH}?limit=2"
        while address:
            answer = dr_diaz.api.get(address)
            assert len(answer.json()["hospitals"]) == 5
            seen += [record["patient_id"] for record in answer.json()["records"]]
            address = answer.get("Link", "").split(">")[0].removeprefix("<")
        assert seen == ["P4", "P3", "P2", "P1", "P0"]

    @pytest.mark.parametrize(
        ("who", "words"),
        [
            ("erin", "Doctors, researchers and administrators"),
            ("alice", "Doctors, researchers and administrators"),
            ("otto", "/api/aggregated-data/statistics/"),
        ],
    )
    def test_others_are_told_where_to_look(self, request, hospitals, who, words):
        for query in ({}, {"live": "true"}):
            answer = request.getfixturevalue(who).api.get(PATH, query)
            assert (answer.status_code, words in answer.json()["detail"]) == (403, True)

    def test_researchers_read_it_without_names(self, rita, hospitals):
        make_record(hospitals["fresh"], "kanari-1", name="Kanari Two", diagnosis="Kanari three")
        answer = rita.api.get(PATH)
        assert answer.status_code == 200
        assert answer.json()["complete"] == "1 of 5"
        assert {frozenset(hospital) for hospital in answer.json()["hospitals"]} == {frozenset({"status", "fetched_at"})}
        [record] = answer.json()["records"]
        assert record.keys() == {"pseudonym", "hospital", "age_band", "gender", "diagnosis"}
        assert "kanari" not in answer.content.decode().lower()
        assert "Fresh" not in answer.content.decode()

    def test_researchers_do_not_have_hospitals_asked_live(self, rita, hospitals):
        assert rita.api.get(PATH, {"live": "true"}).status_code == 403

    def test_refuses_a_cursor_of_another_list(self, dr_diaz, ada, hospitals):
        for number in range(2):
            make_record(hospitals["fresh"], f"P{number}")
        link = ada.api.get(PATH, {"limit": 1})["Link"].split(">")[0].removeprefix("<")
        assert ada.api.get(link).status_code == 200
        assert dr_diaz.api.get(link).status_code == 422


@pytest.mark.django_db(transaction=True)
class TestRenewing:
    @pytest.mark.parametrize("who", ["dr_diaz", "rita"])
    def test_what_was_never_copied_is_copied_once(self, request, town, who):
        fake = town.add("a", people(3))
        hospital = make_hospital("New", endpoint=fake.url)
        person = request.getfixturevalue(who)

        first, second = combined(person), combined(person)

        assert len(first["records"]) == len(second["records"]) == 3
        assert (first["complete"], len(fake.asked)) == ("1 of 1", 1)
        run = SyncRun.objects.get()
        assert (run.hospital_id, run.state, run.job_id, run.records_written) == (hospital.pk, "complete", None, 3)

    @pytest.mark.parametrize("who", ["erin", "alice", "otto"])
    def test_not_for_those_who_may_not_read_it(self, request, town, who):
        fake = town.add("a", people())
        make_hospital(endpoint=fake.url)
        assert request.getfixturevalue(who).api.get(PATH).status_code == 403
        assert fake.asked == []

    def test_live_asks_every_hospital_again(self, dr_diaz, town):
        fake = town.add("a", people(2))
        make_hospital(endpoint=fake.url)
        combined(dr_diaz)
        fake.document["records"] = [{"patient_id": 1, "name": "Renamed", "age": 41, "condition": "Cough"}]

        assert len(combined(dr_diaz)["records"]) == 2
        renewed = combined(dr_diaz, live="true")

        assert [(each["name"], each["diagnosis"]) for each in renewed["records"]] == [("Renamed", "Cough")]
        assert len(fake.asked) == 2

    def test_later_pages_wait_for_nobody(self, dr_diaz, town):
        fake = town.add("a", people(3))
        make_hospital(endpoint=fake.url)
        answer = dr_diaz.api.get(PATH, {"limit": 2, "live": "true"})
        make_hospital(endpoint=town.add("new").url)
        following = dr_diaz.api.get(answer["Link"].split(">")[0].removeprefix("<"))
        assert len(following.json()["records"]) == 1
        assert (len(fake.asked), town.hospitals["/new"].asked) == (1, [])

    def test_what_fails_keeps_its_last_good_copy_and_says_why(self, dr_diaz, town):
        fake, good = town.add("a", people(2)), town.add("b", people(1))
        make_hospital("Bad", endpoint=fake.url)
        make_hospital("Good", endpoint=good.url)
        copied_at = {each["name"]: each["fetched_at"] for each in combined(dr_diaz)["hospitals"]}
        fake.status = 500

        answer = combined(dr_diaz, live="true")

        assert (answer["complete"], len(answer["records"])) == ("1 of 2", 3)
        [bad] = [each for each in answer["hospitals"] if each["name"] == "Bad"]
        assert (bad["status"], bad["fetched_at"], bad["record_count"]) == ("failed", copied_at["Bad"], 2)
        assert bad["error"]

    def test_what_the_breaker_protects_is_left_alone(self, dr_diaz, town, now):
        fake = town.add("a", people())
        make_hospital(endpoint=fake.url, feed={"failures": 5, "opens_until": now + timedelta(minutes=1)})
        assert states(combined(dr_diaz, live="true")) == {"Elsewhere": "failed"}
        assert fake.asked == []
        Feed.objects.update(opens_until=now)
        assert states(combined(dr_diaz, live="true")) == {"Elsewhere": "fresh"}

    def test_a_hospital_is_asked_six_times_a_minute(self, dr_diaz, town, limits_on):
        fake = town.add("a", people())
        make_hospital(endpoint=fake.url)
        for _ in range(8):
            assert combined(dr_diaz, live="true")["complete"] == "1 of 1"
        assert len(fake.asked) == 6


def hospitals_of(town, number, **behaviour):
    """Open so many hospitals that behave alike."""
    kind = "-".join(behaviour) or "good"
    for index in range(number):
        fake = town.add(f"{kind}{index}", people(), **behaviour)
        make_hospital(f"{kind} {index}", endpoint=fake.url)


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_twenty_are_asked_beside_one_another(self, dr_diaz, town):
        hospitals_of(town, 20, delay=0.1)
        assert dr_diaz.api.token
        began = monotonic()

        answer = combined(dr_diaz, live="true")

        seconds = monotonic() - began
        assert (answer["complete"], len(answer["records"])) == ("20 of 20", 20)
        assert [len(fake.asked) for fake in town.hospitals.values()] == [1] * 20
        # Not more than 16, nearly all of them at the same moment, and less than one after the other would take.
        assert 8 <= town.most_at_once <= 16
        assert seconds < 20 * 0.1

    @pytest.mark.prove
    def test_is_as_quick_as_the_slowest_and_not_as_their_sum(self, dr_diaz, town, monkeypatch, capsys):
        hospitals_of(town, 20, delay=0.1)
        assert dr_diaz.api.token

        def seconds():
            began = monotonic()
            assert combined(dr_diaz, live="true")["complete"] == "20 of 20"
            return monotonic() - began

        beside_one_another = min(seconds() for _ in range(3))
        monkeypatch.setattr(live, "AT_ONCE", 1)
        one_after_the_other = seconds()
        with capsys.disabled():
            sys.stdout.write(f"\n20 of 0.1 s: {beside_one_another:.2f} s, one by one {one_after_the_other:.2f} s\n")
        assert one_after_the_other > 2
        assert beside_one_another < 0.5

    def bad_day(self, town, now):
        """Ten that work, five that hang, three with an error and two with garbage; all were copied an hour ago."""
        hospitals_of(town, 10)
        hospitals_of(town, 5, hangs=True)
        hospitals_of(town, 3, status=500)
        hospitals_of(town, 2, body=b"\x1f\x8bgarbage")
        Feed.objects.update(fetched_at=now - timedelta(hours=1))

    def require_half(self, answer, now):
        assert answer["complete"] == "10 of 20"
        failed = [each for each in answer["hospitals"] if each["status"] == "failed"]
        assert len(failed) == 10
        assert all(each["error"] for each in failed)
        assert {each["fetched_at"] for each in failed} == {
            (now - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        }
        assert {each["name"].split(" ")[0] for each in failed} == {"hangs", "status", "body"}
        assert len(answer["records"]) == 10

    def test_ten_of_twenty_hold_nobody_up(self, dr_diaz, town, now, monkeypatch):
        monkeypatch.setattr(live, "INTERACTIVE", shortened(1))
        self.bad_day(town, now)
        assert dr_diaz.api.token
        began = monotonic()

        answer = combined(dr_diaz, live="true")

        assert monotonic() - began < live.TOTAL_SECONDS
        self.require_half(answer, now)

    @pytest.mark.prove
    def test_ten_of_twenty_with_the_real_limits(self, dr_diaz, town, now, capsys):
        self.bad_day(town, now)
        assert dr_diaz.api.token
        began = monotonic()

        answer = combined(dr_diaz, live="true")

        seconds = monotonic() - began
        with capsys.disabled():
            sys.stdout.write(f"\n10 of 20 hospitals bad: {seconds:.2f} s\n")
        assert seconds < live.TOTAL_SECONDS + 1
        self.require_half(answer, now)

    def test_a_thread_that_hangs_is_not_waited_for(self, dr_diaz, town, monkeypatch):
        """Not even one that no deadline reaches; what it stores when it wakes is a copy like any other."""
        hospitals_of(town, 3)
        stuck, woken, copy = Hospital.objects.latest("pk").pk, threading.Event(), live.copy_hospital
        ended = threading.Event()

        def copy_slowly(**arguments):
            if arguments["hospital_id"] != stuck:
                return copy(**arguments)
            woken.wait(30)
            try:
                return copy(**arguments)
            finally:
                ended.set()

        monkeypatch.setattr(live, "copy_hospital", copy_slowly)
        monkeypatch.setattr(live, "TOTAL_SECONDS", 1.0)
        assert dr_diaz.api.token
        began = monotonic()
        answer = combined(dr_diaz)
        seconds = monotonic() - began
        woken.set()
        assert ended.wait(10)

        assert 1.0 <= seconds < 3
        assert answer["complete"] == "2 of 3"
        [unreached] = [each for each in answer["hospitals"] if each["id"] == str(stuck)]
        assert (unreached["status"], unreached["fetched_at"]) == ("failed", None)
        assert "within the time" in unreached["error"]
        assert combined(dr_diaz)["complete"] == "3 of 3"

    def test_what_waits_when_the_time_is_over_is_not_begun(self, dr_diaz, town, monkeypatch):
        monkeypatch.setattr(live, "AT_ONCE", 1)
        monkeypatch.setattr(live, "TOTAL_SECONDS", 0.5)
        hospitals_of(town, 3, delay=0.7)

        answer = combined(dr_diaz)

        assert answer["complete"] == "0 of 3"
        assert sum(len(fake.asked) for fake in town.hospitals.values()) == 1
        wait_for_threads()

    def test_a_failure_of_ours_stays_with_its_hospital(self, dr_diaz, town, monkeypatch):
        hospitals_of(town, 3)
        broken, copy = Hospital.objects.latest("pk").pk, live.copy_hospital

        def copy_or_break(**arguments):
            if arguments["hospital_id"] == broken:
                raise RuntimeError("planted")
            return copy(**arguments)

        monkeypatch.setattr(live, "copy_hospital", copy_or_break)
        assert combined(dr_diaz)["complete"] == "2 of 3"

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="counts the server's connections")
    def test_leaves_no_database_connection_open(self, dr_diaz, town):
        hospitals_of(town, 20)

        def open_now():
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
                return cursor.fetchone()[0]

        before = open_now()
        combined(dr_diaz)
        ends = monotonic() + 5
        while open_now() > before and monotonic() < ends:
            threading.Event().wait(0.05)
        assert open_now() == before

    def test_nothing_is_copied_twice_by_two_readers_at_once(self, dr_diaz, ada, town):
        hospitals_of(town, 5, delay=0.2)
        answers = {}
        threads = [
            threading.Thread(target=lambda p=person, n=name: answers.__setitem__(n, read_and_hang_up(p)))
            for name, person in (("diaz", dr_diaz), ("ada", ada))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {answer.status_code for answer in answers.values()} == {200}
        assert SyncRun.objects.filter(state="complete").count() == 5
        assert PatientRecord.objects.count() == 5


def read_and_hang_up(person):
    """Read the combined data in a thread of one's own."""
    try:
        return person.api.get(PATH)
    finally:
        connection.close()


def wait_for_threads():
    """Let what is still at work end before the tables are emptied."""
    ends = monotonic() + 10
    while SyncRun.objects.filter(state="running").exists() and monotonic() < ends:
        threading.Event().wait(0.05)


@pytest.mark.django_db
def test_the_clock_of_freshness_is_the_servers(dr_diaz, now):
    make_hospital(fetched_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert combined(dr_diaz)["complete"] == "1 of 1"
