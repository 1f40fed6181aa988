"""What somebody with a token of their own tries next: other doors, other spellings, other people's cookies."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from care.models import Patient
from config.api import api
from core.jobs.heartbeat import beat
from tests.conftest import Person
from tests.factories import PASSWORD, PatientFactory

pytestmark = pytest.mark.django_db

NOBODYS = "01890000-0000-7000-8000-000000000000"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


# --- Every address there is -----------------------------------------------------------------------------------------
def pages(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield the address of every page behind a resolver, with made-up values in it."""
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            if address != "api/":
                yield from pages(entry, address)
        elif isinstance(entry, URLPattern):
            plain = re.sub(r"<uuid:\w+>", NOBODYS, address)
            yield "/" + re.sub(r"<\w+:\w+>|<\w+>|\(.*|\^|\$", "1", plain)


PAGES = sorted(set(pages(get_resolver())))
OPERATIONS = {
    (method.upper(), re.sub(r"{\w+}", NOBODYS, path)): operation
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method, operation in methods.items()
}
CLOSED = [which for which, operation in OPERATIONS.items() if operation.get("security")]


def test_knows_the_pages_of_portal_and_technical_window():
    assert {"/", "/sign-out/", f"/patients/{NOBODYS}/edit/", "/swagger/", "/livez", "/admin/"} <= set(PAGES)


# --- Asking ---------------------------------------------------------------------------------------------------------
def anybody() -> Client:
    return Client(raise_request_exception=False)


def ask(path: str, *, client: Client | None = None, method: str = "GET", **headers: str):
    """Send a path as it stands in the request line: the server decodes it once, and nothing tidies it up before."""
    decoded = unquote_to_bytes(path).decode("latin-1")
    return (client or anybody()).generic(method, "/", PATH_INFO=decoded, headers=headers)


def bearer(person) -> str:
    return f"Bearer {person.api.token}"


@pytest.fixture
def adas_browser(ada) -> Client:
    """A browser in which the administrator has signed in; CSRF is checked as in a real one."""
    client = Client(raise_request_exception=False)
    assert client.post("/sign-in/", {"identifier": "ada", "password": PASSWORD}).status_code == 302
    client.handler.enforce_csrf_checks = True
    return client


class TestMissingAndInvisible:
    """Neither the answer nor the work behind it tells that somebody's chart exists."""

    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
    def test_are_answered_alike(self, alice, bobs_chart, method):
        assert alice.api.token
        body = {"body": {}} if method in ("put", "patch") else {}
        answers, counts = [], []
        for which in (bobs_chart.pk, NOBODYS):
            with CaptureQueriesContext(connection) as queries:
                answers.append(getattr(alice.api, method)(f"/api/patients/{which}/", **body))
            counts.append(len(queries))
        theirs, nobodys = answers
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.content == nobodys.content
        own_to_each = {"X-Request-ID"}
        assert dict(theirs.headers).keys() == dict(nobodys.headers).keys() >= own_to_each
        for name in theirs.headers.keys() - own_to_each:
            assert theirs[name] == nobodys[name]
        # As much is asked of the database for one as for the other: all that a clock could tell.
        assert counts[0] == counts[1]


class TestOtherMethods:
    """What is sent is what counts, whatever a header or a parameter says about it."""

    @pytest.mark.parametrize(
        "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"]
    )
    def test_a_header_does_not_change_the_method(self, alice, alices_chart, header):
        path = f"/api/patients/{alices_chart.pk}/"
        assert alice.api.post(path, {}, headers={header: "DELETE"}).status_code == 405
        assert alice.api.get(path, headers={header: "DELETE"}).status_code == 200
        assert alice.api.get(path).status_code == 200

    def test_a_parameter_does_not_change_the_method(self, alice, alices_chart):
        path = f"/api/patients/{alices_chart.pk}/"
        assert alice.api.get(path + "?_method=DELETE&method=DELETE").status_code == 200
        assert alice.api.get(path).status_code == 200

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PURGE"])
    def test_methods_nobody_serves_are_refused(self, alice, alices_chart, method):
        answer = ask(f"/api/patients/{alices_chart.pk}/", method=method, Authorization=bearer(alice))
        assert answer.status_code == 405
        assert Patient.objects.filter(pk=alices_chart.pk, deleted_at=None).exists()


