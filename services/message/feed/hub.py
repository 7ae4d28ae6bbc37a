"""Carries changes to the streams that are open here. Who gets what follows from memberships, never from asking.

A user's memberships are read when the first of their sessions is attached, in the order of commits, and kept up by
the changes themselves; so a stream never gets a change of a conversation that none of its users is in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from chat.message.v1 import change_pb2 as pb
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


class Subscriber(Protocol):
    """A stream for one or more users. Told apart by identity."""

    def deliver(self, delivery: Delivery) -> None:
        """Takes a change at once, without waiting for anybody."""
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
        self._interest: defaultdict[str, dict[Subscriber, int]] = defaultdict(dict)
        """By conversation, the streams that carry members of it, and how many."""
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> None:
        """Tells somebody from now on."""
        self._observers.append(observer)

    def join(self, subscriber: Subscriber, user_id: str, positions: Mapping[str, int]) -> None:
        """Adds a session of a user to a stream. Only from `Attach.opened`, with the positions it is called with."""
        streams = self._streams.setdefault(user_id, {})
        if not streams:
            self._conversations[user_id] = set(positions)
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
            del self._streams[user_id], self._conversations[user_id]
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

    def _tell_members(self, change: Change) -> None:
        except_id = change.except_user_id
        excepted = self._streams.get(except_id, {}) if self.is_member(except_id, change.conversation_id) else {}
        members = [s for s, users in self._interest.get(change.conversation_id, {}).items() if users > (s in excepted)]
        joining = [(s, user_id) for user_id in change.joining for s in self._streams.get(user_id, ())]
        if not members and not joining:
            return
        proto, size = self._proto(change)
        shared = Delivery(proto, size, except_user_id=except_id)
        for subscriber in members:
            subscriber.deliver(shared)
        for subscriber, user_id in joining:
            subscriber.deliver(Delivery(proto, size, user_id))

    def _tell_user(self, change: Change) -> None:
        streams = self._streams.get(change.user_id)
        if not streams:
            return
        delivery = Delivery(*self._proto(change), change.user_id)
        for subscriber in list(streams):
            subscriber.deliver(delivery)
        conversations = self._conversations[change.user_id]
        if change.type == CONVERSATION_ADDED and change.conversation_id not in conversations:
            conversations.add(change.conversation_id)
            for subscriber in streams:
                self._count(subscriber, (change.conversation_id,), 1)
        elif change.type == CONVERSATION_REMOVED and change.conversation_id in conversations:
            conversations.remove(change.conversation_id)
            for subscriber in streams:
                self._count(subscriber, (change.conversation_id,), -1)

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
