"""How much is left, in words."""

from mesh.limits.headers import Left, read, tightest, written
from mesh.limits.limiter import SECOND_NS, Decision, Policy

SEND = Policy("send", "user", burst=50, interval_ns=SECOND_NS // 10)
ROOM = Policy("send", "conversation", burst=100, interval_ns=SECOND_NS // 30)


def test_the_form_is_that_of_the_draft() -> None:
    """One call of fifty was made; ten come back a second."""
    left = Left.of(Decision(SEND, level_ns=SECOND_NS // 10, wait_ns=0))
    assert written([left]) == {"ratelimit": '"send";r=49;t=1', "ratelimit-policy": '"send";q=50;w=5'}


def test_what_is_written_is_read_back() -> None:
    """Several limits stand in one line, in their order."""
    limits = [Left("edge", 199, 1, 200, 4), Left("send", 0, 5, 50, 5)]
    assert read(written(limits)) == limits


def test_what_is_no_limit_is_passed_over() -> None:
    """Nothing is made of half a limit, or of what another program wrote."""
    assert read({}) == []
    assert read({"ratelimit": '"send";r=49;t=1'}) == []
    assert read({"ratelimit": "limit=10, remaining=9", "ratelimit-policy": '"send";q=50;w=5'}) == []


def test_the_tightest_is_the_one_that_refuses_first() -> None:
    """And of those that refuse, the one that does for longest."""
    nearly, plenty = Decision(SEND, SEND.capacity_ns - SEND.interval_ns, 0), Decision(ROOM, 0, 0)
    assert tightest([plenty, nearly]) is nearly
    refused, longer = Decision(ROOM, ROOM.capacity_ns, 5), Decision(SEND, SEND.capacity_ns, 7)
    assert tightest([nearly, refused, longer]) is longer
