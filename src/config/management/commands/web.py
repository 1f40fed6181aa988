"""`polyclinic web`: serves the API and the portal."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import processes


class Command(BaseCommand):
    """Become the web server."""

    help = "Run the web server in the foreground; migrations and static files must be in place."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address to listen on."""
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: %(default)s).")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen on (default: %(default)s).")

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        """Replace this process by the server, so that signals reach it directly."""
        command = processes.web(host, port).command
        os.execve(command[0], command, processes.environment())  # noqa: S606  no shell wanted
