"""Writes commands in few words and hands them to a journal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from mesh.identity.principal import Principal
from services.message.command import Command, Origin
from services.message.conversations.domain import (
    AddMembers,
    CreateConversation,
    Kind,
    MarkRead,
    RemoveMember,
    Role,
    UpdateConversation,
    UpdateMember,
)
from services.message.feed.domain import Attach
from services.message.journal import Journal, Outcome
from services.message.messages.domain import DeleteMessage, EditMessage, Message, SendMessage, fingerprint

A, B, C, D = "anna", "bela", "cleo", "dora"
HERE, ELSEWHERE = "here", "elsewhere"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def as_(user_id: str, workspace_id: str = HERE) -> Principal:
    """The caller of a read."""
    return Principal(user_id, "session", "user", 0, workspace_id)


class Clock:
    """A second later each time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Desk:
    """Ids are `m1`, `c2` and so on; `g` is the group that `group` makes. All of it happens in one workspace."""

    def __init__(self, journal: Journal, workspace_id: str = HERE) -> None:
        self.journal = journal
        self.workspace_id = workspace_id
        self._ids = count(1)

    def origin(self, actor: str) -> Origin:
        return Origin(actor, self.workspace_id, "correlation", TRACEPARENT)

    def new_id(self, kind: str) -> str:
        return f"{kind}{next(self._ids):04}"

    async def do(self, *commands: Command) -> Sequence[Outcome]:
        return await self.journal.commit(commands)

    async def result(self, command: Command) -> Any:
        (outcome,) = await self.do(command)
        assert outcome.error is None
        return outcome.result

    async def refusal(self, command: Command) -> str:
        """The reason it was refused for; that it made no change is checked too."""
        (outcome,) = await self.do(command)
        assert outcome.error is not None
        assert outcome.changes == ()
        return outcome.error.reason

    async def group(self, actor: str, *member_ids: str, id_: str = "g") -> str:
        await self.result(self.create(actor, *member_ids, id_=id_))
        return id_

    async def sent(self, actor: str, text: str = "hi", to: str = "g", **about: Any) -> Message:
        message: Message = (await self.result(self.send(actor, text, to, **about))).message
        return message

    def create(self, actor: str, *member_ids: str, id_: str = "", kind: Kind = Kind.GROUP) -> CreateConversation:
        name, topic = ("name", "topic") if kind is Kind.GROUP else ("", "")
        id_ = id_ or self.new_id("c")
        return CreateConversation(self.origin(actor), id=id_, kind=kind, name=name, topic=topic, member_ids=member_ids)

    def send(
        self, actor: str, text: str = "hi", to: str = "g", *, key: str = "", reply_to: str = "", **about: Any
    ) -> SendMessage:
        id_ = self.new_id("m")
        content = (text, reply_to, {"k": "v"})
        return SendMessage(
            self.origin(actor), id_, to, key or f"key of {id_}", *content, fingerprint(*content), **about
        )

    def edit(self, actor: str, message_id: str, text: str, etag: str = "") -> EditMessage:
        return EditMessage(self.origin(actor), message_id, text, etag)

    def delete(self, actor: str, message_id: str, etag: str = "") -> DeleteMessage:
        return DeleteMessage(self.origin(actor), message_id, etag)

    def read(self, actor: str, seq: int, in_: str = "g") -> MarkRead:
        return MarkRead(self.origin(actor), in_, seq)

    def rename(
        self, actor: str, name: str | None, topic: str | None = None, id_: str = "g", etag: str = ""
    ) -> UpdateConversation:
        given = {"name": name, "topic": topic}
        settings = {field: value for field, value in given.items() if value is not None}
        return UpdateConversation(self.origin(actor), id_, settings, etag)

    def add(self, actor: str, *user_ids: str, role: Role = Role.MEMBER, to: str = "g") -> AddMembers:
        return AddMembers(self.origin(actor), to, user_ids, role)

    def promote(self, actor: str, user_id: str, role: Role) -> UpdateMember:
        return UpdateMember(self.origin(actor), "g", user_id, role)

    def remove(self, actor: str, user_id: str, from_: str = "g") -> RemoveMember:
        return RemoveMember(self.origin(actor), from_, user_id)

    def attach(self, actor: str) -> Attach:
        return Attach(self.origin(actor), lambda _: None)


def told(outcome: Outcome) -> list[tuple[str, int, str, int]]:
    """`(type, pos, user_id, user_pos)` of the changes."""
    return [(change.type, change.pos, change.user_id, change.user_pos) for change in outcome.changes]