class TestBodies:
    """One way to send a body; other ways are refused rather than guessed."""

    def send(self, alice, raw, media_type="application/json"):
        headers = {"Authorization": bearer(alice)}
        return alice.api.client.generic("POST", "/api/patients/", raw, media_type, headers=headers)

    @pytest.mark.parametrize(
        "media_type",
        [
            "",
            "*/*",
            "text/json",
            "application/jsonx",
            "application/vnd.api+json",
            "application/json, text/html",
            "application/x-www-form-urlencoded; application/json",
            "multipart/form-data; boundary=application/json",
        ],
    )
    def test_other_media_types_are_refused(self, alice, media_type):
        assert self.send(alice, b'{"firstname": "A"}', media_type).status_code == 415

    @pytest.mark.parametrize("media_type", ["APPLICATION/JSON", "application/json; charset=utf-16"])
    def test_json_is_utf_8_whatever_the_charset_says(self, alice, media_type):
        """RFC 8259, section 8.1; the parameter has no meaning (section 11)."""
        assert self.send(alice, '{"firstname": "Zoë"}'.encode(), media_type).json()["firstname"] == "Zoë"
        assert self.send(alice, '{"firstname": "Zoë"}'.encode("utf-16"), media_type).status_code == 400

    @pytest.mark.parametrize(
        "raw",
        [
            b'\xef\xbb\xbf{"firstname": "A"}',
            b'{"firstname": "A"}{"firstname": "B"}',
            b'{"firstname": "A",}',
            b"{'firstname': 'A'}",
            b'{"firstname": "A" /* a comment */}',
            b'{"firstname": "A"}\x00',
            b"firstname=A",
        ],
    )
    def test_what_is_almost_json_is_refused(self, alice, raw):
        assert self.send(alice, raw).status_code == 400

    def test_of_a_key_written_twice_the_last_is_judged_and_kept(self, alice):
        """No part of us reads the first and another the last: what is checked is what is stored."""
        kept = self.send(alice, b'{"firstname": "Alma", "firstname": "Bela", "\\u0066irstname": "Cora"}')
        assert Patient.objects.get(pk=kept.json()["id"]).firstname == "Cora"
        refused = self.send(alice, b'{"firstname": "Alma", "firstname": ""}')
        assert refused.status_code == 422

    def test_a_key_written_twice_hides_no_role(self, nobody):
        raw = '{"username": "mallory", "password": "correct horse battery", "role": "patient", "role": "admin"}'
        answer = nobody.api.post("/api/auth/register/", raw)
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"role"}


class TestPaths:
    """Accounts are listed for administrators; no spelling of the way there gets round that."""

    NOWHERE = [
        "//api/users/",
        "/api//users/",
        "/API/users/",
        "/Api/Users/",
        "/api/./users/",
        "/api/../administration/users/",
        "/api/%2e%2e/administration/users/",
        "/api/patients/..%2fusers/",
        "/api/patients/..;/users/",
        "/api/users/;x",
        "/api/users;jsessionid=1/",
        "/api;/users/",
        "/api\\users\\",
        "/api/users%20/",
        "/api/users/%0a",
        "/api/users%09",
        "/api/users.json",
        "/api/users/%3Flimit=1",
        "/api/%252e%252e/users/",
        "/api/%c0%ae%c0%ae/users/",
        "/api/%ff/",
        "/apix/users/",
        "/users/",
        "http://testserver/api/users/",
        "api/users/",
        "/livez/../api/users/",
        "/patients/..;/administration/users/",
        "/patients/%2e%2e/administration/users/",
        "/sign-in/../administration/users/",
        "/Administration/Users/",
        "/administration//users/",
        "/administration/users/..;/",
        "//administration/users/",
        "/%2fadministration/users/",
        "//admin/",
        "/ADMIN/",
        "/admin;/",
        "/administration/../admin/",
        "/static/../manage.py",
        "/static/%2e%2e/%2e%2e/manage.py",
        "/static/%2e%2e%2f%2e%2e%2fsrc/config/settings.py",
        "/static/..%5c..%5cmanage.py",
        "/static//etc/passwd",
        "/static/portal/../../../manage.py",
    ]

    def test_lead_nowhere(self, alice, adas_browser):
        """Not even for the administrator, so that a proxy and we never mean different places by one path."""
        found = {}
        for path in self.NOWHERE:
            kind = "application/problem+json" if unquote_to_bytes(path).startswith(b"/api/") else "text/html"
            for answer in (ask(path), ask(path, Authorization=bearer(alice)), ask(path, client=adas_browser)):
                if answer.status_code != 404 or not answer["Content-Type"].startswith(kind):
                    found[path] = (answer.status_code, answer["Content-Type"])
        assert found == {}

    @pytest.mark.parametrize("path", ["/api/users%2f", "/api%2fusers%2f", "/%61pi/users/", "/api/users"])
    def test_that_mean_the_same_place_ask_the_same_question(self, alice, path):
        assert ask(path).status_code == 401
        assert ask(path, Authorization=bearer(alice)).status_code == 403

    @pytest.mark.parametrize("path", ["/admin/", "/admin//", "/admin/..;/", "/admin/identity/user/", "/admin/nothing/"])
    def test_of_the_technical_window_are_closed_to_others(self, alice, path):
        browser = Client()
        browser.post("/sign-in/", {"identifier": "alice", "password": PASSWORD})
        for client in (anybody(), browser):
            assert ask(path, client=client).status_code in (302, 403, 404)

    def test_the_technical_window_looks_up_nothing_off_the_record(self, ada, adas_browser):
        """Django's way from any row of any table to its page would tell which ids exist."""
        for target in (ada.id, NOBODYS, "1"):
            answer = ask(f"/admin/r/1/{target}/", client=adas_browser)
            assert answer.status_code == 404
            assert b"Content type" not in answer.content

    @pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Script-Name"])
    def test_are_not_taken_from_headers(self, alice, header):
        answer = ask("/api/profile/", Authorization=bearer(alice), **{header: "/api/users/"})
        assert answer.json()["username"] == "alice"


