"""What every SessionStore does. How tokens follow each other is tested with the rules."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chat.event.v1.user_events_pb2 import Activity, UserActivity
from services.user.accounts.store import AccountStore
from services.user.outbox_sql import SqlOutbox
from services.user.sessions.domain import Ended, RefreshToken, Renewed, Reused
from services.user.sessions.store import SessionStore
from tests.contract.user.samples import NOW, account, session

LATER = NOW + timedelta(minutes=10)


@pytest.fixture(autouse=True)
async def anna(accounts: AccountStore) -> None:
    await accounts.add(account("anna"), "hash")


async def activities(outbox: SqlOutbox) -> list[tuple[str, str, int]]:
    rows = [row for row in await outbox.unpublished(100) if row.type == "user.activity"]
    events = [UserActivity.FromString(row.data) for row in rows]
    return [(Activity.Name(event.activity), event.session_id, event.pos) for event in events]


async def test_a_session_comes_back_as_it_was(sessions: SessionStore) -> None:
    """Presenting its first token renews just that session."""
    opened, token = session()
    await sessions.add(opened)
    await sessions.add(session("s-2")[0])
    outcome = await sessions.present(token, LATER)
    assert isinstance(outcome, Renewed)
    assert outcome.session == replace(
        opened, refreshed_at=LATER, expires_at=LATER + timedelta(days=30), next_hash=outcome.successor.hash
    )


async def test_the_beginning_of_a_session_is_the_last_log_in(sessions: SessionStore, accounts: AccountStore) -> None:
    """Seen in the account, which has not changed otherwise."""
    await sessions.add(session()[0])
    found = await accounts.find("default", ["id-of-anna"])
    assert found["id-of-anna"] == replace(account(), last_login=NOW)


async def test_what_becomes_of_a_session_is_kept(sessions: SessionStore) -> None:
    """Over three generations; then the first token ends it, and the newest is void."""
    opened, token = session()
    await sessions.add(opened)
    tokens = [token]
    for _ in range(3):
        outcome = await sessions.present(tokens[-1], LATER)
        assert isinstance(outcome, Renewed)
        tokens.append(outcome.successor)
    assert isinstance(await sessions.present(tokens[0], LATER), Reused)
    assert await sessions.present(tokens[-1], LATER) == Ended()


async def test_an_unknown_token_ends_nothing(sessions: SessionStore) -> None:
    """Made-up tokens find no session."""
    opened, token = session()
    await sessions.add(opened)
    assert await sessions.present(RefreshToken.parse("made.up"), LATER) == Ended()
    assert await sessions.present(RefreshToken(opened.id, token.secret), LATER) == Ended()
    assert isinstance(await sessions.present(token, LATER), Renewed)


async def test_refreshes_at_the_same_time_answer_the_same_token(sessions: SessionStore) -> None:
    """Twenty at once, at the first token and at its successor: one generation each."""
    opened, token = session()
    await sessions.add(opened)
    for _ in range(2):
        outcomes = await asyncio.gather(*(sessions.present(token, LATER) for _ in range(20)))
        successors = {outcome.successor for outcome in outcomes if isinstance(outcome, Renewed)}
        assert len(outcomes) == 20
        assert len(successors) == 1
        token = successors.pop()


async def test_an_ended_session_has_no_more_tokens(sessions: SessionStore) -> None:
    """Ending one leaves the other alone; ending it again, or none, does nothing."""
    (one, token_one), (two, token_two) = session("s-1"), session("s-2")
    await sessions.add(one)
    await sessions.add(two)
    for session_id in ("s-1", "s-1", "unknown"):
        await sessions.end(session_id, LATER)
    assert await sessions.present(token_one, LATER) == Ended()
    assert isinstance(await sessions.present(token_two, LATER), Renewed)


async def test_each_change_has_one_event(sessions: SessionStore, outbox: SqlOutbox) -> None:
    """Log-in, log-out and revocation, at places without a gap; refreshes and repeats have none."""
    (one, _), (two, token) = session("s-1"), session("s-2")
    await sessions.add(one)
    await sessions.add(two)
    await sessions.end("s-1", LATER)
    await sessions.end("s-1", LATER)
    for _ in range(2):
        outcome = await sessions.present(token, LATER)
    assert isinstance(outcome, Renewed)
    await sessions.present(outcome.successor, LATER)
    for _ in range(2):
        await sessions.present(token, LATER)
    assert await activities(outbox) == [
        ("ACTIVITY_LOGIN", "s-1", 2),
        ("ACTIVITY_LOGIN", "s-2", 3),
        ("ACTIVITY_LOGOUT", "s-1", 4),
        ("ACTIVITY_REVOKED", "s-2", 5),
    ]
