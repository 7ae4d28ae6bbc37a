"""Who gets which change."""

from datetime import UTC, datetime

import pytest

from chat.message.v1 import change_pb2 as pb
from chat.message.v1.feed_service_pb2 import RelayEvent
from chat.message.v1.message_pb2 import Profile
from mesh.errors import Unavailable
from services.message.command import Command, Origin
from services.message.feed.domain import (
    CONVERSATION_ADDED,
    CONVERSATION_CREATED,
    CONVERSATION_REMOVED,
    MEMBER_ADDED,
    MEMBER_REMOVED,
    MESSAGE_NEW,
    RECEIPT_READ,
    TYPING,
    Attach,
    Change,
    Place,
)
from services.message.feed.hub import Delivery, Hub
from services.message.feed.wire import typing_body
from services.message.journal import Outcome

AT = datetime(2026, 5, 1, tzinfo=UTC)
ORIGIN = Origin("actor", "w", "correlation", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


class Stream:
    """Keeps what it gets, memberships of others too."""

    def __init__(self, *, hears_peers: bool = False) -> None:
        self.hears_peers = hears_peers
        self.deliveries: list[Delivery] = []
        self.moves: list[tuple[str, str, int, bool]] = []

    def moved(self, user_id: str, conversation_id: str, user_pos: int, *, is_member: bool) -> None:
        self.moves.append((user_id, conversation_id, user_pos, is_member))

    def deliver(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)

    def got(self) -> list[tuple[str, str]]:
        """`(type, the one user it is for)` of everything since the last time."""
        got, self.deliveries = [(d.change.type, d.user_id) for d in self.deliveries], []
        return got


@pytest.fixture
def hub() -> Hub:
    return Hub(lambda workspace_id, user_id: Profile(id=user_id, username=f"name of {user_id}"))


@pytest.fixture
def stream() -> Stream:
    return Stream()


def change(kind: str = MESSAGE_NEW, conversation_id: str = "c", **about: object) -> Change:
    return Change(kind, conversation_id, ORIGIN, AT, pos=1, **about)  # type: ignore[arg-type]


def own(kind: str, user_id: str, conversation_id: str = "c") -> Change:
    return Change(kind, conversation_id, ORIGIN, AT, user_id=user_id, user_pos=1)


def test_a_stream_gets_what_its_users_are_in(hub: Hub, stream: Stream) -> None:
    """And nothing of any other conversation."""
    hub.join(stream, "u", {"c": 0})
    hub.announce(change())
    hub.announce(change(conversation_id="other"))
    assert stream.got() == [(MESSAGE_NEW, "")]


def test_a_change_comes_once_to_a_stream_of_several_members(hub: Hub, stream: Stream) -> None:
    """However many of its sessions and users are in the conversation; and as one object for all streams."""
    other = Stream()
    for user_id in ("u", "u", "v"):
        hub.join(stream, user_id, {"c": 0})
    hub.join(other, "w", {"c": 0})
    hub.announce(change())
    assert stream.deliveries[0] is other.deliveries[0]
    assert len(stream.deliveries) == len(other.deliveries) == 1


def test_interest_ends_with_the_last_session_of_the_last_member(hub: Hub, stream: Stream) -> None:
    """Each join is one count."""
    for user_id in ("u", "u", "v"):
        hub.join(stream, user_id, {"c": 0})
    for user_id, expected in (("u", 1), ("v", 1), ("u", 0)):
        hub.leave(stream, user_id)
        hub.announce(change())
        assert len(stream.got()) == expected


def test_a_second_stream_of_a_user_follows_on_its_own(hub: Hub, stream: Stream) -> None:
    """Leaving one does not end the other."""
    other = Stream()
    hub.join(stream, "u", {"c": 0})
    hub.join(other, "u", {"c": 0})
    hub.leave(stream, "u")
    hub.announce(change())
    assert (stream.got(), other.got()) == ([], [(MESSAGE_NEW, "")])


def test_the_own_log_is_only_for_its_user(hub: Hub, stream: Stream) -> None:
    """Other members of the conversation do not see it."""
    other = Stream()
    hub.join(stream, "u", {"c": 0})
    hub.join(other, "v", {"c": 0})
    hub.announce(own("unread-updated", "u"))
    assert (stream.got(), other.got()) == ([("unread-updated", "u")], [])


def test_whoever_joins_gets_the_joining_and_all_after_it(hub: Hub, stream: Stream) -> None:
    """First the change that made them a member, addressed; then their own log; then everything."""
    hub.join(stream, "u", {})
    hub.announce(change(MEMBER_ADDED, joining=("u",)))
    hub.announce(own(CONVERSATION_ADDED, "u"))
    hub.announce(change())
    assert stream.got() == [(MEMBER_ADDED, "u"), (CONVERSATION_ADDED, "u"), (MESSAGE_NEW, "")]
    assert hub.is_member("u", "c")


def test_a_new_conversation_reaches_all_its_members(hub: Hub, stream: Stream) -> None:
    """Though nobody was interested before."""
    hub.join(stream, "u", {})
    hub.join(stream, "v", {})
    hub.announce(change(CONVERSATION_CREATED, joining=("u", "v", "not here")))
    assert stream.got() == [(CONVERSATION_CREATED, "u"), (CONVERSATION_CREATED, "v")]


def test_whoever_is_removed_gets_only_their_own_log(hub: Hub, stream: Stream) -> None:
    """Their removal is told to the others; nothing of the conversation reaches them from then on."""
    other = Stream()
    hub.join(stream, "u", {"c": 0})
    hub.join(other, "v", {"c": 0})
    hub.announce(change(MEMBER_REMOVED, except_user_id="u"))
    hub.announce(own(CONVERSATION_REMOVED, "u"))
    hub.announce(change())
    assert stream.got() == [(CONVERSATION_REMOVED, "u")]
    assert other.got() == [(MEMBER_REMOVED, ""), (MESSAGE_NEW, "")]
    assert not hub.is_member("u", "c")


def test_a_stream_with_others_is_told_whom_to_leave_out(hub: Hub, stream: Stream) -> None:
    """A stream of several users gets what only one of them shall not see."""
    hub.join(stream, "u", {"c": 0})
    hub.join(stream, "v", {"c": 0})
    hub.announce(change(RECEIPT_READ, except_user_id="u"))
    assert [d.except_user_id for d in stream.deliveries] == ["u"]


def test_typing_does_not_come_back_to_who_types(hub: Hub, stream: Stream) -> None:
    """Not even on another stream of theirs."""
    hub.join(stream, "u", {"c": 0})
    hub.announce(change(TYPING, body=typing_body("u", AT, ""), except_user_id="u"))
    assert stream.got() == []


def test_a_repeated_membership_is_counted_once(hub: Hub, stream: Stream) -> None:
    """The heads of an attachment may tell already what the log tells again."""
    hub.join(stream, "u", {"c": 1})
    hub.announce(own(CONVERSATION_ADDED, "u"))
    hub.announce(own(CONVERSATION_REMOVED, "u"))
    hub.announce(own(CONVERSATION_REMOVED, "u"))
    hub.announce(change())
    assert (MESSAGE_NEW, "") not in stream.got()


def test_membership_is_known_only_of_who_is_attached(hub: Hub, stream: Stream) -> None:
    """None means that somebody else has to be asked."""
    assert hub.is_member("u", "c") is None
    hub.join(stream, "u", {"c": 0})
    assert hub.is_member("u", "c") is True
    assert hub.is_member("u", "other") is False
    hub.leave(stream, "u")
    assert hub.is_member("u", "c") is None


def test_an_attachment_opens_between_the_changes_around_it(hub: Hub, stream: Stream) -> None:
    """Exactly what comes after the place it tells is delivered."""

    def opened(place: Place) -> None:
        hub.join(stream, "u", place.positions)

    hub.publish(Command(ORIGIN), Outcome(None, (change(),)))
    hub.publish(Attach(ORIGIN, opened), Outcome(Place(0, {"c": 1})))
    hub.publish(Command(ORIGIN), Outcome(None, (change("message-updated"),)))
    assert stream.got() == [("message-updated", "")]


def test_a_refused_attachment_does_not_open(hub: Hub, stream: Stream) -> None:
    """There is no place to open at."""
    hub.publish(Attach(ORIGIN, lambda place: pytest.fail("opened")), Outcome(error=Unavailable("UNAVAILABLE", "")))


def test_a_change_tells_of_the_call_that_made_it(hub: Hub, stream: Stream) -> None:
    """Trace id and correlation id reach every reader."""
    hub.join(stream, "u", {"c": 0})
    hub.announce(change(TYPING, body=typing_body("u", None, "")))
    told = stream.deliveries[0].change
    assert (told.trace_id, told.correlation_id) == ("0af7651916cd43dd8448eb211c80319c", "correlation")
    assert (told.actor_id, told.event_id, told.pos) == ("actor", "c:1", 1)
    assert stream.deliveries[0].size == told.ByteSize()


def test_what_others_commit_reaches_the_streams_that_hear_of_it_here(hub: Hub, stream: Stream) -> None:
    """By membership, as what is committed here does; gateways hear of it from the others themselves."""
    own_stream, excepted = Stream(hears_peers=True), Stream(hears_peers=True)
    hub.join(stream, "u", {"c": 0})
    hub.join(own_stream, "u", {"c": 0})
    hub.join(excepted, "v", {"c": 0})
    told = pb.Change(type=MESSAGE_NEW, conversation_id="c", pos=1)
    hub.tell(RelayEvent(change=told, except_user_id="v"))
    hub.tell(RelayEvent(change=told, user_id="u"))
    hub.tell(RelayEvent(change=pb.Change(conversation_id="other", pos=1)))
    assert own_stream.got() == [(MESSAGE_NEW, ""), (MESSAGE_NEW, "u")]
    assert (stream.got(), excepted.got()) == ([], [])


def test_followers_are_told_of_all_memberships(hub: Hub, stream: Stream) -> None:
    """Of whoever, attached or not."""
    hub.follow(stream)
    hub.announce(own(CONVERSATION_ADDED, "u"))
    hub.announce(own("unread-updated", "u"))
    hub.announce(own(CONVERSATION_REMOVED, "v"))
    hub.unfollow(stream)
    hub.announce(own(CONVERSATION_ADDED, "w"))
    assert stream.moves == [("u", "c", 1, True), ("v", "c", 1, False)]


def test_memberships_that_others_tell_of_decide_what_is_delivered(hub: Hub, stream: Stream) -> None:
    """The latest counts, in whatever order they come; what was known when the user was attached is old."""
    hub.join(stream, "u", {"c": 0}, as_of=3)
    hub.move("u", "c", 3, is_member=False)
    hub.move("u", "d", 5, is_member=False)
    hub.move("u", "d", 4, is_member=True)
    hub.move("u", "e", 6, is_member=True)
    hub.move("nobody", "c", 1, is_member=True)
    for conversation_id in "cde":
        hub.announce(change(conversation_id=conversation_id))
    assert [d.change.conversation_id for d in stream.deliveries] == ["c", "e"]


def test_memberships_that_are_read_replace_what_is_known(hub: Hub, stream: Stream) -> None:
    """Except where something later is known already."""
    hub.join(stream, "u", {"a": 0, "b": 0}, as_of=1)
    hub.move("u", "d", 9, is_member=True)
    hub.reread("u", {"b", "c"}, 5)
    hub.reread("nobody", {"a"}, 5)
    hub.move("u", "a", 5, is_member=True)
    for conversation_id in "abcd":
        hub.announce(change(conversation_id=conversation_id))
    assert [d.change.conversation_id for d in stream.deliveries] == ["b", "c", "d"]
    assert hub.users() == ["u"]
