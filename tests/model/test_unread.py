"""Counts that are kept cheap are still what they are defined to be, after ten thousand random operations."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mesh.audit.log import open_trail
from services.message.command import Command
from services.message.conversations.store_sql import SqlConversationStore
from services.message.journal_sql import SqlJournal
from services.message.messages.domain import EditMessage, Mentions, SendMessage, UndeleteMessage
from services.message.reading.domain import MarkUnread
from services.message.service import MIGRATIONS
from services.message.tables import audit, audit_head
from tests.contract.databases import KINDS, empty_database
from tests.contract.message.desk import Clock, Desk, as_
from tests.e2e.doors import Refused
from tests.model.model import Room

OPERATIONS, BATCH, SEED = 10_000, 25, 20261127
PEOPLE = ("anna", "bela", "cleo", "dora", "eli")

Operation = tuple[Command, Callable[[], Any]]
"""What the journal is asked, and what the model makes of the same."""


class Play:
    """Makes operations up. Anna owns the group; only she calls everybody, since only she may."""

    def __init__(self, desk: Desk, room: Room) -> None:
        self.desk, self.room = desk, room
        self.random = random.Random(SEED)

    def batch(self) -> list[tuple[Command, Any]]:
        """Commands that follow each other, and what the model, which has done them already, said to each."""
        return [self._done(*self._operation()) for _ in range(BATCH)]

    def _operation(self) -> Operation:
        kinds = {self._send: 5, self._edit: 3, self._delete: 2, self._undelete: 2, self._mark: 4, self._member: 1}
        some = self.random.choices(list(kinds), list(kinds.values()))[0] if self.room.messages else self._send
        return some(self.random.randrange(len(PEOPLE)))

    def _done(self, command: Command, model: Callable[[], Any]) -> tuple[Command, Any]:
        try:
            said = model()
        except Refused as refusal:
            return command, refusal.reason
        if isinstance(command, SendMessage):
            said.id = command.id
        return command, said

    def _send(self, user: int) -> Operation:
        mentions, named, everybody = self._mentions(user)
        roots = [said.seq for said in self.room.messages[-30:] if not said.root and not said.is_deleted]
        root = self.random.choice(roots) if roots and self.random.random() < 0.3 else 0
        about: dict[str, Any] = {"mentions": mentions, "thread_root": self._id(root) if root else ""}
        command = self.desk.send(PEOPLE[user], **about)
        return command, lambda: self.room.send(user, command.id, ("hi", 0, root, named, everybody))[0]

    def _edit(self, user: int) -> Operation:
        seq, text = self._pick(user), self.random.choice(("one", "two", "three"))
        mentions, named, everybody = self._mentions(user)
        if self.random.random() < 0.3:
            command = self.desk.edit(PEOPLE[user], self._id(seq), text)
            return command, lambda: self.room.edit(user, seq, text, None)
        command = EditMessage(self.desk.origin(PEOPLE[user]), self._id(seq), text, mentions=mentions)
        return command, lambda: self.room.edit(user, seq, text, (named, everybody))

    def _delete(self, user: int) -> Operation:
        seq = self._pick(user)
        return self.desk.delete(PEOPLE[user], self._id(seq)), lambda: self.room.delete(user, seq)

    def _undelete(self, user: int) -> Operation:
        deleted = [said.seq for said in self.room.messages[-60:] if said.is_deleted]
        seq = self.random.choice(deleted) if deleted else self._pick(user)
        command = UndeleteMessage(self.desk.origin(PEOPLE[user]), self._id(seq))
        return command, lambda: self.room.undelete(user, seq)

    def _mark(self, user: int) -> Operation:
        seq = max(1, self.room.last_seq + 2 - self.random.randrange(40))
        if self.random.random() < 0.5:
            return self.desk.read(PEOPLE[user], seq), lambda: self._counted(self.room.mark_read, user, seq)
        command = MarkUnread(self.desk.origin(PEOPLE[user]), "g", seq)
        return command, lambda: self._counted(self.room.mark_unread, user, seq)

    def _member(self, user: int) -> Operation:
        user = user or 1  # The owner stays.
        if user in self.room.parts:
            return self.desk.remove(PEOPLE[user], PEOPLE[user]), lambda: self.room.leave(user)
        return self.desk.add("anna", PEOPLE[user]), lambda: self.room.add(0, user)

    def _counted(self, mark: Callable[[int, int], Any], user: int, seq: int) -> tuple[int, int]:
        mark(user, seq)
        return self.room.unread(user)

    def _mentions(self, user: int) -> tuple[Mentions, frozenset[int], bool]:
        named = frozenset(self.random.sample(range(len(PEOPLE)), self.random.choice((0, 0, 1, 2))))
        everybody, here = user == 0 and self.random.random() < 0.2, user == 0 and self.random.random() < 0.1
        mentions = Mentions(tuple(PEOPLE[one] for one in sorted(named)), all=everybody, here=here)
        return mentions, named, everybody or here

    def _pick(self, user: int) -> int:
        """One of the last messages, mostly one of the user's own."""
        last = self.room.messages[-30:]
        own = [said for said in last if said.sender == user] if self.random.random() < 0.8 else []
        return self.random.choice(own or last).seq

    def _id(self, seq: int) -> str:
        return self.room.messages[seq - 1].id


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
async def test_counts_equal_their_definition(kind: str, tmp_path: Path) -> None:
    """In answers to marks, in the middle of a batch, and for everybody after each batch."""
    async with empty_database(kind, tmp_path, MIGRATIONS) as database:
        desk = Desk(SqlJournal(database, Clock(), open_trail("message", audit, audit_head, bytes(32))))
        await desk.group("anna", "bela", "cleo", "dora")
        play, store = Play(desk, Room(0, [1, 2, 3])), SqlConversationStore(database)
        carried_out = 0
        for _ in range(OPERATIONS // BATCH):
            batch = play.batch()
            outcomes = await desk.do(*[command for command, _ in batch])
            for (command, expected), outcome in zip(batch, outcomes, strict=True):
                carried_out += outcome.error is None
                assert (outcome.error and outcome.error.reason) == (expected if isinstance(expected, str) else None), (
                    command
                )
                if isinstance(expected, tuple):
                    assert (outcome.result.unread_count, outcome.result.mention_count) == expected, command
            for user in play.room.parts:
                view = await store.get(as_(PEOPLE[user]), "g")
                assert (view.unread_count, view.mention_count) == play.room.unread(user)
    assert carried_out > OPERATIONS / 2
