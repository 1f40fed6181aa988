"""The clinic's roles in the words of its pages."""

from dataclasses import dataclass

from core.actor import Role


@dataclass(frozen=True, slots=True)
class RoleText:
    """A role's name, and what its accounts can do today: a true sentence of this release, no promise."""

    label: str
    today: str


ROLES = {
    Role.PATIENT: RoleText(
        "Patient",
        "You can keep your own chart and the charts you add, look through the clinic's doctors, and say which of them "
        "care for your patients. You book, move and cancel appointments for yourself and for them.",
    ),
    Role.DOCTOR: RoleText(
        "Doctor",
        "You can read and update the charts of patients whose care team you are on, and keep the charts you added "
        "yourself. The doctors of the clinic are open to you. You keep your own hours, say who came, and take your "
        "appointments along as a report. What other hospitals know of their patients is open to you too.",
    ),
    Role.STAFF: RoleText(
        "Front desk",
        "You can work with every patient of the clinic, its list of doctors, and who is on whose care team. You "
        "book for anyone, and keep every doctor's hours.",
    ),
    Role.RESEARCHER: RoleText(
        "Researcher",
        "You can read the records of all hospitals without names, and how many people there are of each kind. "
        "Identified patients are never shown to researchers. The doctors of the clinic are open to you.",
    ),
    Role.OFFICIAL: RoleText(
        "Health official",
        "You can read how many people of each kind the hospitals treat. Identified patients are never shown to "
        "officials. The doctors of the clinic are open to you.",
    ),
    Role.ADMIN: RoleText(
        "Administrator",
        "You can work with every patient, doctor and care team of the clinic. Doctors that you add are verified at "
        "once. You decide who gets which role, close accounts, read who did what, and have the records of other "
        "hospitals copied.",
    ),
}
