"""Writers that want the same things in opposite orders wait for each other, but never each for the other."""

import asyncio
from collections.abc import Sequence
from itertools import chain

import pytest
from sqlalchemy import event

from mesh.database import Database
from services.message.command import Command
from tests.contract.message.desk import A, B, Desk

ROUNDS = 20
GROUPS = [f"g{i}" for i in range(6)]


@pytest.fixture
def undone(database: Database) -> list[object]:
    """Transactions that were rolled back. One that lost in a deadlock is done again, so that nobody else notices."""
    found: list[object] = []
    event.listen(database.engine, "rollback", found.append)
    return found


async def write(desk: Desk, *batches: Sequence[Command]) -> None:
    outcomes = await asyncio.gather(*[desk.do(*batch) for batch in batches])
    assert [outcome.error for outcome in chain(*outcomes) if outcome.error] == []


async def test_conversations_in_opposite_orders(desk: Desk, undone: list[object]) -> None:
    """Whatever is done to them."""
    for id_ in GROUPS:
        await desk.group(A, id_=id_)
    messages = {id_: await desk.sent(A, to=id_) for id_ in GROUPS}
    for number in range(ROUNDS):
        sends = [desk.send(A, to=id_) for id_ in GROUPS]
        renames = [desk.rename(A, f"name {number}", id_=id_) for id_ in reversed(GROUPS)]
        edits = [desk.edit(A, messages[id_].id, f"text {number}") for id_ in reversed(GROUPS)]
        await write(desk, sends, renames, edits)
    assert undone == []


async def test_own_logs_in_opposite_orders(desk: Desk, undone: list[object]) -> None:
    """Though the writers have no conversation in common."""
    for id_ in GROUPS:
        await desk.group(A, B, id_=id_)
        await desk.do(desk.send(A, to=id_), desk.send(B, to=id_))
    for seq in range(1, ROUNDS):
        await desk.do(*[desk.send(user, to=id_) for id_ in GROUPS for user in (A, B)])
        one = [desk.read(user, 2 * seq, in_=id_) for user, id_ in ((A, "g0"), (B, "g1"), (A, "g2"))]
        other = [desk.read(user, 2 * seq, in_=id_) for user, id_ in ((B, "g3"), (A, "g4"), (B, "g5"))]
        await write(desk, one, other)
    assert undone == []
