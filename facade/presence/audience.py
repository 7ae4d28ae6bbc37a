"""Which sockets of this process want to hear of whom, and what each of them is told."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1.presence_service_pb2 import PresenceDelta

MAX_WATCHED: Final = 1_000
"""Users that one socket may hear of."""
MAX_INTEREST: Final = 100_000
"""Users that all sockets together may hear of."""
_OF_ONES_OWN: Final = ("devices", "status")

User = tuple[str, str]
"""Workspace id and user id."""
Frame = Callable[[str, object], bytes]
"""The frame of an event, by its name and its data."""


class Receiver(Protocol):
    """One socket. Told apart by identity."""

    sid: str
    session_id: str
    user_id: str
    workspace_id: str

    @property
    def is_congested(self) -> bool:
        """Whether so much waits that what can be left out should be."""
        ...

    def write(self, frame: bytes) -> None: ...


@dataclass(slots=True)
class _Seat:
    """What one socket asked for: users by themselves, and the members of conversations."""

    users: set[str] = field(default_factory=set)
    conversations: dict[str, frozenset[str]] = field(default_factory=dict)
    wanted: Counter[str] = field(default_factory=Counter)
    stale: set[User] = field(default_factory=set)
    """Whom it was not told of, since there was no room."""


class Audience:
    """`on_interest` hears of each user whom the first socket wants to hear of, and the last one does not any more."""

    def __init__(
        self,
        encode: Callable[[pb.Presence], dict[str, Any]],
        frame: Frame,
        on_interest: Callable[[User, bool], None],
        *,
        now: Callable[[], str],
    ) -> None:
        self._encode, self._frame, self._on_interest, self._now = encode, frame, on_interest, now
        self._seats: dict[Receiver, _Seat] = {}
        self._receivers: dict[User, dict[Receiver, None]] = {}
        self._known: dict[User, PresenceDelta] = {}
        """How users are, as far as it was heard while somebody wanted to."""

    @property
    def users(self) -> Collection[User]:
        """Everybody whom somebody wants to hear of."""
        return self._receivers.keys()

    def room(self, receiver: Receiver, user_ids: Iterable[str]) -> int:
        """How many more users the socket could hear of, were it to hear of these."""
        seat = self._seats.get(receiver, _Seat())
        return MAX_WATCHED - len(seat.wanted.keys() | set(user_ids))

    @property
    def is_full(self) -> bool:
        """Whether there are so many that no more should be added."""
        return len(self._receivers) >= MAX_INTEREST

    def add(self, receiver: Receiver, user_ids: Iterable[str]) -> None:
        seat = self._seats.setdefault(receiver, _Seat())
        new = set(user_ids) - seat.users
        seat.users |= new
        self._want(receiver, seat, new)

    def add_members(self, receiver: Receiver, conversation_id: str, user_ids: Iterable[str]) -> None:
        """The members of a conversation, in place of those that were known before."""
        seat = self._seats.setdefault(receiver, _Seat())
        old = seat.conversations.get(conversation_id, frozenset())
        members = seat.conversations[conversation_id] = frozenset(user_ids)
        self._want(receiver, seat, members)
        self._unwant(receiver, seat, old)

    def remove(self, receiver: Receiver, user_ids: Iterable[str], conversation_ids: Iterable[str]) -> None:
        """Takes back what was asked for; what was not does no harm."""
        seat = self._seats.get(receiver)
        if seat is None:
            return
        gone = seat.users & set(user_ids)
        seat.users -= gone
        self._unwant(receiver, seat, gone)
        for conversation_id in conversation_ids:
            self._unwant(receiver, seat, seat.conversations.pop(conversation_id, frozenset()))
        if not seat.wanted:
            del self._seats[receiver]

    def leave(self, receiver: Receiver) -> None:
        """Forgets a socket."""
        seat = self._seats.get(receiver)
        if seat is not None:
            self.remove(receiver, seat.users, list(seat.conversations))

    def know(self, receiver: Receiver, presences: Iterable[pb.Presence]) -> None:
        """What a socket was just answered is no news to it. Whoever was `unknown` is news as soon as they are known."""
        for presence in presences:
            user = receiver.workspace_id, presence.user_id
            if presence.state == pb.PRESENCE_STATE_UNKNOWN:
                self._known.pop(user, None)
            elif user in self._receivers and user not in self._known and not _is_own(receiver, user):
                self._known[user] = PresenceDelta(workspace_id=user[0], presence=presence)

    def tell(self, deltas: Iterable[PresenceDelta]) -> None:
        """Hands changes on: each in one frame for all who see the same."""
        for delta in deltas:
            user = delta.workspace_id, delta.presence.user_id
            if user in self._receivers:
                known, self._known[user] = self._known.get(user), delta
                self._tell(user, delta, known)

    def catch_up(self) -> None:
        """Tells those who had no room how users are now."""
        for receiver, seat in self._seats.items():
            if seat.stale and not receiver.is_congested:
                stale, seat.stale = seat.stale, set()
                for user in stale & self._known.keys():
                    receiver.write(self._update(self._known[user], is_own=_is_own(receiver, user)))

    def _want(self, receiver: Receiver, seat: _Seat, user_ids: Iterable[str]) -> None:
        for user_id in user_ids:
            seat.wanted[user_id] += 1
            if seat.wanted[user_id] == 1:
                user = receiver.workspace_id, user_id
                if user not in self._receivers:
                    self._receivers[user] = {}
                    self._on_interest(user, True)
                self._receivers[user][receiver] = None

    def _unwant(self, receiver: Receiver, seat: _Seat, user_ids: Iterable[str]) -> None:
        for user_id in user_ids:
            seat.wanted[user_id] -= 1
            if not seat.wanted[user_id]:
                del seat.wanted[user_id]
                user = receiver.workspace_id, user_id
                seat.stale.discard(user)
                del self._receivers[user][receiver]
                if not self._receivers[user]:
                    del self._receivers[user]
                    self._known.pop(user, None)
                    self._on_interest(user, False)

    def _tell(self, user: User, delta: PresenceDelta, known: PresenceDelta | None) -> None:
        for is_own in (False, True):
            receivers = [receiver for receiver in self._receivers[user] if _is_own(receiver, user) == is_own]
            is_news = known is None or _seen(known, is_own) != _seen(delta, is_own)
            if not receivers or not (is_news or delta.came_online):
                continue
            frame = self._update(delta, is_own=is_own)
            if delta.came_online:
                frame += self._frame("user-online", {"user_id": user[1], "ts": self._now()})
            for receiver in receivers:
                if receiver.is_congested:
                    self._seats[receiver].stale.add(user)
                else:
                    receiver.write(frame)

    def _update(self, delta: PresenceDelta, *, is_own: bool) -> bytes:
        data = self._encode(_seen(delta, is_own))
        if not is_own:
            for name in _OF_ONES_OWN:
                data.pop(name)
        return self._frame("presence-update", {**data, "ts": self._now()})


def _is_own(receiver: Receiver, user: User) -> bool:
    return receiver.user_id == user[1]


def _seen(delta: PresenceDelta, is_own: bool) -> pb.Presence:
    return delta.own if is_own else delta.presence
