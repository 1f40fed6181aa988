"""The edge: what holds for every request under /api/, whatever it asks."""

import json
import logging
import sys

import pytest
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from core.edge import EdgeMiddleware
from core.jobs.heartbeat import beat
from core.logs import logging_settings

pytestmark = pytest.mark.django_db

PROBLEM_KEYS = {"type", "title", "status", "detail", "code"}


def assert_problem(response, status, code=None):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert set(body) >= PROBLEM_KEYS
    assert body["status"] == status
    if code:
        assert body["code"] == code
    return body


class TestBothSpellings:
    @pytest.mark.parametrize("path", ["/api/patients", "/api/patients/"])
    def test_answers_every_method_directly(self, alice, path):
        assert alice.api.get(path).status_code == 200
        assert alice.api.post(path, {"firstname": "Syed", "lastname": "Mehdi"}).status_code == 201
        assert alice.api.head(path).status_code == 200
        assert alice.api.options(path).status_code == 204
        assert_problem(alice.api.put(path, {}), 405, "method_not_allowed")

    def test_answers_single_resources_without_the_slash(self, alice, alices_chart):
        path = f"/api/patients/{alices_chart.pk}"
        assert alice.api.get(path).status_code == 200
        assert alice.api.patch(path, {"firstname": "Alva"}).json()["firstname"] == "Alva"
        assert alice.api.put(path, {"firstname": "Alma"}).json()["firstname"] == "Alma"
        assert alice.api.delete(path).status_code == 204

    def test_serves_the_openapi_document_under_its_own_name(self, nobody):
        assert nobody.api.get("/api/openapi.json").json()["openapi"].startswith("3.")


class TestHeadAndOptions:
    def test_head_answers_like_get_without_a_body(self, alice, alices_chart):
        got, head = alice.api.get("/api/patients/"), alice.api.head("/api/patients/")
        assert head.content == b""
        assert head["Content-Length"] == str(len(got.content))
        assert head["Content-Type"] == got["Content-Type"]

    def test_head_of_what_only_takes_post_is_refused(self, alice):
        assert alice.api.head("/api/auth/logout/").status_code == 405

    def test_options_names_the_methods_and_needs_no_token(self, nobody):
        answer = nobody.api.options("/api/patients/")
        assert answer.status_code == 204
        assert answer["Allow"] == "GET, HEAD, OPTIONS, POST"

    def test_options_of_an_unknown_path_is_not_found(self, nobody):
        assert_problem(nobody.api.options("/api/nothing/"), 404, "not_found")


class TestProblems:
    def test_unknown_path(self, nobody):
        assert_problem(nobody.api.get("/api/nothing/here"), 404, "not_found")

    def test_missing_invisible_and_malformed_ids_have_the_same_body(self, alice, bobs_chart):
        answers = [
            alice.api.get(f"/api/patients/{which}/")
            for which in ("01890000-0000-7000-8000-000000000000", bobs_chart.pk, "1", "not-a-uuid", "%F0%9F%92%A9")
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1

    def test_no_token_says_how_to_sign_in(self, nobody):
        answer = nobody.api.get("/api/patients/")
        assert_problem(answer, 401, "not_signed_in")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer ", "Bearer x.y.z", "bearer\tabc", "Token abc"])
    def test_other_authorization_is_refused(self, nobody, value):
        assert_problem(nobody.api.get("/api/patients/", headers={"Authorization": value}), 401)

    def test_method_not_allowed_names_the_allowed_ones(self, alice):
        answer = alice.api.delete("/api/patients/")
        assert_problem(answer, 405)
        assert answer["Allow"] == "GET, HEAD, OPTIONS, POST"

    def test_a_failure_nobody_expected_is_a_problem_without_its_message(self, alice, monkeypatch):
        def fail(**_):
            raise RuntimeError("canary-4711 of Alma Kept")

        monkeypatch.setattr("care.service.list_patients", fail)
        body = assert_problem(alice.api.get("/api/patients/"), 500, "internal_error")
        assert "canary" not in json.dumps(body)

    def test_an_unknown_host_is_a_problem(self, nobody):
        assert_problem(nobody.api.get("/api/patients/", headers={"Host": "evil.example"}), 400)

    def test_every_answer_names_its_request(self, nobody):
        assert nobody.api.get("/api/patients/", headers={"X-Request-ID": "client-0001"})["X-Request-ID"] == (
            "client-0001"
        )
        made_up = nobody.api.get("/api/patients/", headers={"X-Request-ID": "bad id\n"})["X-Request-ID"]
        assert made_up not in ("bad id\n", "")


class TestBodies:
    def test_more_than_a_mebibyte_is_refused(self, alice):
        body = json.dumps({"firstname": "x" * (1024 * 1024)})
        assert_problem(alice.api.post("/api/patients/", body), 413, "body_too_large")

    def test_a_length_that_is_no_number_is_refused(self, alice):
        assert_problem(alice.api.post("/api/patients/", {}, CONTENT_LENGTH="-5"), 400)

    def test_a_body_without_its_length_is_refused(self, alice):
        answer = alice.api.post("/api/patients/", {}, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
        assert_problem(answer, 411, "length_required")

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    def test_other_media_types_are_refused(self, alice, kind):
        answer = alice.api.client.generic(
            "POST",
            "/api/patients/",
            b'{"firstname": "A"}',
            kind,
            headers={"Authorization": f"Bearer {alice.api.token}"},
        )
        assert_problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"nul",
            b'{"firstname": NaN}',
            b'{"firstname": "\xff"}',
            b'{"firstname": "\\ud800"}',
            b"[" * 100_000,
            b'{"age": 1e400}',
        ],
    )
    def test_what_is_not_json_is_malformed(self, alice, raw):
        answer = alice.api.post("/api/patients/", raw.decode("latin-1").encode("latin-1"))
        assert answer.status_code in (400, 422)
        assert_problem(answer, answer.status_code)

    @pytest.mark.parametrize(
        "body",
        [
            {"firstname": "a\x00b"},
            {"a\x00": 1},
            {"firstname": [[[["x\x00"]]]]},
        ],
    )
    def test_nul_is_refused_anywhere(self, alice, body):
        assert_problem(alice.api.post("/api/patients/", body), 422, "invalid")

    def test_deep_nesting_is_refused_with_its_limit(self, alice):
        body = assert_problem(alice.api.post("/api/patients/", "[" * 40 + "]" * 40), 422)
        assert "32 levels" in body["errors"]["body"][0]

    @pytest.mark.parametrize("raw", ["[]", '"text"', "5", "null", "true"])
    def test_a_body_that_is_no_object_is_invalid(self, alice, raw):
        assert_problem(alice.api.post("/api/patients/", raw), 422)

    @pytest.mark.parametrize(
        "query", ["q=%00", "limit=-1", "limit=0", "limit=101", "limit=1e30", "limit=x", "limit=99999999999999999999"]
    )
    def test_bad_queries_are_invalid(self, alice, query):
        assert_problem(alice.api.get(f"/api/patients/?{query}"), 422, "invalid")

    def test_nul_in_a_path_is_not_found(self, alice):
        assert_problem(alice.api.get("/api/patients/%00/"), 404)

    def test_unknown_fields_are_named(self, alice):
        body = assert_problem(alice.api.post("/api/patients/", {"firstname": "A", "fristname": "B"}), 422)
        assert "fristname" in body["errors"]

    def test_errors_never_repeat_what_was_sent(self, alice):
        answer = alice.api.post("/api/patients/", {"firstname": "A", "email": "canary-4711", "age": "canary-4711"})
        body = assert_problem(answer, 422)
        assert set(body["errors"]) == {"email", "age"}
        assert "canary" not in answer.content.decode()


