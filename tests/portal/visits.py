"""Visits of the portal in a real Chromium."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.factories import PASSWORD

AXE = Path(__file__).parents[1] / "browser/node_modules/axe-core/axe.min.js"
CHROMIUM_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Visit:
    """One browser window, and everything in it that should not have happened."""

    page: object
    home: str
    runs_script: bool = True
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.home + path)

    def sign_in(self, identifier: str = "erin", password: str = PASSWORD) -> None:
        self.page.get_by_label("E-mail, username or mobile number").fill(identifier)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def see(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(state="visible")

    def path(self) -> str:
        return urlsplit(self.page.url).path


def chromium_path() -> str:
    """Where Chromium is; without it the test fails and says what to install."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("The browser tests need Chromium; on Debian: apt install chromium")
    return found


def start_visit(browser, live_server, **options) -> Visit:
    """Open a window of its own; `options` are those of a Playwright context."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(10_000)
    visit = Visit(context.new_page(), live_server.url, options.get("java_script_enabled", True))
    ours = urlsplit(live_server.url).netloc

    def note_request(request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != ours:
            visit.foreign.append(request.url)

    def note_console(message) -> None:
        # htmx notes every request that it gives up for a newer one, as a search does while somebody types.
        gave_up = message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if message.type in ("error", "warning") and not gave_up:
            visit.complaints.append(message.text)

    context.on("request", note_request)
    visit.page.on("console", note_console)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    return visit


def obstacles(visit: Visit) -> list[str]:
    """Let axe-core examine the page; returns its serious and critical findings, each with the elements concerned."""
    if not AXE.exists():
        pytest.fail("axe-core is not installed: run npm ci in tests/browser")
    visit.page.evaluate(AXE.read_text())
    found = visit.page.evaluate("axe.run()")
    return [
        f"{violation['id']} ({violation['impact']}): {[node['html'] for node in violation['nodes']]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
