"""What every SessionStore does. How tokens follow each other is tested with the rules."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from chat.event.v1.user_events_pb2 import Activity, UserActivity
from mesh.audit.entry import entry
from mesh.audit.log import Trail
from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.user.accounts.store import AccountStore
from services.user.outbox_sql import SqlOutbox
from services.user.revocations.store_sql import SqlRevocationStore
from services.user.sessions.domain import Ended, RefreshToken, Renewed, Reused
from services.user.sessions.store import SessionStore
from services.user.sessions.writes_sql import end_sessions
from services.user.tables import users
from tests.contract.user.samples import NOW, account, session

LATER = NOW + timedelta(minutes=10)
ANNA, BEA = ("default", "id-of-anna"), ("default", "id-of-bea")


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
        await sessions.log_out(*ANNA, session_id, LATER)
    assert await sessions.present(token_one, LATER) == Ended()
    assert isinstance(await sessions.present(token_two, LATER), Renewed)


async def test_each_change_has_one_event(sessions: SessionStore, outbox: SqlOutbox) -> None:
    """Log-in, log-out and revocation, at places without a gap; refreshes and repeats have none."""
    (one, _), (two, token) = session("s-1"), session("s-2")
    await sessions.add(one)
    await sessions.add(two)
    await sessions.log_out(*ANNA, "s-1", LATER)
    await sessions.log_out(*ANNA, "s-1", LATER)
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


async def test_no_session_begins_for_who_is_shut_out(sessions: SessionStore, database: Database) -> None:
    """Nor in another workspace; and whoever is shut out while one goes on gets no more tokens."""
    opened, token = session()
    assert await sessions.add(opened)
    assert not await sessions.add(replace(session("s-2")[0], workspace_id="other"))
    await database.write(lambda connection: connection.execute(update(users).values(is_active=False)))
    assert not await sessions.add(session("s-3")[0])
    assert await sessions.present(token, LATER) == Ended()


async def test_no_session_begins_by_a_password_that_was_replaced(sessions: SessionStore) -> None:
    """In the moment between its proof and the log-in."""
    assert await sessions.add(session("s-1")[0], "hash")
    assert not await sessions.add(session("s-2")[0], "older hash")


async def test_whatever_ends_a_session_revokes_it(
    sessions: SessionStore, accounts: AccountStore, database: Database
) -> None:
    """Once each: logging out, its owner, a token used again, and the end of all."""
    await accounts.add(account("bea"), "hash")
    opened = [session(f"s-{n}") for n in range(5)]
    for one, _ in opened:
        await sessions.add(one)
    await sessions.add(session("b-1", "id-of-bea")[0])
    for _ in range(2):
        await sessions.log_out(*ANNA, "s-0", LATER)
        await sessions.revoke(*ANNA, "s-1", LATER)
    token = opened[2][1]
    for _ in range(2):
        outcome = await sessions.present(token, LATER)
    assert isinstance(outcome, Renewed)
    await sessions.present(outcome.successor, LATER)
    assert isinstance(await sessions.present(token, LATER), Reused)
    assert await revoked(database) == ["s-0", "s-1", "s-2"]
    assert await sessions.revoke_all(*ANNA, LATER, "s-4") == 1
    assert await sessions.revoke_all(*ANNA, LATER, None) == 1
    assert await sessions.revoke_all(*ANNA, LATER, None) == 0
    assert await revoked(database) == ["s-0", "s-1", "s-2", "s-3", "s-4"]


async def test_only_ones_own_sessions_can_be_revoked(
    sessions: SessionStore, accounts: AccountStore, database: Database
) -> None:
    """To others there is no such session, and none ends."""
    await accounts.add(account("bea"), "hash")
    await sessions.add(session()[0])
    for user, session_id in ((BEA, "s-1"), (("other", "id-of-anna"), "s-1"), (ANNA, "s-2")):
        with pytest.raises(NotFound, match="SESSION_NOT_FOUND"):
            await sessions.revoke(*user, session_id, LATER)
    await sessions.log_out(*BEA, "s-1", LATER)
    assert await sessions.revoke_all(*BEA, LATER, None) == 0
    assert await revoked(database) == []


async def test_lists_what_is_open(sessions: SessionStore, accounts: AccountStore) -> None:
    """Newest first, by pages there and back; not what has ended, nor what is others'."""
    await accounts.add(account("bea"), "hash")
    for n in range(6):
        await sessions.add(session(f"s-{n}")[0])
    await sessions.add(session("b-1", "id-of-bea")[0])
    await sessions.log_out(*ANNA, "s-3", LATER)
    first = await sessions.page(*ANNA, LATER, None, 2)
    assert ([one.id for one in first.items], first.has_prev, first.has_next) == (["s-5", "s-4"], False, True)
    second = await sessions.page(*ANNA, LATER, Place(("s-4",), back=False), 10)
    assert ([one.id for one in second.items], second.has_prev, second.has_next) == (["s-2", "s-1", "s-0"], True, False)
    back = await sessions.page(*ANNA, LATER, Place(("s-2",), back=True), 10)
    assert [one.id for one in back.items] == ["s-5", "s-4"]
    assert (await sessions.page(*ANNA, NOW + timedelta(days=30), None, 10)).items == []


