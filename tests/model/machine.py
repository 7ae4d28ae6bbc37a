"""The state machine: random operations on the service and on the model, and what has to hold after each of them."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from copy import deepcopy
from typing import Any, ClassVar, TypeVar

from google.protobuf.message import Message as Proto
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chat.message.v1 import conversation_pb2
from chat.message.v1 import conversation_service_pb2 as conversations
from chat.message.v1 import feed_service_pb2 as feed
from chat.message.v1 import message_service_pb2 as messages
from chat.message.v1 import reaction_service_pb2 as reactions
from chat.message.v1 import reading_service_pb2 as reading
from chat.message.v1 import search_service_pb2 as search
from chat.message.v1.message_pb2 import Mentions, Message
from tests.e2e.doors import Refused
from tests.model.house import Ground, House
from tests.model.model import Content, Room, Said
from tests.model.replica import Copy, Replica

T = TypeVar("T")
NAMES = ("anna", "bela", "cleo", "dora")
EVERYBODY, ANNA = range(4), 0
CHANNEL, GROUP = 0, 1
TYPES = (conversation_pb2.CONVERSATION_TYPE_CHANNEL, conversation_pb2.CONVERSATION_TYPE_GROUP)
INDEXED_WITHIN_S = 30.0
PUBLISHED_WITHIN_S = 30.0
MAX_REMEMBERED = 3

USER, ROOM = st.integers(0, 3), st.integers(0, 1)
TEXT = st.sampled_from(("word one", "word two", "word three", "word four"))
PICK = st.integers(0, 63)
"""One of what there is, whatever there is: how far to count."""
NAMED, EVERYONE = st.frozensets(USER, max_size=2), st.integers(0, 5).map(lambda n: n == 0)
EMOJI = st.sampled_from(("👍", "🎉", ":tada:"))


class Machine(RuleBasedStateMachine):
    """Two rooms of four people: a channel that is open to all, and a group. Anna owns both."""

    ground: ClassVar[Ground]
    surface: ClassVar[str]
    steps: ClassVar[Counter[str]] = Counter()
    """By rule, how often it was carried out, in all examples."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self.house = House(self.ground, self.surface)
        self.rooms = [Room(ANNA, [1], is_public=True), Room(ANNA, [1, 2, 3])]
        self.ids: list[str] = []
        self.devices: list[list[Replica]] = []
        self.touched = CHANNEL
        self._step = 0
        self._keys = 0

    @initialize()
    def open(self) -> None:
        self.run(self.house.open())
        self.users = [self.house.users.add(name) for name in NAMES]
        for room, kind in zip(self.rooms, TYPES, strict=True):
            others = [self.users[user] for user in room.parts if user != ANNA]
            new = conversations.CreateConversationRequest(
                type=kind,
                name="room",
                member_ids=others,
                permissions=conversation_pb2.Permissions(mention_all=conversation_pb2.MEMBER_ROLE_MEMBER),
            )
            if room.is_public:
                new.visibility, new.join_policy = conversation_pb2.VISIBILITY_PUBLIC, conversation_pb2.JOIN_POLICY_OPEN
            made = self.ask(ANNA, "ConversationService/CreateConversation", new).conversation
            self.ids.append(made.id)
        for user in EVERYBODY:
            page = self.ask(user, "FeedService/Sync", feed.SyncRequest())
            place = dict.fromkeys(page.positions, 0)
            self.devices.append([Replica(page.user_pos, place)])
            self._sync(user, self.devices[user][0], 500)
        for where, who in ((CHANNEL, ANNA), (CHANNEL, 1), (GROUP, 1), (GROUP, 2), (GROUP, 3), (GROUP, ANNA)):
            self._send(who, where, self._new_key(), ("word one", 0, 0, frozenset(), False))

    def teardown(self) -> None:
        try:
            if self.ids and sys.exc_info()[0] is None:  # What is broken already is told as it is.
                self._check_all()
        finally:
            self.run(self.house.close())
            self._loop.close()

    # Messages.

    @rule(user=USER, room=ROOM, text=TEXT, named=NAMED, everybody=EVERYONE)
    def send(self, user: int, room: int, text: str, named: frozenset[int], everybody: bool) -> None:
        self._send(user, room, self._new_key(), (text, 0, 0, named, everybody))

    @rule(user=USER, room=ROOM, text=TEXT, root=PICK)
    def reply_in_thread(self, user: int, room: int, text: str, root: int) -> None:
        there = self.rooms[room].messages
        roots = [said for said in there if not said.root and not said.is_deleted] if root % 5 else there
        if roots:
            self._send(user, room, self._new_key(), (text, 0, roots[root % len(roots)].seq, frozenset(), False))

    @rule(user=USER, room=ROOM, text=TEXT, pick=PICK)
    def answer(self, user: int, room: int, text: str, pick: int) -> None:
        if said := self._pick(room, pick):
            self._send(user, room, self._new_key(), (text, said.seq, 0, frozenset(), False))

    @rule(room=ROOM, pick=PICK)
    def resend(self, room: int, pick: int) -> None:
        """Whatever became of it, and of its sender."""
        if said := self._pick(room, pick):
            self._send(said.sender, room, said.client_key, said.content)

    @rule(room=ROOM, pick=PICK)
    def resend_another(self, room: int, pick: int) -> None:
        if said := self._pick(room, pick):
            self._send(said.sender, room, said.client_key, ("another text", *said.content[1:]))

    @rule(user=USER, room=ROOM, pick=PICK, text=TEXT, mentions=st.none() | st.tuples(NAMED, EVERYONE))
    def edit(self, user: int, room: int, pick: int, text: str, mentions: tuple[frozenset[int], bool] | None) -> None:
        if said := self._pick(room, pick, of=user):
            request = messages.EditMessageRequest(id=said.id, text=text)
            if mentions is not None:
                request.mentions.CopyFrom(self._mentions(*mentions))
            self._both(
                room,
                lambda: self.rooms[room].edit(user, said.seq, text, mentions),
                lambda: self.ask(user, "MessageService/EditMessage", request).message,
            )

    @rule(user=USER, room=ROOM, pick=PICK)
    def delete(self, user: int, room: int, pick: int) -> None:
        if said := self._pick(room, pick, of=user if pick % 3 else None):
            request = messages.DeleteMessageRequest(id=said.id)
            self._both(
                room,
                lambda: self.rooms[room].delete(user, said.seq),
                lambda: self.ask(user, "MessageService/DeleteMessage", request).message,
            )

    @rule(user=USER, room=ROOM, pick=PICK)
    def undelete(self, user: int, room: int, pick: int) -> None:
        deleted = [said for said in self.rooms[room].messages if said.is_deleted] if pick % 5 else []
        if said := deleted[pick % len(deleted)] if deleted else self._pick(room, pick):
            request = messages.UndeleteMessageRequest(id=said.id)
            self._both(
                room,
                lambda: self.rooms[room].undelete(user, said.seq),
                lambda: self.ask(user, "MessageService/UndeleteMessage", request).message,
            )

    @rule(user=USER, room=ROOM, pick=PICK, emoji=EMOJI)
    def react(self, user: int, room: int, pick: int, emoji: str) -> None:
        if said := self._pick(room, pick):
            request = reactions.AddReactionRequest(message_id=said.id, emoji=emoji)
            self._both(
                room,
                lambda: self._of(self.rooms[room].react(user, said.seq, emoji)),
                lambda: list(self.ask(user, "ReactionService/AddReaction", request).state.reaction.user_ids),
            )

    @rule(user=USER, room=ROOM, pick=PICK, emoji=EMOJI)
    def unreact(self, user: int, room: int, pick: int, emoji: str) -> None:
        reacted = [said for said in self.rooms[room].messages if emoji in said.reactions] if pick % 5 else []
        if said := reacted[pick % len(reacted)] if reacted else self._pick(room, pick):
            request = reactions.RemoveReactionRequest(message_id=said.id, emoji=emoji)
            self._both(
                room,
                lambda: self._of(self.rooms[room].unreact(user, said.seq, emoji)),
                lambda: list(self.ask(user, "ReactionService/RemoveReaction", request).state.reaction.user_ids),
            )

    # Members.

    @rule(user=USER)
    def join(self, user: int) -> None:
        request = conversations.JoinConversationRequest(id=self.ids[CHANNEL])
        self._both(
            CHANNEL,
            lambda: self.rooms[CHANNEL].join(user),
            lambda: self.ask(user, "ConversationService/JoinConversation", request) and None,
        )

    @rule(user=USER, room=ROOM)
    def leave(self, user: int, room: int) -> None:
        if user == ANNA and len(self.rooms[room].parts) == 1:
            return  # That would end the room, and the example.
        request = conversations.LeaveConversationRequest(id=self.ids[room])
        self._both(
            room,
            lambda: self.rooms[room].leave(user),
            lambda: self.ask(user, "ConversationService/LeaveConversation", request) and None,
        )

    @rule(user=st.integers(1, 3), room=ROOM, by=st.integers(-6, 3))
    def add(self, user: int, room: int, by: int) -> None:
        actor = max(by, ANNA)
        request = conversations.AddMembersRequest(conversation_id=self.ids[room], user_ids=[self.users[user]])
        self._both(
            room,
            lambda: self.rooms[room].add(actor, user),
            lambda: self.ask(actor, "ConversationService/AddMembers", request) and None,
        )

    @rule(user=st.integers(1, 3), room=ROOM, by=st.integers(-6, 3))
    def remove(self, user: int, room: int, by: int) -> None:
        actor = max(by, ANNA)
        if actor == user:
            return  # Which is to leave.
        request = conversations.RemoveMemberRequest(conversation_id=self.ids[room], user_id=self.users[user])
        self._both(
            room,
            lambda: self.rooms[room].remove(actor, user),
            lambda: self.ask(actor, "ConversationService/RemoveMember", request) and None,
        )

    # Marks.

    @rule(user=USER, room=ROOM, pick=PICK)
    def mark_read(self, user: int, room: int, pick: int) -> None:
        seq = self._number(room, pick)
        request = conversations.MarkReadRequest(conversation_id=self.ids[room], seq=seq)

        def expected() -> tuple[int, ...]:
            return (self.rooms[room].mark_read(user, seq).read, *self.rooms[room].unread(user))

        self._both(room, expected, lambda: _marked(self.ask(user, "ConversationService/MarkRead", request)))

    @rule(user=USER, room=ROOM, pick=PICK)
    def mark_unread(self, user: int, room: int, pick: int) -> None:
        seq = self._number(room, pick) or 1
        request = reading.MarkUnreadRequest(conversation_id=self.ids[room], seq=seq)

        def expected() -> tuple[int, ...]:
            return (self.rooms[room].mark_unread(user, seq).read, *self.rooms[room].unread(user))

        self._both(room, expected, lambda: _marked(self.ask(user, "ReadingService/MarkUnread", request)))

    @rule(user=USER, room=ROOM, pick=PICK)
    def mark_delivered(self, user: int, room: int, pick: int) -> None:
        seq = self._number(room, pick)
        request = reading.MarkDeliveredRequest(conversation_id=self.ids[room], seq=seq)
        self._both(
            room,
            lambda: self.rooms[room].mark_delivered(user, seq).delivered,
            lambda: self.ask(user, "ReadingService/MarkDelivered", request).last_delivered_seq,
        )

    # Devices, and the end of everything.

    @rule(user=USER, which=PICK, limit=st.sampled_from((1, 2, 3, 7, 500)))
    def sync(self, user: int, which: int, limit: int) -> None:
        """From a place that is remembered, however long ago."""
        devices = self.devices[user]
        self._sync(user, devices[which % len(devices)], limit)

    @rule(user=USER, which=PICK)
    def remember(self, user: int, which: int) -> None:
        devices = self.devices[user]
        devices.append(deepcopy(devices[which % len(devices)]))
        del devices[:-MAX_REMEMBERED]

    @rule(sends=st.lists(st.tuples(USER, ROOM, TEXT), max_size=4), ticks=st.integers(0, 30), answers=st.integers(0, 4))
    def crash(self, sends: list[tuple[int, int, str]], ticks: int, answers: int) -> None:
        """Some sends are under way, some just answered. Their senders repeat all of them afterwards."""
        sends = [(user, room, text) for user, room, text in sends if user in self.rooms[room].parts]
        keyed = [(user, room, self._new_key(), text) for user, room, text in sends]
        acked = self.run(self._crash(keyed, ticks, answers))
        found = []
        for user, room, key, text in keyed:
            content: Content = (text, 0, 0, frozenset(), False)
            answer = self.ask(user, "MessageService/SendMessage", self._request(room, key, content))
            assert answer.replayed or key not in acked, "a message that was acknowledged is lost"
            assert acked.get(key, answer.message.id) == answer.message.id
            found.append((room, answer.message, user, key, content))
        for room, message, user, key, content in sorted(found, key=lambda sent: (sent[0], sent[1].seq)):
            said, _ = self.rooms[room].send(user, key, content)
            said.id = message.id
            assert message.seq == said.seq, "a number is missing or was given twice"
        self._check_all()

    async def _crash(self, sends: list[tuple[int, int, str, str]], ticks: int, answers: int) -> dict[str, str]:
        """By key, the ids of what was acknowledged before, which is as much as `answers` at least."""
        tasks = {}
        for user, room, key, text in sends:
            request = self._request(room, key, (text, 0, 0, frozenset(), False))
            ask = self.house.ask(self.users[user], "MessageService/SendMessage", request)
            tasks[key] = asyncio.create_task(ask)
        for _ in range(ticks):
            await asyncio.sleep(0)
        while sum(task.done() for task in tasks.values()) < min(answers, len(tasks)):
            await asyncio.wait([task for task in tasks.values() if not task.done()], return_when="FIRST_COMPLETED")
        acked = {key: task for key, task in tasks.items() if task.done()}
        await self.house.crash(list(tasks.values()))
        return {key: task.result().message.id for key, task in acked.items()}

    # What has to hold.

    @invariant()
    def one_reader_sees_what_is_there(self) -> None:
        """Somebody else each time, in the room of the last step; the end of each example asks everybody."""
        if self.ids:
            self._step += 1
            self._check(self._step % len(self.users), self.touched)

    def _check_all(self) -> None:
        for user in EVERYBODY:
            for room in (CHANNEL, GROUP):
                self._check(user, room)
            for device in self.devices[user]:
                self._sync(user, device, 500)
            self._check_search(user)
        for room in (CHANNEL, GROUP):
            self.run(self._check_published(room))

    def _check(self, user: int, room: int) -> None:
        there, id_ = self.rooms[room], self.ids[room]
        page = self._tried(
            lambda: self.ask(
                user, "MessageService/ListMessages", messages.ListMessagesRequest(conversation_id=id_, limit=100)
            )
        )
        if user not in there.parts:
            assert page == "CONVERSATION_NOT_FOUND", "somebody who is out reads on"
            if there.messages:
                last = messages.GetMessageRequest(id=there.messages[-1].id)
                assert self._tried(lambda: self.ask(user, "MessageService/GetMessage", last)) == "MESSAGE_NOT_FOUND"
            return
        assert [message.seq for message in page.items] == list(range(1, there.last_seq + 1)), "numbers are not 1 to N"
        self._check_messages(page.items, room)
        mine = self.ask(user, "ConversationService/GetConversation", conversations.GetConversationRequest(id=id_))
        shown, part = mine.conversation, there.parts[user]
        assert (shown.last_seq, shown.member_count) == (there.last_seq, len(there.parts))
        assert (shown.my.last_read_seq, shown.my.last_delivered_seq) == (part.read, part.delivered), "a mark is wrong"
        assert (shown.unread_count, shown.mention_count) == there.unread(user), "what is unread is not its definition"
        self._check_receipts(user, room)

    def _check_receipts(self, user: int, room: int) -> None:
        """Everybody sees the marks of everybody, and what was set back for oneself stays."""
        asked, there = reading.ListReceiptsRequest(conversation_id=self.ids[room]), self.rooms[room]
        receipts = self.ask(user, "ReadingService/ListReceipts", asked)
        told = {r.user_id: (r.last_read_seq, r.last_delivered_seq) for r in receipts.items}
        assert told == {self.users[who]: (part.receipt, part.delivered) for who, part in there.parts.items()}, (
            "a mark is wrong"
        )

    def _check_messages(self, found: Any, room: int) -> None:
        for message, said in zip(found, self.rooms[room].messages, strict=True):
            shown, expected = self._shown(message), self._expected(room, said)
            assert shown == expected, f"{shown} instead of {expected}"

    def _sync(self, user: int, device: Replica, limit: int) -> None:
        """What it had applied, and what it gets now, make what is there: nothing is missing, nothing comes twice."""
        has_more = True
        while has_more:
            place = feed.SyncRequest(user_pos=device.user_pos, positions=device.positions, limit=limit)
            page = self.ask(user, "FeedService/Sync", place)
            for change in page.events:
                room = self.ids.index(change.conversation_id)
                out = self.rooms[room].left_at.get(user)
                assert out is None or change.seq <= out, "somebody who is out is told what was said since"
            device.sync(page)
            has_more = page.has_more
        for room, id_ in enumerate(self.ids):
            assert (id_ in device.copies) == (user in self.rooms[room].parts)
            if id_ in device.copies:
                self._check_copy(user, device.copies[id_], room)

    def _check_copy(self, user: int, copy: Copy, room: int) -> None:
        there = self.rooms[room]
        self._check_messages([copy.messages[seq] for seq in sorted(copy.messages)], room)
        assert set(copy.members) == {self.users[who] for who in there.parts}, "a member is missing, or too many"
        assert copy.last_read_seq == there.parts[user].read, "a mark is wrong"

    def _check_search(self, user: int) -> None:
        """Exactly what one may read is found, once what was written is in the index."""
        visible = [room for room in self.rooms if user in room.parts]
        readable = {said.id: said.text for room in visible for said in room.messages if not said.is_deleted}
        assert self.run(self._found(user)) == readable

    async def _found(self, user: int) -> dict[str, str]:
        found: dict[str, str] = {}
        question = search.SearchMessagesRequest(q="word", limit=50)
        until = self._loop.time() + INDEXED_WITHIN_S
        while True:
            page = await self.house.ask(self.users[user], "SearchService/SearchMessages", question)
            found |= {item.message.id: item.message.text for item in page.items}
            question.cursor = page.page.next_cursor
            if page.indexing:
                assert self._loop.time() < until, "the index does not follow the log"
                found, question.cursor = {}, ""
                await asyncio.sleep(0.01)
            elif not question.cursor:
                return found

    async def _check_published(self, room: int) -> None:
        """The bus is told of each change, the first time in their order, whatever crashed in between."""
        asked = conversations.GetConversationRequest(id=self.ids[room])
        answer = await self.house.ask(self.users[ANNA], "ConversationService/GetConversation", asked)
        wanted = list(range(1, answer.conversation.last_pos + 1))
        try:
            async with asyncio.timeout(PUBLISHED_WITHIN_S):
                while len(set(self.house.published.get(self.ids[room], ()))) < len(wanted):
                    await asyncio.sleep(0.005)
        except TimeoutError:
            pass  # What is missing is told below.
        told = list(dict.fromkeys(self.house.published.get(self.ids[room], ())))
        assert told == wanted, "the bus was not told of each change in order"

    # How both are asked.

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(what)

    def ask(self, user: int, method: str, request: Proto) -> Any:
        return self.run(self.house.ask(self.users[user], method, request))

    def _both(self, room: int, model: Callable[[], Any], service: Callable[[], Any]) -> Any:
        """Does it to the model and to the service: the same refusal, or the same answer."""
        self.touched = room
        wanted, found = self._tried(model), self._tried(service)
        if isinstance(wanted, Said) and isinstance(found, Message):
            assert self._shown(found) == self._expected(room, wanted)
        else:
            assert found == wanted, f"{found} instead of {wanted}"
        return found

    def _tried(self, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except Refused as refused:
            return refused.reason

    def _send(self, user: int, room: int, key: str, content: Content) -> None:
        self.touched = room
        wanted = self._tried(lambda: self.rooms[room].send(user, key, content))
        found = self._tried(lambda: self.ask(user, "MessageService/SendMessage", self._request(room, key, content)))
        if isinstance(wanted, str) or isinstance(found, str):
            assert found == wanted, f"{found} instead of {wanted}"
            return
        said, replayed = wanted
        assert found.replayed == replayed, "a repeat is not known, or what is new is taken for one"
        said.id = said.id or found.message.id
        assert self._shown(found.message) == self._expected(room, said)

    def _request(self, room: int, key: str, content: Content) -> messages.SendMessageRequest:
        text, reply_to, root, named, everybody = content
        request = messages.SendMessageRequest(conversation_id=self.ids[room], client_msg_id=key, text=text)
        request.reply_to = self.rooms[room].messages[reply_to - 1].id if reply_to else ""
        request.thread_root = self.rooms[room].messages[root - 1].id if root else ""
        if named or everybody:
            request.mentions.CopyFrom(self._mentions(named, everybody))
        return request

    def _mentions(self, named: frozenset[int], everybody: bool) -> Mentions:
        return Mentions(user_ids=self._of(sorted(named)), all=everybody)

    def _of(self, users: Any) -> list[str]:
        return [self.users[user] for user in users]

    def _pick(self, room: int, pick: int, of: int | None = None) -> Said | None:
        """One of the messages; mostly one of the user's own, where that matters."""
        said = self.rooms[room].messages
        own = [one for one in said if one.sender == of] if of is not None and pick % 4 else []
        some = own or said
        return some[pick % len(some)] if some else None

    def _number(self, room: int, pick: int) -> int:
        """One of the numbers that there are, none, or one beyond the last."""
        return pick % (self.rooms[room].last_seq + 2)

    def _new_key(self) -> str:
        self._keys += 1
        return f"key-{self._keys}"

    def _expected(self, room: int, said: Said) -> dict[str, Any]:
        """What everybody is to see of a message."""
        there = self.rooms[room]
        count, last = there.thread(said.seq)
        return {
            "id": said.id,
            "seq": said.seq,
            "sender": self.users[said.sender],
            "client_msg_id": said.client_key,
            "text": "" if said.is_deleted else said.text,
            "reply_to": there.messages[said.reply_to - 1].id if said.reply_to else "",
            "version": said.version,
            "deleted_by": "" if said.deleted_by is None else self.users[said.deleted_by],
            "named": set() if said.is_deleted else set(self._of(said.named)),
            "everybody": said.everybody and not said.is_deleted,
            "thread": (there.messages[said.root - 1].id, 0, 0)
            if said.root
            else ((said.id, count, last) if last else None),
            "reactions": {} if said.is_deleted else {e: self._of(users) for e, users in said.reactions.items()},
        }

    def _shown(self, message: Message) -> dict[str, Any]:
        thread = message.thread
        assert message.HasField("deleted_at") == bool(message.deleted_by)
        return {
            "id": message.id,
            "seq": message.seq,
            "sender": message.sender.id,
            "client_msg_id": message.client_msg_id,
            "text": message.text,
            "reply_to": message.reply_to,
            "version": message.version,
            "deleted_by": message.deleted_by,
            "named": set(message.mentions.user_ids),
            "everybody": message.mentions.all,
            "thread": (thread.root_id, thread.reply_count, thread.last_seq) if message.HasField("thread") else None,
            "reactions": {reaction.emoji: list(reaction.user_ids) for reaction in message.reactions},
        }


def _marked(answer: Any) -> tuple[int, int, int]:
    return answer.last_read_seq, answer.unread_count, answer.mention_count
