"""What a connector does with a client, and what the client does with time."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread

import ijson
import orjson
import pytest

from core.http import BACKGROUND, INTERACTIVE, Limits, OutboundError, open_client
from core.http.answers import read_retry_after
from tests.core.http.conftest import MIB, QUICK
from tests.core.http.upstream import Upstream, answering, chunk, head, hear, reply

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def hospital():
    """A hospital that says what it was asked for."""
    with answering(lambda request: reply(b'"%s"' % request.split()[1])) as upstream:
        yield upstream


def code_of(url, limits=QUICK, path=""):
    with pytest.raises(OutboundError) as failure, open_client(url, limits=limits) as client:
        client.get_json(path)
    return failure.value.code


# --- Asking ---


@pytest.mark.parametrize(
    ("registered", "link", "asked"),
    [
        ("fhir", "", "/fhir"),
        ("fhir?key=1", "", "/fhir?key=1"),
        ("fhir", "Patient", "/fhir/Patient"),
        ("fhir/", "Patient", "/fhir/Patient"),
        ("fhir", "Patient?_count=200", "/fhir/Patient?_count=200"),
        ("fhir?key=1", "Patient", "/fhir/Patient"),
        ("fhir", "/other", "/other"),
        ("fhir", "?page=2", "/fhir/?page=2"),
        ("fhir", "../up", "/up"),
        ("", "Patient", "/Patient"),
    ],
)
def test_links_are_relative_to_the_registered_address(hospital, registered, link, asked):
    with open_client(hospital.url + registered, limits=QUICK) as client:
        answer = client.get_json(link)
    assert answer.value == asked
    assert answer.url == hospital.url.rstrip("/") + asked


def test_parameters_are_added_to_those_of_the_link(hospital):
    with open_client(hospital.url, limits=QUICK) as client:
        assert client.get_json("P?_sort=_id", {"_count": "20", "name": "Ä &="}).value == (
            "/P?_sort=_id&_count=20&name=%C3%84+%26%3D"
        )


def test_a_long_link_is_followed(hospital):
    with open_client(hospital.url, limits=QUICK) as client:
        assert client.get_json("?cursor=" + "a" * 5000).value.endswith("a" * 5000)


def test_one_client_keeps_one_connection(hospital):
    with open_client(hospital.url, limits=QUICK) as client:
        for number in range(5):
            client.get_json(str(number))
            with client.stream(str(number)) as body:
                body.read()
    assert hospital.connections == 1
    assert len(hospital.heard) == 10


def test_a_connection_that_the_hospital_closed_is_replaced():
    def behave(connection, closing):
        hear(connection)
        connection.sendall(reply())

    with Upstream(behave) as hospital, open_client(hospital.url, limits=QUICK) as client:
        for _ in range(3):
            client.get_json()
            time.sleep(0.05)  # it closes
        assert hospital.connections == 3


def test_the_next_request_is_unharmed_by_the_one_before(hospital):
    hospital._behave = hospital.answering(lambda request: reply(b"{" if b"/bad" in request else b'"good"'))
    with open_client(hospital.url, limits=QUICK) as client:
        for _ in range(3):
            with pytest.raises(OutboundError, match="not JSON"):
                client.get_json("bad")
            assert client.get_json("good").value == "good"


# --- Streaming ---


@pytest.mark.parametrize("size", [1, 1000, 64 * 1024])
def test_a_stream_gives_what_was_sent(hospital, size):
    sent = orjson.dumps([{"patient_id": number, "name": "Ä" * 20} for number in range(200)])
    chunks = b"".join(chunk(sent[start : start + 777]) for start in range(0, len(sent), 777))
    hospital._behave = hospital.answering(lambda _: head("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
    with open_client(hospital.url, limits=QUICK) as client, client.stream() as body:
        pieces = list(iter(lambda: body.read(size), b""))
    assert b"".join(pieces) == sent
    assert max(map(len, pieces)) <= size


def test_a_stream_is_read_record_by_record(hospital):
    sent = orjson.dumps({"hospital_name": "A", "records": [{"patient_id": number} for number in range(5000)]})
    hospital._behave = hospital.answering(lambda _: reply(sent))
    with open_client(hospital.url, limits=QUICK) as client, client.stream() as body:
        assert [record["patient_id"] for record in ijson.items(body, "records.item")] == list(range(5000))


def test_a_stream_that_breaks_off_says_so_to_its_reader(hospital):
    def behave(connection, closing):
        hear(connection)
        connection.sendall(head("Content-Length: 1000") + b'{"records": [{"patient_id": 1}, {"pat')

    hospital._behave = behave
    with (
        open_client(hospital.url, limits=QUICK) as client,
        client.stream() as body,
        pytest.raises(OutboundError) as cut,
    ):
        list(ijson.items(body, "records.item"))
    assert cut.value.code == "unreachable"


def test_a_stream_may_be_left_in_the_middle(hospital):
    big = reply(b"[" + b"1," * (MIB // 2) + b"1]")
    hospital._behave = hospital.answering(lambda request: big if b"/big" in request else reply())
    with open_client(hospital.url, limits=QUICK) as client:
        with client.stream("big") as body:
            assert body.read(10) == b"[1,1,1,1,1"
        assert client.get_json().value == {}


@pytest.mark.parametrize(("streamed", "most"), [(False, QUICK.page_bytes), (True, QUICK.document_bytes)])
def test_the_caps_are_exact(hospital, streamed, most):
    sizes = {b"/fits": most, b"/too-large": most + 1}

    def behave(connection, closing):
        size = sizes[hear(connection).split()[1]]
        body = b"[" + b'"a",' * (size // 4 - 2) + b'"%s"]' % (b"b" * (size - 4 * (size // 4) + 4))
        connection.sendall(head("Transfer-Encoding: chunked") + chunk(body) + b"0\r\n\r\n")

    def ask(path):
        with open_client(hospital.url, limits=QUICK) as client:
            if not streamed:
                return len(orjson.dumps(client.get_json(path).value))
            with client.stream(path) as body:
                return len(body.read())

    hospital._behave = behave
    assert ask("fits") == most
    with pytest.raises(OutboundError) as failure:
        ask("too-large")
    assert failure.value.code == "too_large"


# --- Time ---


def test_a_request_has_less_time_than_everything():
    limits = replace(QUICK, deadline=30, request_deadline=0.3)
    with Upstream(lambda connection, closing: closing.wait()) as hospital:
        started = time.monotonic()
        assert code_of(hospital.url, limits) == "timeout"
    assert 0.25 < time.monotonic() - started < 1.3


def test_all_requests_together_have_one_deadline(hospital):
    limits = replace(QUICK, deadline=0.6, request_deadline=0.5)
    hospital._behave = hospital.answering(lambda _: time.sleep(0.2) or reply())
    started = time.monotonic()
    with open_client(hospital.url, limits=limits) as client, pytest.raises(OutboundError) as failure:
        [client.get_json() for _ in range(20)]
    assert failure.value.code == "timeout"
    assert time.monotonic() - started < 1.6
    assert 2 <= len(hospital.heard) <= 3


def test_the_time_that_we_take_between_two_reads_is_not_the_hospitals(hospital):
    limits = replace(QUICK, deadline=30, request_deadline=0.5)

    def behave(connection, closing):
        hear(connection)
        connection.sendall(head("Content-Length: 6") + b"[1,")
        closing.wait(0.7)
        connection.sendall(b"22]")

    hospital._behave = behave
    with open_client(hospital.url, limits=limits) as client, client.stream() as body:
        assert body.read(2) == b"[1"
        time.sleep(0.8)  # rows are written meanwhile
        assert body.read() == b",22]"


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    asked, over = Event(), Event()

    def hang(*_, **__):
        asked.set()
        over.wait(5)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    assert code_of("http://hospital.example/", replace(QUICK, deadline=0.3)) == "timeout"
    assert time.monotonic() - started < 1.3
    assert asked.is_set()
    over.set()


def test_a_name_that_nobody_knows(names):
    assert code_of("http://hospital.example/") == "unreachable"


def test_a_name_without_an_address(names):
    names["hospital.example"] = []
    assert code_of("http://hospital.example/") == "unreachable"


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert code_of(f"http://127.0.0.1:{port}/") == "unreachable"


def test_a_connection_that_nobody_takes_ends_in_time():
    """The queue of those who wait to be accepted is full: the system answers nothing at all."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(3):
            stuck = socket.socket()
            stuck.setblocking(False)
            stuck.connect_ex(listener.getsockname())
            waiting.append(stuck)
        started = time.monotonic()
        assert code_of(f"http://127.0.0.1:{listener.getsockname()[1]}/", replace(QUICK, deadline=0.5)) == "timeout"
        assert time.monotonic() - started < 1.5
        for stuck in waiting:
            stuck.close()


