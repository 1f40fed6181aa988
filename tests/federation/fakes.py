"""Hospitals on this machine: one real web server, a path for each, and what they were asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any


@dataclass
class FakeHospital:
    """How one hospital answers: `delay` in seconds before it does, or never at all where it hangs."""

    url: str
    document: Any
    status: int = 200
    body: bytes | None = None
    delay: float = 0
    hangs: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    # What it was asked: the `Authorization` of each request.
    asked: list[str | None] = field(default_factory=list)


class Town:
    """Every hospital of a test, and how many of them were at work at the same time."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.hospitals: dict[str, FakeHospital] = {}
        self.at_once = self.most_at_once = 0
        self.over = threading.Event()
        self._lock = threading.Lock()

    def add(self, name: str, records: Any = (), **behaviour: Any) -> FakeHospital:
        """Open a hospital; its records are document 000's, unless a whole `document` or `body` is given."""
        document = behaviour.pop("document", {"hospital_name": name, "location": "Here", "records": list(records)})
        hospital = FakeHospital(f"{self.address}/{name}", document, **behaviour)
        self.hospitals[f"/{name}"] = hospital
        return hospital

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the hospital of its path does."""
        hospital = self.hospitals[handler.path.partition("?")[0]]
        with self._lock:
            hospital.asked.append(handler.headers.get("Authorization"))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if hospital.hangs:
                self.over.wait(60)
                return
            sleep(hospital.delay)
        finally:
            with self._lock:
                self.at_once -= 1
        body = hospital.body if hospital.body is not None else json.dumps(hospital.document).encode()
        handler.send_response(hospital.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in hospital.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients that hang up are what these tests are about."""


@contextmanager
def open_town() -> Iterator[Town]:
    """Serve hospitals on a free port of 127.0.0.1 until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            town.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    town = Town(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield town
    finally:
        town.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
