"""What surrounds every page of somebody signed in: the navigation, and who they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from core.actor import Actor
from identity.schemas import AccountCard
from identity.service import get_account_card
from portal.navigation import ROLE_DECISIONS, LinkSection, navigation_for
from portal.roles import ROLES, RoleText


@dataclass(frozen=True, slots=True)
class Frame:
    """Ready for `portal/frame.html`: nothing in it asks the database."""

    account: AccountCard
    role: RoleText
    sections: Sequence[LinkSection]


def frame_for(request: HttpRequest, actor: Actor) -> Frame:
    """Build the frame of the page that is being answered; one query, and one more for administrators."""
    account = get_account_card(actor=actor)
    match = request.resolver_match
    sections = navigation_for(
        account.role,
        opens_technical_window=account.opens_technical_window,
        current_route=match.view_name if match else "",
        waiting={ROLE_DECISIONS: account.role_requests_waiting},
    )
    return Frame(account, ROLES[account.role], sections)
