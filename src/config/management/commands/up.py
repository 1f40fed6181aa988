"""`polyclinic up`: everything on one machine, with one command."""

import http.client
import io
import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections

from config import processes
from config.orphans import AlreadyRunning, sole_supervisor
from config.supervisor import Supervisor


class Command(BaseCommand):
    """Prepare the database, then run web and worker until told to stop."""

    help = "Run everything in the foreground: migrations, the web server and the worker. Ctrl-C stops all."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address to listen on, and whether to make the demo clinic."""
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: %(default)s).")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen on (default: %(default)s).")
        parser.add_argument("--demo", action="store_true", help="Make a believable clinic to try things on.")

    def handle(self, *, host: str, port: int, demo: bool, **options: Any) -> None:
        """Run until SIGINT or SIGTERM (exit code 0) or until web or worker cannot be kept running (1)."""
        try:
            with sole_supervisor(settings.POLYCLINIC_HOME) as mark:
                _require_free(host, port)
                accounts = self._prepare(demo_at=_address(host, port) if demo else None)
                supervisor = Supervisor(
                    [processes.web(host, port), processes.worker()],
                    environment=processes.environment() | mark,
                    report=self._say,
                )
                exit_code = supervisor.run(
                    is_ready=lambda: _answers(host, port), announce=lambda: self._announce(host, port, accounts)
                )
        except AlreadyRunning as refusal:
            raise CommandError(str(refusal)) from None
        except KeyboardInterrupt:
            raise CommandError("stopped before anything was started", returncode=130) from None
        self._say("Stopped.")
        if exit_code:
            raise SystemExit(exit_code)

    def _prepare(self, *, demo_at: str | None) -> str:
        """Bring the database and the static files up to date; return what the demo says of its accounts."""
        self._say("Preparing the database ...")
        accounts = io.StringIO()
        try:
            call_command("migrate", interactive=False, verbosity=0)
            if demo_at:
                call_command("demo", address=demo_at, stdout=accounts)
        except OperationalError as failure:
            raise CommandError(f"the database does not answer: {str(failure).strip().splitlines()[0]}") from None
        if not settings.DEBUG:
            self._say("Collecting static files ...")
            call_command("collectstatic", interactive=False, verbosity=0)
        connections.close_all()
        return accounts.getvalue().rstrip()

    def _announce(self, host: str, port: int, accounts: str) -> None:
        base = _address(host, port)
        lines = [
            "",
            "Polyclinic is running. Ctrl-C stops it.",
            "",
            f"  Portal    {base}/",
            f"  API       {base}/api/",
            f"  API docs  {base}/swagger/  {base}/redoc/",
            "",
            *([accounts, ""] if accounts else []),
        ]
        self._say("\n".join(lines) + "\n")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _require_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, in one line.

    The server itself would share the port with another server that allows it, and each would get some of the requests.
    """
    try:
        if not 0 < port < 65536:
            raise OSError(0, "there is no such port")
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just closed is free
            probe.bind(address)
    except OSError as failure:
        raise CommandError(
            f"cannot listen on {_for_url(host)}:{port}: {failure.strerror}. Choose another with --host and --port."
        ) from None


def _answers(host: str, port: int) -> bool:
    """Return whether the web server answers at all; a refused Host header is an answer too."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=1)
    try:
        connection.request("GET", "/livez")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _address(host: str, port: int) -> str:
    return f"http://{_for_url(_reachable(host))}:{port}"


def _reachable(host: str) -> str:
    """Return an address to reach a server by that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound


def _for_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
