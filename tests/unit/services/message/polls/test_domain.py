"""Rules of polls: what can be chosen, until when, and what a message shows of it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Invalid, NotFound, WrongState
from services.message.command import Origin
from services.message.messages.domain import Message, Poll, PollOption, check_poll
from services.message.polls.domain import (
    MAX_NAMED,
    check_open,
    chosen,
    is_closed,
    poll_of,
    refilled,
    short,
    told_by,
    voted,
)
from services.message.reports.domain import Category, ReportMessage, reported
from services.message.search.domain import text_of

AT = datetime(2026, 5, 1, tzinfo=UTC)
SOON = AT + timedelta(seconds=1)
POLL = Poll("which?", (PollOption("a"), PollOption("b"), PollOption("c")))
MESSAGE = Message("m", "w", "c", 1, "author", "k", "", "", {}, 1, AT, poll=POLL)
IDS = ["1", "2", "3"]


def results(message: Message) -> list[int]:
    return [option.votes for option in poll_of(message).options]


def test_only_what_is_offered_can_be_chosen() -> None:
    """One of it, unless the poll takes several."""
    assert chosen(POLL, []) == frozenset()
    assert chosen(POLL, ["3"]) == {"3"}
    assert chosen(replace(POLL, multiple=True), ["1", "3"]) == {"1", "3"}
    for wrong in (["0"], ["4"], ["-1"], ["x"], ["01"], ["1", "2"], ["1", "4"]):
        with pytest.raises(Invalid, match="INVALID_REQUEST"):
            chosen(POLL, wrong)


def test_a_poll_is_open_until_its_time_or_until_somebody_closes_it() -> None:
    assert not is_closed(POLL, AT)
    assert [is_closed(replace(POLL, closes_at=SOON), at) for at in (AT, SOON)] == [False, True]
    check_open(replace(POLL, closes_at=SOON), AT)
    for poll in (replace(POLL, closes_at=AT), replace(POLL, closed_at=AT), replace(POLL, closed_at=AT, closes_at=SOON)):
        with pytest.raises(WrongState, match="POLL_CLOSED"):
            check_open(poll, AT)


def test_no_poll_begins_closed() -> None:
    for poll in (None, POLL, replace(POLL, closes_at=SOON)):
        check_poll(poll, AT)
    with pytest.raises(Invalid, match="closes_at"):
        check_poll(replace(POLL, closes_at=AT), AT)


def test_a_message_has_one_or_has_none() -> None:
    with pytest.raises(NotFound, match="POLL_NOT_FOUND"):
        poll_of(replace(MESSAGE, poll=None))
    with pytest.raises(WrongState, match="MESSAGE_DELETED"):
        poll_of(replace(MESSAGE, poll=None, deleted_at=AT))


def test_a_vote_changes_the_etag_and_not_the_version() -> None:
    after = voted(MESSAGE, "u", set(), {"1"})
    assert (after.version, after.revision) == (1, 2)
    assert refilled(after, "1", ["u"]) == after


def test_an_anonymous_poll_names_nobody() -> None:
    """Neither in what it shows nor in what its changes tell."""
    hidden = replace(POLL, anonymous=True)
    message = voted(replace(MESSAGE, poll=hidden), "u", set(), {"2"})
    assert (results(message), poll_of(message).voter_count) == ([0, 1, 0], 1)
    assert poll_of(message).options[1].user_ids == ()
    assert short(poll_of(message)) == []
    origin = Origin("u", "w", "correlation", "trace")
    assert told_by(hidden, origin) == Origin(workspace_id="w")
    assert told_by(POLL, origin) is origin


@given(
    votes=st.lists(st.tuples(st.integers(0, 70), st.sets(st.sampled_from(IDS))), max_size=150),
    anonymous=st.booleans(),
)
def test_results_equal_their_definition(votes: list[tuple[int, set[str]]], anonymous: bool) -> None:
    """Whoever votes how often: what counts is the last choice of each."""
    message = replace(MESSAGE, poll=replace(POLL, multiple=True, anonymous=anonymous))
    choices: dict[str, set[str]] = {}
    orders: dict[str, list[str]] = {id_: [] for id_ in IDS}
    for number, after in votes:
        user_id, before = f"u{number}", choices.get(f"u{number}", set())
        message = voted(message, user_id, before, after)
        choices[user_id] = after
        for id_ in IDS:
            if id_ in before - after:
                orders[id_].remove(user_id)
            elif id_ in after - before:
                orders[id_].append(user_id)
        for id_ in short(poll_of(message)):
            message = refilled(message, id_, orders[id_][:MAX_NAMED])
    counts = Counter(id_ for choice in choices.values() for id_ in choice)
    poll = poll_of(message)
    assert results(message) == [counts[id_] for id_ in IDS]
    assert poll.voter_count == sum(map(bool, choices.values()))
    named = [[] if anonymous else orders[id_][:MAX_NAMED] for id_ in IDS]
    assert [list(option.user_ids) for option in poll.options] == named


def test_what_a_poll_asks_is_found_and_reported() -> None:
    """Like everything that a message says."""
    assert text_of(replace(MESSAGE, text="see")) == "see\nwhich?\na\nb\nc"
    report = ReportMessage(Origin("u", "w"), "r", "m", Category.SPAM, "")
    assert reported(MESSAGE, report, AT).text == "which?\na\nb\nc"
