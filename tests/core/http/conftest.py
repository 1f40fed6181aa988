"""What every test of the client shares."""

import socket

import pytest

from core.http import Limits

MIB = 1024 * 1024
# Enough for an answer that comes at once, short enough to wait for one that never does.
QUICK = Limits(deadline=5, request_deadline=5, page_bytes=MIB, document_bytes=2 * MIB, records=1000, pages=10)


@pytest.fixture
def production(settings):
    settings.PRODUCTION = True
    return settings


@pytest.fixture
def names(monkeypatch):
    """A resolver that knows these names: `names["hospital.example"] = ["127.0.0.1"]`, and `names["*"]` all others."""
    known: dict[str, list[str]] = {}

    def resolve(host, port, *_, **more):
        addresses = known.get(host, known.get("*"))
        if addresses is None:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known
