"""Who acts: the one value that every service function takes first."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID


class Role(StrEnum):
    """What an account may be in the clinic; a new account is a patient."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    STAFF = "staff"
    RESEARCHER = "researcher"
    OFFICIAL = "official"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with an account, the system itself when it imports or runs a periodic task, or somebody not signed in.

    `identity` builds one from a token, a session or a user id; nothing below it looks a user up. The system has no
    user id and no role: rules name it by `is_system`.
    """

    kind: Literal["person", "system", "nobody"]
    user_id: UUID | None
    role: Role | None
    session_id: UUID | None = None

    @property
    def account_id(self) -> UUID:
        """The account that acts; asking it of the system, which has none, is a defect of ours."""
        if self.user_id is None:
            raise LookupError("the system has no account")
        return self.user_id

    @property
    def is_system(self) -> bool:
        """True for the system itself."""
        return self.kind == "system"

    @property
    def is_admin(self) -> bool:
        """True for an administrator and for the system, which acts on an operator's command."""
        return self.is_system or self.role is Role.ADMIN

    @property
    def is_front_desk(self) -> bool:
        """True for whoever works with every patient of the clinic: staff, administrators and the system."""
        return self.is_admin or self.role is Role.STAFF

    @property
    def is_doctor(self) -> bool:
        """True for an account with the role; whether it practises is care's to say."""
        return self.role is Role.DOCTOR

    @property
    def works_with_identified_patients(self) -> bool:
        """False for researchers and officials, who never see an identified patient, and for nobody in particular."""
        return self.is_system or self.role not in (None, Role.RESEARCHER, Role.OFFICIAL)


SYSTEM = Actor(kind="system", user_id=None, role=None)
# Who registers or fails to sign in; no service of the clinic serves it.
ANONYMOUS = Actor(kind="nobody", user_id=None, role=None)
