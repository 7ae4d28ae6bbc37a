"""Carries changes to the streams that are open here. Who gets what follows from memberships, never from asking.

A user's memberships are read when the first of their sessions is attached, in the order of commits, and kept up by
the changes themselves; so a stream never gets a change of a conversation that none of its users is in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from chat.message.v1 import change_pb2 as pb
from chat.message.v1 import feed_service_pb2 as feed_pb
from services.message.command import Command
from services.message.feed.domain import CONVERSATION_ADDED, CONVERSATION_REMOVED, Attach, Change
from services.message.feed.wire import change_proto
from services.message.journal import Outcome
from services.message.messages.wire import ProfileOf


@dataclass(frozen=True, slots=True)
class Delivery:
    """A change on its way, shared by all who get it. `user_id` and `except_user_id` as in `RelayEvent`."""

    change: pb.Change
    size: int
    user_id: str = ""
    except_user_id: str = ""

    def event(self) -> feed_pb.RelayEvent:
        """As streams for many users tell of it."""
        return feed_pb.RelayEvent(change=self.change, user_id=self.user_id, except_user_id=self.except_user_id)


class Subscriber(Protocol):
    """A stream for one or more users. Told apart by identity."""

    @property
    def hears_peers(self) -> bool:
        """Whether what other instances commit reaches it through this one. Gateways have a stream to each."""
        ...

    def deliver(self, delivery: Delivery) -> None:
        """Takes a change at once, without waiting for anybody."""
        ...


class Follower(Protocol):
    """Another instance, which has to know of all memberships."""

    def moved(self, user_id: str, conversation_id: str, user_pos: int, *, is_member: bool) -> None:
        """Somebody has joined or left a conversation, as of a place in their own log."""
        ...


class Observer(Protocol):
    """Told of what the hub hears, at once."""

    def committed(self, outcome: Outcome) -> None:
        """After it was carried to all streams."""
        ...

    def gone(self, user_id: str) -> None:
        """The last session of a user here has ended."""
        ...


class Hub:
    """All streams of this process and what they are interested in."""

    def __init__(self, profile_of: ProfileOf) -> None:
        self._profile_of = profile_of
        self._streams: dict[str, dict[Subscriber, int]] = {}
        """By user, the streams that carry sessions of theirs, and how many."""
        self._conversations: dict[str, set[str]] = {}
        """By user, the conversations they are in."""
        self._as_of: dict[str, int] = {}
        """By user, the place in their own log that these were read at."""
        self._moves: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By user and conversation, the place of the last change to it since then."""
        self._followers: dict[Follower, None] = {}
        self._interest: defaultdict[str, dict[Subscriber, int]] = defaultdict(dict)
        """By conversation, the streams that carry members of it, and how many."""
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> None:
        """Tells somebody from now on."""
        self._observers.append(observer)

    def join(self, subscriber: Subscriber, user_id: str, positions: Mapping[str, int], *, as_of: int = 0) -> None:
        """Adds a session of a user to a stream. Only from `Attach.opened`, with the place it is called with."""
        streams = self._streams.setdefault(user_id, {})
        if not streams:
            self._conversations[user_id], self._as_of[user_id] = set(positions), as_of
        streams[subscriber] = streams.get(subscriber, 0) + 1
        if streams[subscriber] == 1:
            self._count(subscriber, self._conversations[user_id], 1)

    def leave(self, subscriber: Subscriber, user_id: str) -> None:
        """Takes one session of a user from a stream that it was added to."""
        streams = self._streams[user_id]
        streams[subscriber] -= 1
        if streams[subscriber]:
            return
        del streams[subscriber]
        self._count(subscriber, self._conversations[user_id], -1)
        if not streams:
            del self._streams[user_id], self._conversations[user_id], self._as_of[user_id]
            self._moves.pop(user_id, None)
            for observer in self._observers:
                observer.gone(user_id)

    def is_member(self, user_id: str, conversation_id: str) -> bool | None:
        """Whether an attached user is in a conversation; None for a user who is not attached here."""
        conversations = self._conversations.get(user_id)
        return None if conversations is None else conversation_id in conversations

    def publish(self, command: Command, outcome: Outcome) -> None:
        """Takes what was committed, in that order."""
        for change in outcome.changes:
            self.announce(change)
        if isinstance(command, Attach) and outcome.error is None:
            command.opened(outcome.result)
        for observer in self._observers:
            observer.committed(outcome)

    def announce(self, change: Change) -> None:
        """Carries one change to all streams that are interested."""
        if change.user_id:
            self._tell_user(change)
        else:
            self._tell_members(change)

    def tell(self, event: feed_pb.RelayEvent) -> None:
        """Carries a change that another instance has committed to the streams that hear of it here."""
        delivery = Delivery(event.change, event.ByteSize(), event.user_id, event.except_user_id)
        if event.user_id:
            streams = list(self._streams.get(event.user_id, ()))
        else:
            streams = self._members(event.change.conversation_id, event.except_user_id)
        for subscriber in streams:
            if subscriber.hears_peers:
                subscriber.deliver(delivery)

    def follow(self, follower: Follower) -> None:
        """Tells somebody of all who join or leave a conversation, whether they are attached here or not."""
        self._followers[follower] = None

    def unfollow(self, follower: Follower) -> None:
        self._followers.pop(follower, None)

    def users(self) -> list[str]:
        """All who are attached."""
        return list(self._streams)

    def move(self, user_id: str, conversation_id: str, user_pos: int, *, is_member: bool) -> None:
        """Somebody has joined or left a conversation, as of a place in their own log. What is old does nothing."""
        conversations = self._conversations.get(user_id)
        if conversations is None or user_pos <= self._as_of[user_id]:
            return
        moves = self._moves[user_id]
        if user_pos < moves.get(conversation_id, 0):
            return
        moves[conversation_id] = user_pos
        self._set(user_id, conversation_id, is_member=is_member)

    def reread(self, user_id: str, conversation_ids: AbstractSet[str], as_of: int) -> None:
        """The conversations of a user as they are stored, at a place in their own log or after it."""
        conversations, moves = self._conversations.get(user_id), self._moves[user_id]
        if conversations is None:
            del self._moves[user_id]
            return
        for conversation_id in conversations ^ conversation_ids:
            if moves.get(conversation_id, 0) <= as_of:
                self._set(user_id, conversation_id, is_member=conversation_id in conversation_ids)
        self._as_of[user_id] = max(self._as_of[user_id], as_of)

    def _tell_members(self, change: Change) -> None:
        members = self._members(change.conversation_id, change.except_user_id)
        joining = [(s, user_id) for user_id in change.joining for s in self._streams.get(user_id, ())]
        if not members and not joining:
            return
        proto, size = self._proto(change)
        shared = Delivery(proto, size, except_user_id=change.except_user_id)
        for subscriber in members:
            subscriber.deliver(shared)
        for subscriber, user_id in joining:
            subscriber.deliver(Delivery(proto, size, user_id))

    def _members(self, conversation_id: str, except_id: str) -> list[Subscriber]:
        """The streams that carry members of a conversation other than one."""
        excepted = self._streams.get(except_id, {}) if self.is_member(except_id, conversation_id) else {}
        return [s for s, users in self._interest.get(conversation_id, {}).items() if users > (s in excepted)]

    def _tell_user(self, change: Change) -> None:
        user_id, conversation_id = change.user_id, change.conversation_id
        if streams := self._streams.get(user_id):
            delivery = Delivery(*self._proto(change), user_id)
            for subscriber in list(streams):
                subscriber.deliver(delivery)
        if change.type in (CONVERSATION_ADDED, CONVERSATION_REMOVED):
            is_member = change.type == CONVERSATION_ADDED
            self.move(user_id, conversation_id, change.user_pos, is_member=is_member)
            for follower in self._followers:
                follower.moved(user_id, conversation_id, change.user_pos, is_member=is_member)

    def _set(self, user_id: str, conversation_id: str, *, is_member: bool) -> None:
        conversations = self._conversations[user_id]
        if is_member == (conversation_id in conversations):
            return
        (conversations.add if is_member else conversations.remove)(conversation_id)
        for subscriber in self._streams[user_id]:
            self._count(subscriber, (conversation_id,), 1 if is_member else -1)

    def _proto(self, change: Change) -> tuple[pb.Change, int]:
        proto = change_proto(change, self._profile_of)
        return proto, proto.ByteSize()

    def _count(self, subscriber: Subscriber, conversation_ids: Iterable[str], step: int) -> None:
        for conversation_id in conversation_ids:
            streams = self._interest[conversation_id]
            streams[subscriber] = streams.get(subscriber, 0) + step
            if not streams[subscriber]:
                del streams[subscriber]
            if not streams:
                del self._interest[conversation_id]