class TestCredentialsElsewhere:
    """The API is opened by `Authorization: Bearer` alone, the portal by its cookie alone."""

    def test_a_session_of_the_portal_does_not_open_the_api(self, adas_browser):
        assert adas_browser.get("/").status_code == 200
        answers = {which: adas_browser.generic(*which, b"{}", "application/json").status_code for which in CLOSED}
        assert set(answers.values()) == {401}, answers

    @pytest.mark.parametrize("name", ["access", "token", "access_token", "jwt", "Authorization", "sessionid"])
    def test_a_token_in_a_cookie_opens_nothing(self, alice, name):
        client = anybody()
        client.cookies[name] = alice.api.token
        assert client.get("/api/profile/").status_code == 401
        assert client.get("/patients/").status_code == 302

    @pytest.mark.parametrize("name", ["access_token", "token", "access", "jwt", "authorization", "api_key"])
    def test_a_token_in_the_query_opens_nothing(self, alice, name):
        assert anybody().get(f"/api/profile/?{name}={alice.api.token}").status_code == 401

    @pytest.mark.parametrize(
        "header",
        ["X-Authorization", "Proxy-Authorization", "X-Forwarded-Authorization", "X-Access-Token", "X-Forwarded-User"],
    )
    def test_a_token_in_another_header_opens_nothing(self, alice, header):
        assert anybody().get("/api/profile/", headers={header: bearer(alice)}).status_code == 401

    def test_two_tokens_in_one_header_open_nothing(self, alice, bob):
        both = f"{bearer(alice)}, {bearer(bob)}"
        assert anybody().get("/api/profile/", headers={"Authorization": both}).status_code == 401

    def test_a_token_does_not_open_the_portal_or_the_technical_window(self, ada):
        for path in ("/", "/patients/", "/administration/users/", "/admin/"):
            answer = anybody().get(path, headers={"Authorization": bearer(ada)})
            assert answer.status_code == 302
            assert answer["Location"].startswith("/sign-in/")


class TestForms:
    """A page elsewhere cannot use the session of somebody who visits it."""

    def test_every_unsafe_request_needs_the_token_of_its_form(self, adas_browser):
        answers = {
            (method, path): adas_browser.generic(method, path).status_code for path in PAGES for method in UNSAFE
        }
        assert {which: status for which, status in answers.items() if status != 403} == {}

    def test_a_token_of_ones_own_is_not_enough_from_another_site(self, adas_browser):
        token = adas_browser.cookies["csrftoken"].value
        data = {"csrfmiddlewaretoken": token, "firstname": "Alma", "lastname": "Forged", "gender": "F"}
        for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
            answer = adas_browser.post("/patients/new/", data, headers={"Origin": origin})
            assert answer.status_code == 403
        assert not Patient.objects.exists()
        # The same form from our own site is accepted: it was the origin that was refused.
        assert adas_browser.post("/patients/new/", data, headers={"Origin": "http://testserver"}).status_code == 302
        assert Patient.objects.get().lastname == "Forged"

    @pytest.mark.parametrize(
        "target",
        [
            "//evil.example/",
            "///evil.example/",
            "https://evil.example/",
            "https:evil.example",
            "http:///evil.example",
            "/\\evil.example/",
            "\\\\evil.example",
            "https://testserver@evil.example/",
            "https://testserver.evil.example/",
            "javascript:alert(1)",
            "data:text/html,hello",
            "\t//evil.example/",
            "\x01//evil.example/",
            "/\t/evil.example/",
            "ftp://testserver/",
        ],
    )
    def test_signing_in_never_leads_to_another_site(self, alice, target):
        form = {"identifier": "alice", "password": PASSWORD}
        for answer in (
            Client().post("/sign-in/", {**form, "next": target}),
            Client().post("/sign-in/", form, query_params={"next": target}),
        ):
            assert answer.status_code == 302
            assert answer["Location"] == "/"


