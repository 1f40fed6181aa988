"""Servers that hospitals run, on this machine: a small FHIR R4 one with other servers' habits, and recorded ones."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

REALDATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass
class Reply:
    """What a server answers: a value as JSON, or bytes as they are."""

    value: Any = None
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def serving(answer: Callable[[str], Reply]) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 what `answer` says to each path with its query; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = answer(self.path)
            body = reply.body if reply.body is not None else json.dumps(reply.value).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Stay silent: clients that hang up are what some of these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class FhirServer:
    """A FHIR R4 server at `address`: Patients and Conditions searched as the connector searches them.

    `includes`: it honours `_revinclude`, else ignores it; `strict`: it refuses it; `clamp`: its largest page; `rewrite`
    changes a page before it is sent. `asked` is every request, path and query.
    """

    patients: list[Any] = field(default_factory=list)
    conditions: list[Any] = field(default_factory=list)
    includes: bool = True
    strict: bool = False
    clamp: int = 1000
    rewrite: Callable[[str, dict[str, Any]], Any] = lambda path, page: page
    address: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> Reply:
        self.asked.append(path)
        parts = urlsplit(path)
        kind = parts.path.rpartition("/")[2]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.strict and "_revinclude" in query:
            return Reply({"resourceType": "OperationOutcome", "issue": []}, status=400)
        page = self._search(kind, query)
        rewritten = self.rewrite(path, page)
        return rewritten if isinstance(rewritten, Reply) else Reply(rewritten)

    def _search(self, kind: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._matching(kind, query)
        if query.get("_summary") == "count":
            return {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        start, size = int(query.get("_offset", 0)), min(self.clamp, int(query.get("_count", 20)))
        page = found[start : start + size]
        entries = [{"resource": resource, "search": {"mode": "match"}} for resource in page]
        if self.includes and query.get("_revinclude") == "Condition:patient":
            entries += [
                {"resource": condition, "search": {"mode": "include"}}
                for condition in self.conditions
                if _subject(condition) in {_id(patient) for patient in page}
            ]
        links = [{"relation": "self", "url": f"{self.address}/{kind}"}]
        if start + size < len(found):
            query = {**query, "_offset": str(start + size)}
            links.append({"relation": "next", "url": f"{self.address}/{kind}?{urlencode(query)}"})
        return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}

    def _matching(self, kind: str, query: dict[str, str]) -> list[Any]:
        if kind == "Patient":
            return self.patients
        if "patient" not in query:
            return self.conditions
        wanted = set(query["patient"].split(","))
        return [condition for condition in self.conditions if f"Patient/{_subject(condition)}" in wanted]


@contextmanager
def open_fhir(*, patients: Iterable[Any], conditions: Iterable[Any] = (), **habits: Any) -> Iterator[FhirServer]:
    """Open a FHIR hospital at `address`."""
    server = FhirServer(list(patients), list(conditions), **habits)
    with serving(server.answer) as url:
        server.address = f"{url}/fhir/R4"
        yield server


def patient(patient_id: str = "p1", **more: Any) -> dict[str, Any]:
    """A Patient as small as one can be."""
    name = [{"family": "Elsewhere", "given": ["Rosa"]}]
    return {"resourceType": "Patient", "id": patient_id, "name": name, "birthDate": "1980-05-17", **more}


def condition(of: str = "p1", label: str = "Asthma", *, condition_id: str = "c1", **more: Any) -> dict[str, Any]:
    """An active Condition of a patient."""
    return {
        "resourceType": "Condition",
        "id": condition_id,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": label},
        "subject": {"reference": f"Patient/{of}"},
        **more,
    }


def _id(resource: Any) -> Any:
    return resource.get("id") if isinstance(resource, dict) else None


def _subject(resource: Any) -> str:
    subject = resource.get("subject", {}) if isinstance(resource, dict) else {}
    return str(subject.get("reference", "")).rpartition("/")[2]


# --- The synthetic hospitals of ../shared/data ----------------------------------------------------------------------
def hospitals() -> list[str]:
    """Return the names of the hospitals, in order."""
    return sorted(folder.name for folder in (REALDATA / "fhir").glob("hospital-*"))


def resources(hospital: str, kind: str) -> list[dict[str, Any]]:
    """Return a hospital's resources of one type."""
    return [json.loads(line) for line in (REALDATA / "fhir" / hospital / f"{kind}.ndjson").read_text().splitlines()]


def expected(hospital: str) -> list[tuple[Any, ...]]:
    """Return the rows that the reference mapping gives, as of 2026-01-01, in the order of their ids."""
    lines = (REALDATA / "expected" / f"{hospital}.ndjson").read_text().splitlines()
    return sorted((row["patient_id"], row["name"], row["age"], row["diagnosis"]) for row in map(json.loads, lines))


class Recorded:
    """A server that answers as another one did once: its recorded pages, with their links leading here.

    `first` names the recording that answers a first request for a type; later ones follow links to the letter.
    """

    def __init__(self, server: str, first: dict[str, str]) -> None:
        self._pages: dict[str, Reply] = {}
        self._first: dict[str, str] = {}
        self._origin = ""
        self.address = ""
        for kind, name in first.items():
            lines = (REALDATA / "recorded" / server / f"{name}.jsonl").read_text().splitlines()
            exchanges = [json.loads(line) for line in lines]
            for exchange in exchanges:
                self._add(exchange["request"]["url"], exchange["response"])
            self._first[kind] = _path(exchanges[0]["request"]["url"])
            self._origin = exchanges[0]["request"]["url"].partition(_path(exchanges[0]["request"]["url"]))[0]
            self.path = _path(exchanges[0]["request"]["url"]).rpartition("/")[0]

    def answer(self, path: str) -> Reply:
        kind = urlsplit(path).path.rpartition("/")[2]
        if "_summary=count" in path:
            return Reply({"resourceType": "Bundle", "type": "searchset", "total": 1})
        reply = self._pages.get(path) or self._pages[self._first[kind]]
        here = urlsplit(self.address)
        return Reply(body=(reply.body or b"").replace(self._origin.encode(), f"{here.scheme}://{here.netloc}".encode()))

    def _add(self, url: str, response: dict[str, Any]) -> None:
        assert response["status"] == 200
        self._pages[_path(url)] = Reply(body=response["body"].encode())


@contextmanager
def replaying(server: str, **first: str) -> Iterator[Recorded]:
    """Replay what a server answered: `replaying("wso2", Patient="hospital-03-Patient", …)`."""
    recorded = Recorded(server, first)
    with serving(recorded.answer) as url:
        recorded.address = f"{url}{recorded.path}"
        yield recorded


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
