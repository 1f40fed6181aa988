"""What a deployment lists is fetched in production, however it is rightly spelled: nothing is blocked for nothing."""

import pytest

from core.http import open_client
from tests.core.http.conftest import QUICK
from tests.core.http.upstream import answering, reply

LISTED = [
    "127.0.0.1",
    "[::1]",
    "localhost",
    "mock",
    "hospital.example",
    "hospital_one.example",
    "xn--bcher-kva.example",
    "3com.example",
    "0xabc.example",
    "1.2.3.4.example",
    "a-b--c.example",
    f"{'a' * 63}.example",
    f"{'deep.' * 20}example",
]
HOSTS = [
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "mock",
    "hospital.example",
    "Hospital.EXAMPLE",
    "hospital_one.example",
    "bücher.example",
    "xn--bcher-kva.example",
    "XN--BCHER-KVA.example",
    "bücher。example",
    "3com.example",
    "0xabc.example",
    "1.2.3.4.example",
    "a-b--c.example",
    f"{'a' * 63}.example",
    f"{'deep.' * 20}example",
]
PATHS = [
    ("", "/"),
    ("/", "/"),
    ("/fhir", "/fhir"),
    ("/fhir/", "/fhir/"),
    ("/fhir/R4/Patient?_count=200&_sort=_id", "/fhir/R4/Patient?_count=200&_sort=_id"),
    ("?format=json", "/?format=json"),
    ("/a/../b/./c", "/b/c"),
    ("/with%20space", "/with%20space"),
    ("/ä/é?ü=ß", "/%C3%A4/%C3%A9?%C3%BC=%C3%9F"),
    ("/at@sign:and:colons", "/at@sign:and:colons"),
    ("/127.1/@127.0.0.1", "/127.1/@127.0.0.1"),
    ("/page?next=https://other.example/", "/page?next=https://other.example/"),
    ("/#fragment", "/"),
    ("/%2e%2e/up", "/%2e%2e/up"),
]


@pytest.fixture
def hospital():
    with answering(lambda request: reply(b'"%s"' % request.split()[1])) as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def listed(production, names):
    production.FEDERATION_ALLOWED_HOSTS = LISTED
    names["*"] = ["127.0.0.1"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_listed_is_fetched(hospital, host):
    with open_client(f"http://{host}:{hospital.port}/x", limits=QUICK) as client:
        assert client.get_json().value == "/x"


@pytest.mark.parametrize(("path", "asked"), PATHS)
def test_any_path_is_fetched(hospital, path, asked):
    with open_client(f"http://127.0.0.1:{hospital.port}{path}", limits=QUICK) as client:
        assert client.get_json().value == asked


def test_ipv6_is_fetched():
    with answering(lambda request: reply(b'"%s"' % request.split()[1]), host="::1") as hospital:
        with open_client(f"http://[0:0:0:0:0:0:0:1]:{hospital.port}/x", limits=QUICK) as client:
            assert client.get_json().value == "/x"
        assert f"Host: [::1]:{hospital.port}\r\n".encode() in hospital.heard[0]


def test_there_are_enough_of_them():
    assert len(HOSTS) + len(PATHS) >= 30
