"""A hospital's token goes to exactly the origin it is bound to, whatever a hospital's links say."""

import pytest

from core.http import INTERACTIVE, OutboundError, open_client, origin_of
from tests.core.http.conftest import QUICK
from tests.core.http.upstream import answering, reply

TOKEN = "hospital-token-0123456789"


def look_alikes(port: int, other: int) -> list[str]:
    """Return addresses that look like http://hospital.example:port/ and are not."""
    right = f"hospital.example:{port}"
    hosts = [
        "hospital.example.evil.example",
        "evil-hospital.example",
        "hospital.example.",
        "hospital-example",
        "hospital.examp1e",
        "hospita1.example",
        "hospital.exampl",
        "hospital.example.com",
        "sub.hospital.example",
        "www.hospital.example",
        "hospital",
        "example",
        "hospital..example",
        ".hospital.example",
        "xn--hospital-example",
        "hospital.exаmple",  # a Cyrillic а
        "hоspital.example",  # a Cyrillic о
        "hospitäl.example",
        "ħospital.example",
        "hospital.example\u200b",
        "hospital\u00ad.example",
        "hospital%2eexample",
        "hospital.example%00",
        "hospital.example%2eevil.example",
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ]
    return [
        *(f"http://{host}:{port}/" for host in hosts),
        f"http://hospital.example:{other}/",
        f"http://hospital.example:{other}/{right}",
        "http://hospital.example/",
        "http://hospital.example:80/",
        "http://hospital.example:0/",
        f"http://hospital.example:{port}0/",
        f"http://hospital.example:{port + 65536}/",
        f"http://hospital.example:-{port}/",
        f"https://{right}/",
        f"HTTPS://{right}/",
        f"ftp://{right}/",
        f"ws://{right}/",
        f"file://{right}/",
        f"httpx://{right}/",
        f"//127.0.0.1:{other}/",
        f"//evil.example:{port}/",
        f"http://{right}@127.0.0.1:{other}/",
        f"http://{right}@evil.example:{port}/",
        f"http://user@{right}/",
        f"http://user:password@{right}/",
        f"http://:@{right}/",
        f"http://{right}%40127.0.0.1:{other}/",
        f"http://127.0.0.1:{other}\\@{right}/",
        f"http://127.0.0.1:{other}#@{right}/",
        f"http://127.0.0.1:{other}?@{right}/",
        f"http://127.0.0.1:{other}/@{right}/",
        f"http://evil.example:{port};{right}/",
        f"http://evil.example:{port},{right}/",
        f"http://evil.example:{port} {right}/",
        f"http://hospital.example:{port}:{other}/",
        f"http://[hospital.example]:{port}/",
        f"http://hospital.example:{port}\r\nHost: evil.example/",
        f"javascript://{right}/%0aalert(1)",
    ]


@pytest.fixture
def hospital(names):
    """Everything resolves to this machine and development allows it: nothing but the origin keeps the token back."""
    names["*"] = ["127.0.0.1"]
    with answering(lambda _: reply()) as upstream:
        yield upstream


@pytest.fixture
def elsewhere():
    with answering(lambda _: reply()) as upstream:
        yield upstream


def code_of(client, url):
    with pytest.raises(OutboundError) as failure:
        client.get_json(url)
    return failure.value.code


def test_no_look_alike_is_asked_at_all(hospital, elsewhere):
    urls = look_alikes(hospital.port, elsewhere.port)
    assert len(set(urls)) >= 60
    with open_client(f"http://hospital.example:{hospital.port}/", token=TOKEN, limits=INTERACTIVE) as client:
        assert {url: code for url in urls if (code := code_of(client, url)) != "off_origin"} == {}
    assert (hospital.connections, elsewhere.connections) == (0, 0)


def test_no_look_alike_is_the_same_origin(hospital, elsewhere):
    """What binds a sealed token tells them apart as well, so that a changed endpoint never inherits one."""
    ours = origin_of(f"http://hospital.example:{hospital.port}/")
    others = []
    for url in look_alikes(hospital.port, elsewhere.port):
        try:
            others.append(origin_of(url))
        except OutboundError:
            continue
    assert len(others) > 20
    assert ours not in others


@pytest.mark.parametrize(
    "link",
    ["", "next", "/next", "?page=2", "{own}", "{own}next?x=1#top", "HTTP://Hospital.Example:{port}/x", "../x"],
)
def test_the_token_goes_where_it_belongs(hospital, link):
    own = f"http://hospital.example:{hospital.port}/"
    with open_client(own, token=TOKEN, limits=QUICK) as client:
        client.get_json(link.format(own=own, port=hospital.port))
    [request] = hospital.heard
    assert f"Authorization: Bearer {TOKEN}\r\n".encode() in request
    assert f"Host: hospital.example:{hospital.port}\r\n".encode() in request


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(hospital, elsewhere, status):
    hospital._behave = hospital.answering(
        lambda _: reply(b"{}", f"{status} Moved", f"Location: http://hospital.example:{elsewhere.port}/")
    )
    with open_client(f"http://hospital.example:{hospital.port}/", token=TOKEN, limits=QUICK) as client:
        assert code_of(client, "") == "redirected"
    assert len(hospital.heard) == 1
    assert elsewhere.connections == 0


def test_a_server_cannot_make_us_keep_anything(hospital):
    hospital._behave = hospital.answering(lambda _: reply(b"{}", "200 OK", "Set-Cookie: a=b; Path=/"))
    with open_client(f"http://hospital.example:{hospital.port}/", limits=QUICK) as client:
        client.get_json()
        client.get_json()
    assert hospital.connections == 1
    assert b"cookie" not in b"".join(hospital.heard).lower()
    assert b"authorization" not in b"".join(hospital.heard).lower()


def test_no_proxy_of_the_environment_is_used(hospital, elsewhere, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
    with open_client(f"http://hospital.example:{hospital.port}/", token=TOKEN, limits=QUICK) as client:
        client.get_json()
    assert (hospital.connections, elsewhere.connections) == (1, 0)


def test_the_token_shows_nowhere(hospital, caplog, capsys):
    caplog.set_level(0)
    hospital._behave = hospital.answering(lambda _: reply(TOKEN.encode(), "200 OK", f"X-Echo: {TOKEN}"))
    with open_client(f"http://hospital.example:{hospital.port}/", token=TOKEN, limits=QUICK) as client:
        assert TOKEN not in repr(client) + str(client)
        with pytest.raises(OutboundError) as failure:
            client.get_json()
    raised = failure.value
    while raised is not None:
        assert TOKEN not in repr(raised)
        raised = raised.__context__ if not raised.__suppress_context__ else None
    assert TOKEN not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("token", ["a\r\nX: y", "a b", "ä", "a\x00b", "a\nb"])
def test_a_token_that_no_header_carries_is_never_sent(hospital, token):
    with pytest.raises(OutboundError) as failure, open_client(hospital.url, token=token, limits=QUICK):
        pytest.fail("the client opened")
    assert failure.value.code == "unauthorized"
    assert token not in failure.value.detail
    assert hospital.connections == 0


def test_white_space_around_a_token_is_not_part_of_it(hospital):
    with open_client(hospital.url, token=f" {TOKEN}\n", limits=QUICK) as client:
        client.get_json()
    assert f"Bearer {TOKEN}\r\n".encode() in hospital.heard[0]
