"""Hospitals: who registers and sees them, which addresses are taken, and what becomes of their tokens."""

from datetime import timedelta

import pytest
from django.core import serializers
from django.utils import timezone

import federation.service
from core.http import INTERACTIVE, OutboundError, open_client
from core.models import AuditEvent
from federation.models import Feed, Hospital, PatientRecord
from federation.schemas import EndpointTestIn, HospitalIn
from federation.service.tokens import open_token
from tests.factories.federation import make_hospital, make_record

pytestmark = pytest.mark.django_db

TOKEN = "kanari-token-7f3a"
BODY = {"name": "Example Hospital", "location": "City Center", "api_endpoint": "https://elsewhere.example/api/"}


@pytest.fixture
def registered(ada):
    """A hospital with a token, as the API gave it."""
    answer = ada.api.post("/api/hospitals/", {**BODY, "auth_token": TOKEN})
    assert answer.status_code == 201, answer.content
    return answer.json()


def path(hospital):
    return f"/api/hospitals/{hospital['id'] if isinstance(hospital, dict) else hospital.pk}/"


class TestRegistering:
    def test_keeps_what_was_said_and_asks_nothing_yet(self, ada, registered):
        row = Hospital.objects.get()
        assert registered == {
            "id": str(row.pk),
            **BODY,
            "format": "json",
            "has_token": True,
            "sync_every_minutes": None,
            "status": "never",
            "fetched_at": None,
            "created_at": registered["created_at"],
            "updated_at": registered["updated_at"],
        }
        assert (row.created_by_id, row.feed.due_at, row.feed.attempted_at) == (ada.id, None, None)

    def test_what_is_copied_by_the_clock_is_due_at_once(self, ada):
        before = timezone.now()
        ada.api.post("/api/hospitals/", {**BODY, "sync_every_minutes": 60})
        assert before <= Feed.objects.get().due_at <= timezone.now()

    @pytest.mark.parametrize(
        "endpoint",
        [
            "not a url",
            "ftp://elsewhere.example/",
            "https://user:secret@elsewhere.example/",
            "http://10.0.0.7/records",
            "http://169.254.169.254/latest/",
            "http://[fd00::1]/",
        ],
    )
    def test_refuses_what_can_be_judged_without_a_network(self, ada, endpoint):
        answer = ada.api.post("/api/hospitals/", {**BODY, "api_endpoint": endpoint})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["api_endpoint"])
        assert not Hospital.objects.exists()

    def test_takes_what_the_deployment_lists_without_looking_it_up(self, ada, settings):
        settings.FEDERATION_ALLOWED_HOSTS = ["10.0.0.7:8443", "records.invalid"]
        for endpoint in ("http://10.0.0.7:8443/x", "http://records.invalid/"):
            assert ada.api.post("/api/hospitals/", {**BODY, "api_endpoint": endpoint}).status_code == 201

    def test_production_wants_https(self, ada, settings):
        settings.PRODUCTION = True
        answer = ada.api.post("/api/hospitals/", {**BODY, "api_endpoint": "http://elsewhere.example/"})
        assert answer.status_code == 422
        assert ada.api.post("/api/hospitals/", BODY).status_code == 201

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "   "),
            ("api_endpoint", ""),
            ("format", "xml"),
            ("auth_token", f"{TOKEN}\r\nX-Evil: 1"),
            ("auth_token", f"{TOKEN}é"),
            ("sync_every_minutes", 4),
            ("sync_every_minutes", 43201),
            ("status", "planted and unknown"),
        ],
    )
    def test_refuses_a_bad_field_without_repeating_it(self, ada, field, value):
        answer = ada.api.post("/api/hospitals/", {**BODY, field: value, "surprise": TOKEN})
        assert answer.status_code == 422
        assert TOKEN not in answer.content.decode()
        assert not Hospital.objects.exists()

    def test_an_idempotency_key_registers_once(self, ada):
        answers = [
            ada.api.post("/api/hospitals/", BODY, headers={"Idempotency-Key": "one"}).json()["id"] for _ in range(2)
        ]
        assert answers[0] == answers[1] == str(Hospital.objects.get().pk)