def test_the_second_address_is_tried_when_the_first_is_dead(hospital, names):
    names["hospital.example"] = ["127.0.0.2", "127.0.0.1"]
    with open_client(f"http://hospital.example:{hospital.port}/", limits=QUICK) as client:
        assert client.get_json().value == "/"


def test_sixteen_hospitals_are_asked_at_once():
    def slow(request):
        time.sleep(0.3)
        return reply(b'"%s"' % request.split()[1])

    answers = {}

    def ask(number):
        with open_client(f"{hospital.url}{number}", token=f"token-{number}", limits=INTERACTIVE) as client:
            answers[number] = client.get_json().value

    with answering(slow) as hospital:
        started = time.monotonic()
        threads = [Thread(target=ask, args=[number]) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
        took = time.monotonic() - started
    assert answers == {number: f"/{number}" for number in range(16)}
    assert took < 16 * 0.3 / 2
    for request in hospital.heard:
        number = request.split()[1].removeprefix(b"/").decode()
        assert f"Bearer token-{number}\r\n".encode() in request


# --- What a hospital says besides its records ---


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("86400", 86400),
        ("999999999999999999999", 86400),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), 0),
        ("Fri, 20 Nov 2026 12:01:00 -0000", 60),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("", None),
        ("-7", None),
        ("1.5", None),
        ("soon", None),
        ("7, 8", None),
        ("²", None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86400),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2027 99999999999:00:00 GMT", None),
        ("Mon, 01 Jan 2027 00:00:00 +99999999999999", None),
    ],
)
def test_how_long_to_wait(value, seconds):
    assert read_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/fhir+json;fhirVersion=4.0",
        "application/problem+json",
        "text/json",
        "text/plain",
        "application/octet-stream",
    ],
)
def test_these_media_types_are_read_as_json(hospital, media_type):
    hospital._behave = hospital.answering(lambda _: head(f"Content-Type: {media_type}", "Content-Length: 2") + b"[]")
    with open_client(hospital.url, limits=QUICK) as client:
        assert client.get_json().value == []


@pytest.mark.parametrize("media_type", ["text/html", "application/xml", "application/fhir+xml", "image/json", "json"])
def test_these_are_not(hospital, media_type):
    hospital._behave = hospital.answering(lambda _: head(f"Content-Type: {media_type}", "Content-Length: 2") + b"[]")
    assert code_of(hospital.url) == "not_json"


def test_an_answer_may_do_without_a_media_type_or_a_length(hospital):
    def behave(connection, closing):
        hear(connection)
        connection.sendall(head() + b"[1]")

    hospital._behave = behave
    with open_client(hospital.url, limits=QUICK) as client:
        assert client.get_json().value == [1]


@pytest.mark.parametrize("limits", [INTERACTIVE, BACKGROUND])
def test_the_limits_are_those_of_the_design(limits):
    assert isinstance(limits, Limits)
    assert limits.request_deadline <= 10
    assert (INTERACTIVE.deadline, INTERACTIVE.page_bytes, INTERACTIVE.records) == (5, 10 * MIB, 50_000)
    assert (BACKGROUND.page_bytes, BACKGROUND.document_bytes) == (16 * MIB, 64 * MIB)