class TestHeaders:
    def test_answers_are_not_cached(self, alice):
        assert alice.api.get("/api/patients/")["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/api/patients/", "/livez", "/swagger/"])
    def test_security_headers_stand_on_every_answer(self, nobody, path):
        answer = nobody.api.get(path)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert "camera=()" in answer["Permissions-Policy"]

    def test_other_origins_are_allowed_only_where_configured(self, nobody, settings):
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
        asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
        assert nobody.api.options("/api/patients/", headers=asked)["Access-Control-Allow-Origin"] == (
            "https://app.example"
        )
        stranger = nobody.api.options("/api/patients/", headers={**asked, "Origin": "https://evil.example"})
        assert not stranger.has_header("Access-Control-Allow-Origin")


class TestLogs:
    def test_the_access_line_holds_no_id_no_query_and_no_name(self, alice, alices_chart):
        with capture_logs() as lines:
            alice.api.get(f"/api/patients/{alices_chart.pk}/")
            alice.api.get("/api/patients/?q=alma")
        written = json.dumps(lines)
        assert str(alices_chart.pk) not in written
        assert "alma" not in written.lower()
        assert [line["route"] for line in lines] == ["api/patients/<uuidstr:patient_id>/", "api/patients/"]

    def test_a_failure_is_logged_by_type_and_place_without_its_message(self):
        formatter = logging_settings("INFO")["formatters"]["json"]
        handler = formatter["()"](foreign_pre_chain=formatter["foreign_pre_chain"], processors=formatter["processors"])
        try:
            raise ValueError("canary-4711")
        except ValueError:
            record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed", (), sys.exc_info())
        line = handler.format(record)
        assert "canary" not in line
        assert json.loads(line)["exception"] == "builtins.ValueError"
        assert "test_edge.py" in json.loads(line)["places"][0]


class TestHealth:
    def test_alive_without_asking_the_database(self, nobody):
        def refuse(*_):
            raise AssertionError("livez asked the database")

        with connection.execute_wrapper(refuse):
            assert nobody.api.get("/livez").json() == {"status": "alive"}

    def test_ready_when_the_database_answers(self, nobody, now):
        beat(now)
        assert nobody.api.get("/readyz").json() == {"status": "ready"}

    def test_not_ready_when_it_does_not(self, nobody):
        def fail(*_):
            raise OperationalError("server canary-4711 is gone")

        with connection.execute_wrapper(fail):
            answer = nobody.api.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "not ready"}


def test_the_edge_is_outermost(settings):
    assert settings.MIDDLEWARE[0] == f"{EdgeMiddleware.__module__}.{EdgeMiddleware.__name__}"


class TestOpenAPI:
    def test_every_operation_names_its_refusals(self, nobody):
        document = nobody.api.get("/api/openapi.json").json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                statuses = set(operation["responses"])
                assert "500" in statuses, path
                if operation.get("security"):
                    assert {"401", "403"} <= statuses, (method, path)
                if "{" in path:
                    assert "404" in statuses, (method, path)

    def test_operation_ids_are_unique(self, nobody):
        document = nobody.api.get("/api/openapi.json").json()
        ids = [each["operationId"] for operations in document["paths"].values() for each in operations.values()]
        assert len(ids) == len(set(ids))