class TestReading:
    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "rita", "otto"])
    def test_everybody_signed_in_sees_name_and_place_alone(self, request, registered, who):
        person = request.getfixturevalue(who)
        shown = {name: registered[name] for name in ("id", "name", "location")}
        assert person.api.get("/api/hospitals/").json() == [shown]
        assert person.api.get(path(registered)).json() == shown

    def test_administrators_see_where_it_is_reached(self, ada, registered):
        assert ada.api.get("/api/hospitals/").json() == [registered]
        assert ada.api.get(path(registered)).json() == registered

    def test_a_page_at_a_time_newest_first(self, alice):
        made = [str(make_hospital(f"H{n}").pk) for n in range(3)]
        first = alice.api.get("/api/hospitals/", {"limit": 2})
        following = alice.api.get(first["Link"].split(">")[0].removeprefix("<"))
        assert [each["id"] for each in first.json() + following.json()] == made[::-1]
        assert "Link" not in following

    @pytest.mark.parametrize(
        ("minutes", "age", "failures", "status"),
        [
            (None, None, 0, "never"),
            (None, None, 1, "failed"),
            (None, timedelta(hours=1), 2, "failed"),
            (None, timedelta(hours=23), 0, "fresh"),
            (None, timedelta(hours=25), 0, "stale"),
            (30, timedelta(minutes=59), 0, "fresh"),
            (30, timedelta(minutes=61), 0, "stale"),
        ],
    )
    def test_says_how_fresh_its_copy_is(self, ada, now, minutes, age, failures, status):
        hospital = make_hospital(
            fetched_at=now - age if age else None, sync_every_minutes=minutes, feed={"failures": failures}
        )
        assert ada.api.get(path(hospital)).json()["status"] == status

    def test_the_state_of_fetching_is_for_administrators(self, ada, erin, now):
        later = now + timedelta(seconds=60)
        hospital = make_hospital(
            feed={"failures": 5, "error_code": "timeout", "error_detail": "Too slow.", "opens_until": later}
        )
        state = federation.service.describe_feeds(actor=ada.actor, hospital_ids=[hospital.pk], now=now)[hospital.pk]
        assert (state.status, state.failures, state.error, state.kept_away_until) == ("failed", 5, "Too slow.", later)
        afterwards = federation.service.describe_feeds(actor=ada.actor, hospital_ids=[hospital.pk], now=later)[
            hospital.pk
        ]
        assert afterwards.kept_away_until is None
        with pytest.raises(Exception, match="Administrators"):
            federation.service.describe_feeds(actor=erin.actor, hospital_ids=[hospital.pk], now=now)


class TestChanging:
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_a_partial_body_changes_what_it_names(self, ada, registered, method):
        answer = getattr(ada.api, method)(path(registered), {"location": "North", "sync_every_minutes": 15})
        assert answer.status_code == 200
        assert answer.json() == {
            **registered,
            "location": "North",
            "sync_every_minutes": 15,
            "updated_at": answer.json()["updated_at"],
        }
        assert Feed.objects.get().due_at is not None

    def test_the_whole_object_may_come_back(self, ada, registered):
        answer = ada.api.put(path(registered), registered)
        assert answer.status_code == 200
        assert answer.json() == {**registered, "updated_at": answer.json()["updated_at"]}
        assert open_token(Hospital.objects.get()) == TOKEN

    def test_null_changes_nothing_that_must_be_there(self, ada, registered):
        answer = ada.api.patch(path(registered), {"name": None, "api_endpoint": None, "format": None, "location": None})
        assert answer.json() == {**registered, "location": "", "updated_at": answer.json()["updated_at"]}

    def test_a_new_rhythm_counts_from_the_last_attempt(self, ada, now):
        hospital = make_hospital(fetched_at=now - timedelta(minutes=10))
        ada.api.patch(path(hospital), {"sync_every_minutes": 60})
        assert Feed.objects.get().due_at == now + timedelta(minutes=50)
        ada.api.patch(path(hospital), {"sync_every_minutes": 5})
        assert Feed.objects.get().due_at >= now
        ada.api.patch(path(hospital), {"sync_every_minutes": None})
        assert Feed.objects.get().due_at is None

    def test_a_new_address_begins_without_the_failures_of_the_old_one(self, ada, now):
        copied = now - timedelta(hours=1)
        hospital = make_hospital(
            fetched_at=copied,
            feed={"failures": 5, "error_code": "tls", "error_detail": "x", "opens_until": now + timedelta(hours=1)},
        )
        ada.api.patch(path(hospital), {"name": "Renamed"})
        assert Feed.objects.get().failures == 5
        ada.api.patch(path(hospital), {"api_endpoint": "https://new.example/"})
        feed = Feed.objects.get()
        assert (feed.failures, feed.error_code, feed.opens_until, feed.fetched_at) == (0, "", None, copied)

    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "rita", "otto"])
    def test_is_for_administrators(self, request, registered, who):
        person = request.getfixturevalue(who)
        assert person.api.post("/api/hospitals/", BODY).status_code == 403
        assert person.api.patch(path(registered), {"name": "Mine"}).status_code == 403
        assert person.api.delete(path(registered)).status_code == 403
        assert Hospital.objects.get().name == BODY["name"]


