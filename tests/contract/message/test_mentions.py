"""What every journal promises about whom a message calls."""

from typing import Any

import pytest
from sqlalchemy import event, insert, select

from mesh.database import Database
from services.message.conversations.domain import Role
from services.message.messages.domain import NOBODY, EditMessage, Mentions, Message, UndeleteMessage
from services.message.messages.store import MessageStore
from services.message.tables import group_members, groups, mentions
from tests.contract.message.desk import HERE, A, B, C, Clock, D, Desk, as_


async def rows(database: Database) -> list[tuple[str, int]]:
    """Who is called, and by which number."""
    query = select(mentions.c.user_id, mentions.c.seq).order_by(mentions.c.seq, mentions.c.user_id)
    return await database.read(lambda connection: [tuple(row) for row in connection.execute(query)])


@pytest.fixture
async def people(database: Database, clock: Clock) -> str:
    """A group of B, C and D in the workspace."""
    group = {"id": "people", "workspace_id": HERE, "handle": "people", "name": "p"}
    moments = {"created_at": clock(), "updated_at": clock()}
    who = [{"group_id": "people", "workspace_id": HERE, "user_id": user_id} for user_id in (B, C, D)]

    def work(connection: Any) -> None:
        connection.execute(insert(groups), {**group, **moments})
        connection.execute(insert(group_members), who)

    await database.write(work)
    return "people"


async def test_only_those_are_called_who_are_there(desk: Desk, database: Database, people: str) -> None:
    """By name, and as one of a group; never whoever writes."""
    await desk.group(A, B, C)
    await desk.group(B, id_="other")
    message = await desk.sent(B, mentions=Mentions((A, B, D, "stranger"), (people, "no group")))
    assert message.mentions == Mentions((A, B), (people,))
    assert await rows(database) == [(A, 1), (C, 1)]
    alone = await desk.sent(B, to="other", mentions=Mentions((A,), (people,)))
    assert alone.mentions == Mentions((), (people,))
    nobody = await desk.sent(A, mentions=Mentions((D,)))
    assert nobody.mentions == NOBODY
    assert await rows(database) == [(A, 1), (C, 1)]


async def test_whoever_calls_everybody_calls_nobody_by_name(
    desk: Desk, database: Database, messages: MessageStore
) -> None:
    """It takes the role that the conversation asks for."""
    await desk.group(A, B, C)
    message = await desk.sent(A, mentions=Mentions((B,), here=True))
    assert (await messages.get(as_(B), message.id)).mentions == Mentions((B,), here=True)
    assert await rows(database) == []
    assert await desk.refusal(desk.send(B, mentions=Mentions(all=True))) == "ROLE_TOO_LOW"


async def test_an_edit_calls_others_only_when_it_says_so(desk: Desk, database: Database) -> None:
    """A repeat of it is no edit."""
    await desk.group(A, B, C)
    message = await desk.sent(A, "one", mentions=Mentions((B,)))
    await desk.result(desk.edit(A, message.id, "two"))
    assert await rows(database) == [(B, 1)]
    other = EditMessage(desk.origin(A), message.id, "two", mentions=Mentions((C, D)))
    edited: Message = await desk.result(other)
    assert (edited.mentions, edited.version) == (Mentions((C,)), 3)
    assert await rows(database) == [(C, 1)]
    (again,) = await desk.do(other)
    assert (again.result, again.changes) == (edited, ())
    assert (await desk.result(EditMessage(desk.origin(A), message.id, "two", mentions=NOBODY))).mentions == NOBODY
    assert await rows(database) == []


async def test_a_deleted_message_calls_nobody_until_it_is_back(desk: Desk, database: Database, people: str) -> None:
    """Then those who are there now."""
    await desk.group(A, B, C)
    message = await desk.sent(A, mentions=Mentions((B,), (people,)))
    await desk.do(desk.delete(A, message.id), desk.remove(A, C), desk.add(A, D))
    assert await rows(database) == []
    back = await desk.result(UndeleteMessage(desk.origin(A), message.id))
    assert back.mentions == message.mentions
    assert await rows(database) == [(B, 1), (D, 1)]


async def test_calling_costs_the_same_statements_however_many_call(desk: Desk, database: Database, people: str) -> None:
    """Those of a send, one more for groups, and one for what is written; none of it for messages that call nobody."""
    await desk.group(A, B, C)
    statements: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement.split()[0])

    for size in (1, 50):
        statements.clear()
        await desk.do(*[desk.send(sender, mentions=Mentions((A, C), (people,))) for sender in (A, B) * size])
        assert [word for word in statements if word != "BEGIN"] == ["SELECT"] * 4 + ["INSERT"] * 3 + ["UPDATE"]


async def test_guests_can_be_called(desk: Desk, database: Database) -> None:
    """Everybody who reads can."""
    await desk.group(A)
    await desk.result(desk.add(A, B, role=Role.GUEST))
    await desk.sent(A, mentions=Mentions((B,)))
    assert await rows(database) == [(B, 1)]
