"""What the portal's navigation offers, and to whom. Only pages that exist stand here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from core.actor import Role

EVERYBODY = frozenset(Role)
# Researchers and officials never see an identified patient, their own chart included.
WITH_PATIENTS = EVERYBODY - {Role.RESEARCHER, Role.OFFICIAL}
WITH_CALENDARS = frozenset({Role.DOCTOR, Role.STAFF, Role.ADMIN})
ADMINISTRATORS = frozenset({Role.ADMIN})
RESEARCHERS = frozenset({Role.RESEARCHER})
READ_STATISTICS = frozenset({Role.DOCTOR, Role.RESEARCHER, Role.OFFICIAL, Role.ADMIN})
TAKE_REPORTS = frozenset({Role.DOCTOR, Role.ADMIN})

# The entry that says how much waits there.
ROLE_DECISIONS = "portal:role-decisions"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation: its label, the name of its URL, its symbol in `icons.svg`, and who is offered it.

    Being offered a page is no permission; the services behind it decide that.
    """

    label: str
    route: str
    icon: str
    roles: frozenset[Role] = EVERYBODY
    technical: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Entries that belong together; the first section has no title."""

    title: str
    entries: Sequence[Entry]


SECTIONS = (
    Section(
        "",
        [
            Entry("Home", "portal:home", "home"),
            Entry("Today", "portal:today", "clock", WITH_CALENDARS),
            Entry("Book", "portal:book", "plus", WITH_PATIENTS),
            Entry("Patients", "portal:patients", "people", WITH_PATIENTS),
            Entry("Doctors", "portal:doctors", "doctor"),
            Entry("Working hours", "portal:schedules", "calendar", WITH_CALENDARS),
            Entry("Reports", "portal:reports", "download", TAKE_REPORTS),
            Entry("Jobs", "portal:jobs", "hourglass", TAKE_REPORTS),
        ],
    ),
    Section(
        "All hospitals",
        [
            Entry("Hospital records", "portal:records", "records", WITH_PATIENTS),
            Entry("Hospitals", "portal:hospitals", "hospital"),
            Entry("Statistics", "portal:statistics", "bars", READ_STATISTICS),
            Entry("Records without names", "portal:research", "table", RESEARCHERS),
        ],
    ),
    Section(
        "About you",
        [
            Entry("My appointments", "portal:my-appointments", "ticket", WITH_PATIENTS),
            Entry("My record", "portal:my-record", "page", WITH_PATIENTS),
            Entry("Who has seen it", "portal:my-access", "eye", WITH_PATIENTS),
            Entry("My account", "portal:my-account", "person"),
            Entry("Ask for a role", "portal:role-requests", "badge", roles=EVERYBODY - {Role.ADMIN}),
        ],
    ),
    Section(
        "Administration",
        [
            Entry("Clinic report", "portal:report", "chart", ADMINISTRATORS),
            Entry("Role requests", ROLE_DECISIONS, "inbox", ADMINISTRATORS),
            Entry("Accounts", "portal:users", "keys", ADMINISTRATORS),
            Entry("Audit trail", "portal:audit", "shield", ADMINISTRATORS),
        ],
    ),
    Section(
        "For developers",
        [
            Entry("Try the API", "swagger", "terminal"),
            Entry("API reference", "redoc", "book"),
            Entry("Technical window", "admin:index", "table", technical=True),
        ],
    ),
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as the template shows it; `current` is the value of `aria-current`, empty for every other page.

    `waiting` is how much there is to do on the page; 0 shows nothing.
    """

    label: str
    href: str
    icon: str
    current: str
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class LinkSection:
    """A section as the template shows it; never empty."""

    title: str
    links: Sequence[Link]


def navigation_for(
    role: Role,
    *,
    opens_technical_window: bool,
    current_route: str,
    waiting: Mapping[str, int] | None = None,
    sections: Sequence[Section] = SECTIONS,
) -> list[LinkSection]:
    """Return the links that an account of this role is offered; technical ones go to superusers alone.

    `current_route` is the URL name of the page being shown; the pages below an entry have its name and a dash more.
    `waiting` is how much there is to do, by route. Sections without a link for this account are left out.
    """
    offered = []
    counts = waiting or {}
    for section in sections:
        links = [
            Link(
                entry.label,
                reverse(entry.route),
                entry.icon,
                _current(entry.route, current_route),
                counts.get(entry.route, 0),
            )
            for entry in section.entries
            if role in entry.roles and (opens_technical_window or not entry.technical)
        ]
        if links:
            offered.append(LinkSection(section.title, links))
    return offered


def _current(route: str, current_route: str) -> str:
    if route == current_route:
        return "page"
    return "true" if current_route.startswith(f"{route}-") else ""
