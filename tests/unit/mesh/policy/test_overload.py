"""What is refused when a process cannot keep up."""

import pytest

from chat.message.v1 import feed_service_pb2, message_service_pb2, reaction_service_pb2, search_service_pb2
from chat.user.v1 import revocation_service_pb2, session_service_pb2
from mesh.errors import Unavailable
from mesh.policy.overload import SAMPLES, Overload

CONTRACTS = (
    feed_service_pb2,
    message_service_pb2,
    reaction_service_pb2,
    search_service_pb2,
    revocation_service_pb2,
    session_service_pb2,
)
"""Imported, so that their methods are known."""
TYPING = "/chat.message.v1.FeedService/StartTyping"
SEARCH = "/chat.message.v1.SearchService/SearchMessages"
READ = "/chat.message.v1.MessageService/GetMessage"
REACT = "/chat.message.v1.ReactionService/AddReaction"
SEND = "/chat.message.v1.MessageService/SendMessage"
LOGIN = "/chat.user.v1.SessionService/Login"
INNER = "/chat.user.v1.RevocationService/GetRevocations"
HEALTH = "/grpc.health.v1.Health/Check"


def waiting(*seconds: float) -> Overload:
    overload = Overload()
    for wait in seconds:
        overload.observe(wait)
    return overload


def refused(overload: Overload) -> list[str]:
    found = []
    for method in (TYPING, SEARCH, READ, REACT, SEND, LOGIN, INNER, HEALTH):
        try:
            overload.check(method)
        except Unavailable:
            found.append(method)
    return found


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, []),
        (0.099, []),
        (0.1, [TYPING]),
        (0.25, [TYPING, SEARCH]),
        (0.5, [TYPING, SEARCH, READ]),
        (1.0, [TYPING, SEARCH, READ, REACT]),
        (2.0, [TYPING, SEARCH, READ, REACT, SEND, LOGIN]),
        (60.0, [TYPING, SEARCH, READ, REACT, SEND, LOGIN]),
    ],
)
def test_the_least_important_goes_first(seconds: float, expected: list[str]) -> None:
    """A send outlasts all but what holds the installation together."""
    assert refused(waiting(*[seconds] * SAMPLES)) == expected


def test_a_moment_is_no_overload() -> None:
    """Unless it lasts."""
    assert refused(waiting(*[5.0] * (SAMPLES - 1))) == []
    assert refused(waiting(*[5.0] * SAMPLES, 0.0)) == []


def test_whoever_is_refused_hears_when_to_come_again() -> None:
    """In a second."""
    with pytest.raises(Unavailable) as caught:
        waiting(*[1.0] * SAMPLES).check(TYPING)
    assert (caught.value.reason, caught.value.retry_after_s) == ("OVERLOADED", 1)
