"""What the contracts say about a call, before it is made: nothing here knows how it is enforced."""

from collections.abc import Callable, Mapping

from chat.mesh.v1 import options_pb2 as options
from facade.descriptors import Method
from mesh.policy.methods import policy_of
from tests.authz.cast import ADMIN, HERE, OWNER, Actor
from tests.authz.wire import short

ALLOWED = ""

OTHERWISE: Mapping[str, frozenset[str]] = {
    "LeaveConversation": frozenset({"LAST_OWNER"}),
    "DeleteMe": frozenset({"PASSWORD_WRONG"}),
    "ChangePassword": frozenset({"PASSWORD_WRONG"}),
    "VerifyEmail": frozenset({"LINK_INVALID"}),
    "ResetPassword": frozenset({"LINK_INVALID"}),
    "Unlock": frozenset({"LINK_INVALID"}),
    "Refresh": frozenset({"REFRESH_TOKEN_INVALID"}),
    "RedeemTicket": frozenset({"TICKET_INVALID"}),
    "CreateWorkspace": frozenset({"WORKSPACE_TAKEN"}),
    "IntrospectKey": frozenset({"TOKEN_INVALID"}),
    "ConfirmTotp": frozenset({"ENROLLMENT_INVALID"}),
    "ReplaceRecoveryCodes": frozenset({"SECOND_FACTOR_OFF"}),
    "DisableSecondFactor": frozenset({"SECOND_FACTOR_OFF"}),
    "StartOAuth": frozenset({"PROVIDER_NOT_FOUND"}),
    "FinishOAuth": frozenset({"PROVIDER_NOT_FOUND"}),
    "RedeemHandover": frozenset({"PROVIDER_REFUSED"}),
}
"""How a call that is allowed may end beside well, since the sample is wrong in what it says."""

NAMED_THINGS: Mapping[str, str] = {
    "RevokeSession": "SESSION_NOT_FOUND",
    "RevokeApiKey": "API_KEY_NOT_FOUND",
    "DeleteBot": "USER_NOT_FOUND",
    "CreateBotKey": "USER_NOT_FOUND",
    "ListBotKeys": "USER_NOT_FOUND",
    "RevokeBotKey": "USER_NOT_FOUND",
    "JoinConversation": "CONVERSATION_NOT_FOUND",
    "PreviewInvite": "INVITE_INVALID",
    "AcceptInvite": "INVITE_INVALID",
    "DeclineInvite": "INVITE_INVALID",
    "GetGroup": "GROUP_NOT_FOUND",
    "UpdateGroup": "GROUP_NOT_FOUND",
    "DeleteGroup": "GROUP_NOT_FOUND",
    "ResolveReport": "REPORT_NOT_FOUND",
    "GetScheduled": "SCHEDULED_NOT_FOUND",
    "UpdateScheduled": "SCHEDULED_NOT_FOUND",
    "CancelScheduled": "SCHEDULED_NOT_FOUND",
    "ImportMessages": "CONVERSATION_NOT_FOUND",
}
"""Calls about a thing of one's own, or of the first workspace: what those who may not know it are answered."""
BY_SETTING = frozenset({"CreateInvite", "RevokeInvite"})
"""What the contracts leave to managers, where no setting says otherwise and nothing of one's own is meant."""
OWNERS_ONLY = frozenset({"DeleteConversation"})
ADMINS_TOO = frozenset({"DeleteBot", "ListBotKeys", "RevokeBotKey"})
"""What the contracts allow the admins of the workspace beside the owner."""
MANAGERS_TOO = frozenset({"DeleteMessage", "ClosePoll"})
"""What the contracts allow the managers of a conversation beside the author."""


def expected(method: Method, actor: Actor) -> str:
    """The reason for which a call of the method's sample is refused to the actor; ALLOWED when it is not."""
    policy = policy_of(method.path)
    if policy.role == options.ROLE_MESH:
        return ALLOWED if actor.is_mesh else "MESH_ONLY"
    if policy.role == options.ROLE_ANONYMOUS:
        return ALLOWED
    if not actor.token:
        return "TOKEN_MISSING"
    if actor.is_suspended:
        return "SESSION_REVOKED"
    if policy.role == options.ROLE_ADMIN and not actor.is_admin:
        return "PERMISSION_DENIED"
    if actor.scopes is not None and policy.session_only:
        return "SESSION_ONLY"
    if actor.scopes is not None and policy.scope not in actor.scopes:
        return "SCOPE_MISSING"
    return _ACCESS[policy.access](method, actor)


def _self(method: Method, actor: Actor) -> str:
    allowed = actor.is_author or (short(method) in ADMINS_TOO and actor.is_admin and actor.workspace_id == HERE)
    return ALLOWED if allowed else NAMED_THINGS.get(short(method), ALLOWED)


def _workspace(method: Method, actor: Actor) -> str:
    """Whoever is named is of the first workspace. Of several who are asked about, some are just not there."""
    names = set(method.descriptor.input_type.fields_by_name)
    names_somebody = {"id", "member_ids", "user_ids", "code", "target"} & names
    if not names_somebody or actor.workspace_id == HERE:
        return ALLOWED
    return NAMED_THINGS.get(short(method), "USER_NOT_FOUND")


def _member(method: Method, actor: Actor) -> str:
    if short(method) in BY_SETTING:
        return _manager(method, actor)
    return _missing(method) if actor.rank is None else ALLOWED


def _manager(method: Method, actor: Actor) -> str:
    names_somebody = "user_ids" in method.descriptor.input_type.fields_by_name or short(method) == "BanUser"
    if names_somebody and actor.workspace_id != HERE:
        return "USER_NOT_FOUND"  # Whoever is to be added or kept out is looked for first.
    if actor.rank is None:
        return _missing(method)
    return ALLOWED if actor.rank <= (OWNER if short(method) in OWNERS_ONLY else ADMIN) else "ROLE_TOO_LOW"


def _author(method: Method, actor: Actor) -> str:
    if actor.rank is None:
        return _missing(method)
    if actor.is_author:
        return ALLOWED
    if short(method) in MANAGERS_TOO:
        return ALLOWED if actor.rank <= ADMIN else "ROLE_TOO_LOW"
    return "NOT_AUTHOR"


def _missing(method: Method) -> str:
    """What is named is not there, for who is not in it."""
    named = method.descriptor.input_type.fields_by_name
    if "conversation_id" in named:
        return "CONVERSATION_NOT_FOUND"
    is_message = bool({"message_id", "thread_root"} & set(named)) or ("MessageService" in method.path and "id" in named)
    return "MESSAGE_NOT_FOUND" if is_message else "CONVERSATION_NOT_FOUND"


_ACCESS: Mapping[int, Callable[[Method, Actor], str]] = {
    options.ACCESS_OPEN: lambda method, actor: ALLOWED,
    options.ACCESS_SELF: _self,
    options.ACCESS_WORKSPACE: _workspace,
    options.ACCESS_MEMBER: _member,
    options.ACCESS_MANAGER: _manager,
    options.ACCESS_AUTHOR: _author,
    options.ACCESS_ADMIN: _workspace,
}