class TestHosts:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "testserver.evil.example",
            "testserver@evil.example",
            "testserver:80@evil.example",
            "evil.example:testserver",
            "testserver,evil.example",
            "testserver evil.example",
            "testserver/evil.example",
            "",
        ],
    )
    def test_other_than_ours_are_refused(self, host):
        for path in ("/api/patients/", "/api/openapi.json", "/sign-in/", "/admin/", "/livez"):
            assert anybody().get(path, headers={"Host": host}).status_code == 400, path

    @pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Forwarded-Server"])
    def test_of_a_proxy_that_we_do_not_have_reach_no_answer(self, alice, header):
        for _ in range(2):
            PatientFactory(created_by=alice.user)
        evil = {header: "host=evil.example" if header == "Forwarded" else "evil.example"}
        listed = alice.api.get("/api/patients/", {"limit": 1}, headers=evil)
        assert urlsplit(re.search("<(.*)>", listed["Link"]).group(1)).netloc in ("", "testserver")
        for answer in (listed, anybody().get("/patients/", headers=evil), anybody().get("/sign-in/", headers=evil)):
            assert "evil.example" not in str(answer.headers) + answer.content.decode()


class TestCaches:
    """Nothing that we answer is kept by a browser or a proxy, whoever asks and whatever the answer."""

    def test_keep_no_answer_of_the_api(self, ada):
        kept = {}
        for method, path in OPERATIONS:
            # A session of its own for each: one of them ends it.
            for headers in ({}, {"Authorization": bearer(Person(ada.user))}):
                for sent in (method, "OPTIONS", "HEAD"):
                    answer = anybody().generic(sent, path, b"{}", "application/json", headers=headers)
                    assert answer.status_code < 500
                    if answer["Cache-Control"] != "no-store":
                        kept[sent, path] = answer.status_code
        assert kept == {}

    def test_keep_no_page(self, adas_browser, now):
        beat(now)  # else `/readyz` rightly says that nobody works
        kept = {}
        for path in PAGES:
            for client in (anybody(), adas_browser):
                answer = client.get(path)
                if "no-store" not in answer["Cache-Control"] or answer.status_code >= 500:
                    kept[path] = (answer.status_code, answer["Cache-Control"])
        assert kept == {}

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("/api/nothing/", {}),
            ("/nothing/", {}),
            ("/api/patients/", {"Host": "evil.example"}),
            ("/", {"Host": "evil.example"}),
            ("/api/patients/?q=%00", {}),
            ("/?q=%00", {}),
        ],
    )
    def test_keep_no_refusal(self, path, headers):
        answer = anybody().get(path, headers=headers)
        assert answer.status_code >= 400 or path == "/"
        assert answer["Cache-Control"] == "no-store"


class TestTimesOutsideTheCalendar:
    """A time with an offset that no zone has, or that leaves the calendar in UTC, is a time or a refusal."""

    @pytest.mark.parametrize("name", ["from", "to"])
    @pytest.mark.parametrize("moment", ["2026-01-01T00:00:00+16:00", "2026-01-01T00:00:00-23:59"])
    def test_any_offset_is_understood(self, ada, name, moment):
        assert ada.api.get("/api/audit/", {name: moment}).status_code == 200

    @pytest.mark.parametrize("name", ["from", "to"])
    @pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
    def test_what_leaves_the_calendar_is_refused(self, ada, name, moment):
        answer = ada.api.get("/api/audit/", {name: moment})
        assert answer.status_code == 422
        assert answer.json()["errors"] == {name: ["must lie within the years 1 to 9999"]}