class TestToken:
    def test_is_sealed_and_opens_for_this_hospital_and_origin(self, registered):
        hospital = Hospital.objects.get()
        assert open_token(hospital) == TOKEN
        assert TOKEN not in hospital.sealed_token
        assert hospital.token_origin == "https://elsewhere.example:443"

    def test_does_not_open_for_another_row_or_another_origin(self, registered):
        hospital = Hospital.objects.get()
        other = make_hospital(
            endpoint=hospital.api_endpoint, sealed_token=hospital.sealed_token, token_origin=hospital.token_origin
        )
        with pytest.raises(OutboundError, match="can no longer be read"):
            open_token(other)
        hospital.api_endpoint = "https://elsewhere.example.evil/"
        assert open_token(hospital) == ""
        hospital.token_origin = "https://elsewhere.example.evil:443"
        with pytest.raises(OutboundError, match="can no longer be read"):
            open_token(hospital)

    @pytest.mark.parametrize(
        "endpoint",
        [
            "https://elsewhere.example/api",
            "https://elsewhere.example/api/?x=1",
            "https://elsewhere.example:8443/api/",
            "https://elsewhere.example.evil/api/",
        ],
    )
    def test_is_gone_with_the_address_it_was_for(self, ada, registered, endpoint):
        answer = ada.api.patch(path(registered), {"api_endpoint": endpoint})
        assert answer.json()["has_token"] is False
        assert (Hospital.objects.get().sealed_token, Hospital.objects.get().token_origin) == ("", "")

    def test_a_new_one_may_come_with_the_new_address(self, ada, registered):
        body = {"api_endpoint": "https://new.example/", "auth_token": "another-token"}
        assert ada.api.patch(path(registered), body).json()["has_token"] is True
        hospital = Hospital.objects.get()
        assert (open_token(hospital), hospital.token_origin) == ("another-token", "https://new.example:443")

    def test_stays_where_the_address_is_the_same_in_another_spelling(self, ada, registered):
        ada.api.patch(path(registered), {"api_endpoint": "HTTPS://Elsewhere.Example/api/"})
        assert open_token(Hospital.objects.get()) == TOKEN

    @pytest.mark.parametrize("nothing", ["", None])
    def test_can_be_forgotten(self, ada, registered, nothing):
        assert ada.api.patch(path(registered), {"auth_token": nothing}).json()["has_token"] is False

    def test_is_told_to_nobody(self, ada, registered, caplog):
        said = [
            ada.api.get("/api/hospitals/").content,
            ada.api.get(path(registered)).content,
            ada.api.patch(path(registered), {"auth_token": TOKEN, "name": "X"}).content,
            ada.api.patch(path(registered), {"auth_token": TOKEN, "name": ""}).content,
            ada.api.patch(path(registered), {"auth_token": TOKEN, "api_endpoint": "ftp://x"}).content,
            ada.api.get("/api/audit/").content,
        ]
        rows = serializers.serialize("json", [*Hospital.objects.all(), *AuditEvent.objects.all()])
        body = HospitalIn(**BODY, auth_token=TOKEN)
        said += [rows.encode(), repr(body).encode(), str(body).encode(), repr(Hospital.objects.get()).encode()]
        assert not [text for text in said if TOKEN.encode() in text]
        assert TOKEN not in caplog.text

    def test_is_sent_to_its_hospital(self, ada, dr_diaz, town):
        hospital = town.add("a")
        made = ada.api.post("/api/hospitals/", {**BODY, "api_endpoint": hospital.url, "auth_token": TOKEN}).json()
        assert dr_diaz.api.get(path(made) + "fetch_records/").status_code == 200
        assert hospital.asked == [f"Bearer {TOKEN}"]


