"""Awkward texts on the portal's pages, in a real Chromium: shown exactly as they were stored, and nothing more.

Every text of the list stands as a name in the lists of patients and doctors; in turns they fill every text field of a
chart and of an entry, whose pages and forms are opened. No script in a text runs, no page asks for anything that the
same page with harmless texts does not ask for, and the content security policy has nothing to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import Person
from tests.portal.visits import Visit, start_visit
from tests.security.naughty import LONG, NUL, UNDECODABLE, strings

pytestmark = pytest.mark.browser

CHART_FIELDS = ("firstname", "lastname", "address", "medical_history")
ENTRY_FIELDS = ("firstname", "lastname", "license_number", "qualifications", "location")
HARMLESS = "Harmless"

# Runs in every document before anything of the page: whatever a text sets going is noted here.
WATCH = """
window.happened = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = () => { window.happened.push(name); };
}
document.addEventListener("securitypolicyviolation", (event) => {
  window.happened.push(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


@dataclass
class Shown:
    """A chart or an entry, by the address of its page, and the texts that it keeps."""

    path: str
    texts: dict[str, str] = field(default_factory=dict)


def store(ada: Person, kind: str, base: dict[str, Any], texts: dict[str, str]) -> Shown | None:
    """Add a patient or a doctor with those of the texts that are not refused; None where no name is left."""
    answer = ada.api.post(f"/api/{kind}/", {**base, **texts})
    if answer.status_code == 422:
        refused = answer.json()["errors"].keys()
        texts = {name: text for name, text in texts.items() if name not in refused}
        answer = ada.api.post(f"/api/{kind}/", {**base, **texts})
    if not texts:
        return None
    assert answer.status_code == 201, answer.content
    return Shown(f"/{kind}/{answer.json()['id']}/", texts)


def in_turns(fields: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield texts for all fields together, until each text has been in one field or another."""
    texts = iter(writable())
    while chunk := list(islice(texts, len(fields))):
        yield dict(zip(fields, chunk, strict=False))


def writable() -> list[str]:
    """Return the texts that fit into a line; those that cannot be sent or kept are the API's to refuse."""
    return [text for text in strings() if text not in (*UNDECODABLE, *NUL, *LONG) and text]


@dataclass
class Clinic:
    """What there is to open."""

    lists: dict[str, set[str]]
    pages: list[Shown]
    harmless: list[Shown]


@pytest.fixture
def clinic(live_server, ada) -> Clinic:
    """Patients and doctors by the hundred, all of them with names and notes that nobody has."""
    bases = {"patients": {"firstname": HARMLESS}, "doctors": {"firstname": HARMLESS, "specialization": "CARD"}}
    fields = {"patients": CHART_FIELDS, "doctors": ENTRY_FIELDS}
    lists: dict[str, set[str]] = {"patients": set(), "doctors": set()}
    pages, harmless = [], []
    for kind, base in bases.items():
        for text in writable():
            named = store(ada, kind, base, {"lastname": text})
            if named:
                lists[kind].add(text)
        pages += [shown for texts in in_turns(fields[kind]) if (shown := store(ada, kind, base, texts))]
        plain = store(ada, kind, base, dict(zip(fields[kind], cycle([HARMLESS]), strict=False)))
        assert plain is not None
        harmless.append(plain)
    return Clinic(lists, pages, harmless)


def as_read(text: str) -> str:
    """Return a text as an HTML parser hands it on (HTML, section 13.2.3.5: newlines)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Watched:
    """A window in which everything that happens by itself is noted."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.page.add_init_script(WATCH)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def open(self, path: str) -> set[str]:
        """Open a page; return the addresses that it asked for besides itself."""
        self.requests.clear()
        self.visit.open(path)
        assert urlsplit(self.page.url).path == urlsplit(path).path
        assert self.page.evaluate("window.happened") == []
        return {urlsplit(address).path for address in self.requests} - {urlsplit(path).path}

    def missing(self, texts: set[str]) -> list[str]:
        """Return which of the texts do not stand on the page, letter by letter; blanks at the ends show nowhere."""
        shown = self.page.evaluate("document.body.textContent")
        return sorted(text for text in texts if as_read(text).strip() not in shown)

    def typed(self) -> dict[str, str]:
        """Return what the fields of the page's form hold."""
        fields = "[...document.querySelectorAll('main [name]')]"
        return self.page.evaluate(f"Object.fromEntries({fields}.map((input) => [input.name, input.value]))")


@pytest.fixture
def watched(clinic, browser, live_server) -> Watched:
    visit = start_visit(browser, live_server)
    window = Watched(visit)
    visit.open("/sign-in/")
    visit.sign_in("ada")
    visit.see("Welcome, Ada")
    return window


def test_every_text_stands_in_the_lists_and_does_nothing(clinic, watched):
    for kind, texts in clinic.lists.items():
        assert len(texts) > 300
        usual = watched.open(f"/{kind}/?q={HARMLESS}+{HARMLESS}")
        left, path = set(texts), f"/{kind}/"
        while path:
            assert watched.open(path) <= usual
            left = set(watched.missing(left))
            older = watched.page.locator("a[rel=next]")
            path = older.get_attribute("href") if older.count() else ""
            path = f"/{kind}/{path}" if path.startswith("?") else path
        assert left == set()
    assert (watched.dialogs, watched.visit.foreign, watched.visit.complaints) == ([], [], [])


def test_every_text_stands_on_its_page_and_in_its_form_and_does_nothing(clinic, watched):
    usual = {
        place: set().union(*(watched.open(plain.path + place) for plain in clinic.harmless)) for place in ("", "edit/")
    }
    assert len(clinic.pages) > 150
    for shown in clinic.pages:
        assert watched.open(shown.path) <= usual[""]
        assert watched.missing(set(shown.texts.values())) == []
        assert watched.open(f"{shown.path}edit/") <= usual["edit/"]
        typed = watched.typed()
        assert {name: typed[name] for name in shown.texts} == {
            name: as_read(text) for name, text in shown.texts.items()
        }
    assert (watched.dialogs, watched.visit.foreign, watched.visit.complaints) == ([], [], [])