async def test_all_that_happens_to_sessions_is_noted(sessions: SessionStore, database: Database, trail: Trail) -> None:
    """With whose it is, and which session."""
    opened, token = session()
    await sessions.add(opened)
    await sessions.add(session("s-2")[0])
    await sessions.refuse(entry("session.refused", at=NOW, workspace_id="default", result="INVALID_CREDENTIALS"))
    for _ in range(2):
        outcome = await sessions.present(token, LATER)
    assert isinstance(outcome, Renewed)
    await sessions.present(outcome.successor, LATER)
    await sessions.present(token, LATER)
    await sessions.add(session("s-3")[0])
    await sessions.log_out(*ANNA, "s-2", LATER)
    await sessions.revoke_all(*ANNA, LATER, None)
    log = trail.log.c
    query = select(log.action, log.result, log.workspace_id, log.actor_id, log.subject_id, log.detail)
    found = await database.read(lambda connection: connection.execute(query.order_by(log.seq)).all())
    by_anna = ("ok", "default", "id-of-anna", "id-of-anna")
    assert [(*row[:-1], json.loads(row[-1])) for row in found if row[0].startswith("session.")] == [
        ("session.opened", *by_anna, {"session": "s-1"}),
        ("session.opened", *by_anna, {"session": "s-2"}),
        ("session.refused", "INVALID_CREDENTIALS", "default", "", "", {}),
        ("session.token_reused", "ok", "default", "", "id-of-anna", {"session": "s-1"}),
        ("session.opened", *by_anna, {"session": "s-3"}),
        ("session.ended", *by_anna, {"session": "s-2"}),
        ("session.ended", *by_anna, {"sessions": "1"}),
    ]


async def test_log_ins_and_the_end_of_all_do_not_miss_each_other(
    sessions: SessionStore, accounts: AccountStore, database: Database
) -> None:
    """While somebody is shut out, others log in and refresh: no session and no token is left, and nothing hangs."""
    opened, token = session("s-0")
    await sessions.add(opened)

    def shut_out(connection: Connection) -> list[str]:
        connection.execute(update(users).where(users.c.id == ANNA[1]).values(is_active=False))
        return end_sessions(connection, *ANNA, LATER)

    results = await asyncio.gather(
        *(sessions.add(session(f"s-{n}")[0]) for n in range(1, 11)),
        *(sessions.present(token, LATER) for _ in range(10)),
        database.write(shut_out),
        *(sessions.add(session(f"t-{n}")[0]) for n in range(1, 11)),
        *(sessions.log_out(*ANNA, "s-0", LATER) for _ in range(3)),
    )
    begun = {f"s-{n}" for n, kept in enumerate(results[:10], 1) if kept}
    begun |= {f"t-{n}" for n, kept in enumerate(results[21:31], 1) if kept}
    assert set(await revoked(database)) == begun | {"s-0"}
    assert (await sessions.page(*ANNA, LATER, None, 100)).items == []


async def revoked(database: Database) -> list[str]:
    frame = await SqlRevocationStore(database).after(0, NOW, 1000)
    return [item.session_id for item in frame.items]
