"""Identity's face: accounts, signing in, sessions and roles.

Everything that API, portal and the contexts above may ask of identity is named here.
"""

from identity.service.accounts import (
    count_profile_change,
    describe_users,
    find_account,
    get_account_card,
    get_profile,
    get_user,
    register,
    register_by_admin,
    register_superuser,
    update_profile,
)
from identity.service.audit_trail import list_audit_events
from identity.service.passwords import change_password, check_password
from identity.service.portal import (
    actor_of_portal_session,
    change_portal_password,
    close_portal_session,
    open_portal_session,
)
from identity.service.role_requests import ask_for_role, decide_role_request, get_role_request, list_role_requests
from identity.service.roles import activate_user, deactivate_user, set_role
from identity.service.sessions import (
    actor_from_access_token,
    actor_from_user_id,
    forget_expired_sessions,
    refresh_session,
    sign_out,
)
from identity.service.sign_in import sign_in
from identity.service.users import change_user, get_user_detail, list_users

__all__ = [
    "activate_user",
    "actor_from_access_token",
    "actor_from_user_id",
    "actor_of_portal_session",
    "ask_for_role",
    "change_password",
    "change_portal_password",
    "change_user",
    "check_password",
    "close_portal_session",
    "count_profile_change",
    "deactivate_user",
    "decide_role_request",
    "describe_users",
    "find_account",
    "forget_expired_sessions",
    "get_account_card",
    "get_profile",
    "get_role_request",
    "get_user",
    "get_user_detail",
    "list_audit_events",
    "list_role_requests",
    "list_users",
    "open_portal_session",
    "refresh_session",
    "register",
    "register_by_admin",
    "register_superuser",
    "set_role",
    "sign_in",
    "sign_out",
    "update_profile",
]
