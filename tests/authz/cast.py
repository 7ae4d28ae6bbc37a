"""Who calls: everybody that the contracts tell apart, made anew on a server by the ways that users have."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from chat.user.v1 import account_service_pb2 as accounts_pb
from chat.user.v1 import administration_service_pb2 as administration_pb
from chat.user.v1 import bot_service_pb2 as bots_pb
from chat.user.v1 import session_service_pb2 as sessions_pb
from chat.user.v1 import workspace_service_pb2 as workspaces_pb
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN
from mesh.identity.proof import ADDRESS_KEY, METADATA_KEY, Proofs
from tests.authz.wire import METHODS, Answer, Wire

PASSWORD = "correct horse battery staple"
HERE, ELSEWHERE = "default", "elsewhere"
MARK = "alpha"
"""Begins all names and texts of the first workspace, so that none of them is overlooked in an answer."""
SCOPES = ("user:read", "user:write", "message:read", "message:write", "presence:read", "presence:write")
OWNER, ADMIN, MEMBER = 1, 2, 3

Prove = Callable[[str], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who calls, and what decides what they may. `rank` is their role in the group that calls are about."""

    name: str
    id: str = ""
    username: str = ""
    workspace_id: str = ""
    token: str = ""
    rank: int | None = None
    is_admin: bool = False
    is_author: bool = False
    is_suspended: bool = False
    scopes: frozenset[str] | None = None
    prove: Prove | None = None
    """Makes what proves a process of the installation; None for who is none, and does not even try."""
    is_mesh: bool = False

    def metadata(self, path: str) -> tuple[tuple[str, str], ...]:
        token = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        return (*token, *(self.prove(path) if self.prove else ()))


class Cast:
    """Everybody, on one server. `ask` makes a call that has to succeed."""

    def __init__(self, wire: Wire, proofs: Proofs) -> None:
        self._wire = wire
        self._proofs = proofs
        self.operator = Actor("operator", prove=self._proof, is_mesh=True)
        self.anonymous = Actor("anonymous")
        self.forger = Actor("forger", prove=self._forged)
        self.ask(
            self.operator,
            "user.v1.WorkspaceService/CreateWorkspace",
            workspaces_pb.CreateWorkspaceRequest,
            id=ELSEWHERE,
        )

    def call(self, actor: Actor, path: str, request: Message) -> Answer:
        return self._wire.call(METHODS[path], request, actor.metadata(path))

    def ask(self, actor: Actor, method: str, kind: type[Message], **fields: Any) -> Any:
        answer = self.call(actor, f"/chat.{method}", kind(**fields))
        assert not answer.reason, f"{actor.name} {method}: {answer.reason}"
        return answer.message

    @cached_property
    def everybody(self) -> tuple[Actor, ...]:
        people = (self.owner, self.admin, self.author, self.member, self.ex_member, self.outsider)
        programs = (self.bot, self.reader)
        nobody = (self.suspended, self.anonymous, self.forger, self.operator)
        return (*people, *programs, self.boss, self.stranger, *nobody)

    @cached_property
    def owner(self) -> Actor:
        return replace(self.person("owner"), rank=OWNER)

    @cached_property
    def admin(self) -> Actor:
        return replace(self.person("admin"), rank=ADMIN)

    @cached_property
    def author(self) -> Actor:
        """Writes the message and owns the things that calls are about."""
        return replace(self.person("author"), rank=MEMBER, is_author=True)

    @cached_property
    def member(self) -> Actor:
        return replace(self.person("member"), rank=MEMBER)

    @cached_property
    def ex_member(self) -> Actor:
        return self.person("ex-member")

    @cached_property
    def outsider(self) -> Actor:
        return self.person("outsider")

    @cached_property
    def boss(self) -> Actor:
        """An admin of the workspace, who is in none of its conversations."""
        return self.person("boss", is_admin=True)

    @cached_property
    def stranger(self) -> Actor:
        """Everything that one can be, in another workspace."""
        return self.person("stranger", ELSEWHERE, is_admin=True)

    @cached_property
    def suspended(self) -> Actor:
        """Has a token of before."""
        actor = replace(self.person("suspended"), is_suspended=True)
        administration = "user.v1.AdministrationService/SuspendUser"
        self.ask(self.boss, administration, administration_pb.SuspendUserRequest, id=actor.id)
        until = monotonic() + 10
        while not self.call(actor, "/chat.user.v1.AccountService/GetMe", accounts_pb.GetMeRequest()).reason:
            assert monotonic() < until, "a suspended user is let in"
            sleep(0.05)
        return actor

    @cached_property
    def bot(self) -> Actor:
        """A program that may do all that programs may."""
        bot = self.new_bot(self.owner)
        return Actor(
            "bot", bot.id, bot.username, HERE, self.new_key(self.owner, bot.id), MEMBER, scopes=frozenset(SCOPES)
        )

    @cached_property
    def reader(self) -> Actor:
        """The same program, with a key that only reads messages."""
        scopes = ("message:read",)
        return replace(
            self.bot, name="reader", token=self.new_key(self.owner, self.bot.id, scopes), scopes=frozenset(scopes)
        )

    def person(self, name: str, workspace_id: str = HERE, *, is_admin: bool = False) -> Actor:
        """Somebody new, logged in."""
        mark = MARK if workspace_id == HERE else "omega"
        username = f"{mark}-{name}-{uuid4().hex[:8]}"
        in_ = {"username": username, "workspace_id": workspace_id}
        new = {**in_, "email": f"{username}@example.com", "password": PASSWORD}
        account = self.ask(
            self.anonymous, "user.v1.AccountService/Register", accounts_pb.RegisterRequest, **new
        ).account
        if is_admin:
            grant = {**in_, "role": USER_ROLE_ADMIN}
            self.ask(
                self.operator, "user.v1.AdministrationService/GrantRole", administration_pb.GrantRoleRequest, **grant
            )
        actor = Actor(name, account.id, username, workspace_id, is_admin=is_admin)
        return replace(actor, token=self.login(actor).access_token)

    def login(self, actor: Actor) -> sessions_pb.LoginResponse:
        login = {"username": actor.username, "workspace_id": actor.workspace_id, "password": PASSWORD}
        response: sessions_pb.LoginResponse = self.ask(
            self.anonymous, "user.v1.SessionService/Login", sessions_pb.LoginRequest, **login
        )
        return response

    def spare(self, actor: Actor) -> Actor:
        """Somebody new who may do the same, apart from conversations: for calls that end all one has."""
        new = self.person(f"spare-{actor.name}", actor.workspace_id, is_admin=actor.is_admin)
        return replace(new, name=actor.name)

    def new_bot(self, owner: Actor) -> Any:
        username = f"{MARK}-bot-{uuid4().hex[:8]}"
        return self.ask(owner, "user.v1.BotService/CreateBot", bots_pb.CreateBotRequest, username=username).bot

    def new_key(self, owner: Actor, bot_id: str, scopes: tuple[str, ...] = SCOPES) -> str:
        key = {"id": bot_id, "name": f"{MARK} key", "scopes": scopes}
        return str(self.ask(owner, "user.v1.BotService/CreateBotKey", bots_pb.CreateBotKeyRequest, **key).secret)

    def _proof(self, path: str) -> tuple[tuple[str, str], ...]:
        return ((METADATA_KEY, self._proofs.make(path)),)

    def _forged(self, path: str) -> tuple[tuple[str, str], ...]:
        return ((METADATA_KEY, Proofs(b"a secret of another installation").make(path)), (ADDRESS_KEY, "192.0.2.1"))