class TestDeleting:
    def test_takes_it_out_of_use_and_keeps_its_records(self, ada, erin, registered, now):
        hospital = Hospital.objects.get()
        record = make_record(hospital)
        Feed.objects.update(due_at=now)

        assert ada.api.delete(path(registered)).status_code == 204

        assert ada.api.get(path(registered)).status_code == 404
        assert ada.api.get("/api/hospitals/").json() == []
        assert ada.api.delete(path(registered)).status_code == 404
        hospital.refresh_from_db()
        assert (hospital.deleted_at is not None, hospital.sealed_token, hospital.feed.due_at) == (True, "", None) or (
            Feed.objects.get().due_at is None
        )
        assert PatientRecord.objects.filter(pk=record.pk, removed_at=None).exists()
        assert erin.api.get(f"/api/patient-records/{record.pk}/").status_code == 200


class TestTryingAnAddress:
    def test_counts_what_the_first_page_says_and_keeps_nothing(self, ada, town, now):
        good, bad = {"patient_id": 1, "name": "A", "age": 3, "condition": "x"}, "no record"
        hospital = town.add("a", [good, bad])
        body = EndpointTestIn(api_endpoint=hospital.url, auth_token=TOKEN)
        answer = federation.service.test_endpoint(actor=ada.actor, body=body, hospital_id=None, now=now)
        assert (answer.record_count, answer.problem_count, answer.has_more, answer.error) == (1, 1, False, None)
        assert hospital.asked == [f"Bearer {TOKEN}"]
        assert not Hospital.objects.exists()
        assert not PatientRecord.objects.exists()
        assert [(e.action, e.outcome) for e in AuditEvent.objects.all()] == [("hospital.test", "allowed")]

    def test_says_in_our_words_why_it_cannot_be_read(self, ada, town, now):
        hospital = town.add("a", body=b"<html>kanari</html>")
        answer = federation.service.test_endpoint(
            actor=ada.actor, body=EndpointTestIn(api_endpoint=hospital.url), hospital_id=None, now=now
        )
        assert answer.error
        assert "kanari" not in answer.error

    def test_sends_the_saved_token_to_the_saved_address_alone(self, ada, town, now):
        saved, other = town.add("a"), town.add("b")
        made = ada.api.post("/api/hospitals/", {**BODY, "api_endpoint": saved.url, "auth_token": TOKEN}).json()
        for each in (saved, other):
            body = EndpointTestIn(api_endpoint=each.url)
            federation.service.test_endpoint(actor=ada.actor, body=body, hospital_id=made["id"], now=now)
        assert (saved.asked, other.asked) == ([f"Bearer {TOKEN}"], [None])

    def test_refuses_others_and_addresses_that_may_not_be_asked(self, ada, erin, now):
        with pytest.raises(Exception, match="Administrators"):
            federation.service.test_endpoint(
                actor=erin.actor, body=EndpointTestIn(api_endpoint=BODY["api_endpoint"]), hospital_id=None, now=now
            )
        with pytest.raises(Exception) as refused:
            federation.service.test_endpoint(
                actor=ada.actor, body=EndpointTestIn(api_endpoint="http://10.0.0.7/"), hospital_id=None, now=now
            )
        assert list(refused.value.errors) == ["api_endpoint"]


def test_the_town_is_reached_by_the_real_client(town):
    """Without this the tests above could pass because nothing is asked."""
    hospital = town.add("a", [{"patient_id": 1}])
    with open_client(hospital.url, limits=INTERACTIVE) as client:
        assert client.get_json().value["records"] == [{"patient_id": 1}]
