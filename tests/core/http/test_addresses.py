"""What may be registered as a hospital's address, as far as that can be told without a network."""

import pytest

from core.http import OutboundError, judge_address, origin_of
from tests.core.http.hostile_addresses import NAMES, hostile_urls


def refused(url):
    with pytest.raises(OutboundError) as failure:
        judge_address(url)
    assert failure.value.code == "unsafe_address"
    return failure.value.detail


def is_taken(url):
    try:
        return bool(judge_address(url))
    except OutboundError:
        return False


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://hospital.example", "https://hospital.example"),
        ("https://hospital.example/", "https://hospital.example/"),
        ("HTTPS://Hospital.Example:443/fhir?a=1#top", "https://hospital.example/fhir?a=1"),
        ("https://bücher.example/ä%20b", "https://xn--bcher-kva.example/%C3%A4%20b"),
        ("https://8.8.8.8/r", "https://8.8.8.8/r"),
        ("https://[2001:4860:4860:0:0:0:0:8888]/r", "https://[2001:4860:4860::8888]/r"),
        ("https://1.2.3.4.example/", "https://1.2.3.4.example/"),
        ("https://3com.example/", "https://3com.example/"),
        ("https://hospital_one.example/", "https://hospital_one.example/"),
        ("https://mock/", "https://mock/"),
    ],
)
def test_an_address_gets_its_one_spelling(production, url, normal):
    assert judge_address(url) == normal
    assert judge_address(normal) == normal


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://hospital.example/fhir", "https://hospital.example:443"),
        ("https://HOSPITAL.example:443", "https://hospital.example:443"),
        ("http://hospital.example/", "http://hospital.example:80"),
        ("http://hospital.example:8080/", "http://hospital.example:8080"),
        ("https://[::FFFF:808:808]/", "https://[::ffff:808:808]:443"),
    ],
)
def test_an_origin_is_a_scheme_a_host_and_a_port(url, origin):
    assert origin_of(url) == origin


def test_production_wants_https_and_its_port(production):
    assert "https" in refused("http://hospital.example/")
    assert "443" in refused("https://hospital.example:8443/")


def test_development_takes_http_other_ports_and_this_machine():
    for url in ("http://hospital.example:8080/", "http://127.0.0.1:9000/", "http://localhost/", "http://[::1]/"):
        assert judge_address(url) == url


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/"])
def test_development_takes_no_neighbours(url):
    assert "not a public one" in refused(url)


@pytest.mark.parametrize("listed", ["10.0.0.7:8080", "10.0.0.7", "[fd00::7]", "[fd00:0::7]:8080", "mock:8001", "mock"])
def test_what_is_listed_is_taken_in_any_scheme(production, listed):
    production.FEDERATION_ALLOWED_HOSTS = [listed]
    host, _, port = listed.rpartition(":") if listed[-1] != "]" and ":" in listed else (listed, "", "")
    for scheme in ("http", "https"):
        assert judge_address(f"{scheme}://{host or listed}:{port or 7777}/")


@pytest.mark.parametrize("url", ["http://10.0.0.7:8081/", "http://10.0.0.8:8080/", "https://10.0.0.7/"])
def test_listing_one_door_opens_no_other(production, url):
    production.FEDERATION_ALLOWED_HOSTS = ["10.0.0.7:8080"]
    refused(url)


def test_no_listing_makes_an_ambiguous_address_good(production):
    production.FEDERATION_ALLOWED_HOSTS = ["127.0.0.1", "127.1", "2130706433", "good.example"]
    for url in (
        "https://127.1/",
        "https://2130706433/",
        "https://user@127.0.0.1/",
        "https://good.example\\@127.0.0.1/",
    ):
        refused(url)


def test_production_needs_the_resolver_only_for_names(production):
    """Every hostile address is refused at once, but for ordinary names whose answer only the resolver knows."""
    hosts = {url.split("/")[2] for url in hostile_urls() if is_taken(url)}
    assert hosts
    assert hosts <= NAMES.keys()
    assert not any(host.endswith("localhost") for host in hosts)


def test_a_refusal_repeats_nothing_of_the_address(production):
    assert "hunter2" not in refused("https://user:hunter2@hospital.example/")
