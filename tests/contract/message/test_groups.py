"""What every journal and store keeps of groups of people."""

import asyncio

import pytest

from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.groups.domain import CreateGroup, DeleteGroup, UpdateGroup
from services.message.groups.store import GroupStore
from services.message.groups.store_sql import SqlGroupStore
from services.message.writer import Writer
from tests.contract.message.desk import ELSEWHERE, A, B, C, Desk, as_, told


@pytest.fixture
def groups(database: Database) -> GroupStore:
    return SqlGroupStore(database)


def create(desk: Desk, handle: str, *user_ids: str, id_: str = "p") -> CreateGroup:
    return CreateGroup(desk.origin(A), id_, handle, handle.title(), user_ids)


def update(desk: Desk, name: str | None = None, user_ids: tuple[str, ...] | None = None) -> UpdateGroup:
    return UpdateGroup(desk.origin(A), "p", name, user_ids)


async def test_a_group_is_told_to_whom_it_concerns(desk: Desk) -> None:
    """Who comes and who goes; all when the name is another; a repeat is no change."""
    (outcome,) = await desk.do(create(desk, "crew", A, B))
    assert told(outcome) == [("group-updated", 0, A, 1), ("group-updated", 0, B, 1)]
    (outcome,) = await desk.do(update(desk, user_ids=(B, C)))
    assert told(outcome) == [("group-updated", 0, C, 1), ("group-updated", 0, A, 2)]
    (again,) = await desk.do(update(desk, "Crew", (C, B)))
    assert (again.changes, again.result.user_ids) == ((), (B, C))
    (outcome,) = await desk.do(update(desk, "Gang"))
    assert told(outcome) == [("group-updated", 0, B, 2), ("group-updated", 0, C, 2)]
    (outcome,) = await desk.do(DeleteGroup(desk.origin(A), "p"))
    assert told(outcome) == [("group-updated", 0, B, 3), ("group-updated", 0, C, 3)]
    assert await desk.refusal(DeleteGroup(desk.origin(A), "p")) == "GROUP_NOT_FOUND"
    assert await desk.refusal(update(desk, "x")) == "GROUP_NOT_FOUND"


async def test_changes_of_a_group_in_one_batch_are_told_in_order(desk: Desk) -> None:
    """Also to those who came and went within it."""
    outcomes = await desk.do(
        create(desk, "crew", A),
        update(desk, user_ids=(B,)),
        update(desk, user_ids=(C,)),
        DeleteGroup(desk.origin(A), "p"),
    )
    assert [[user_id for _, _, user_id, _ in told(outcome)] for outcome in outcomes] == [[A], [B, A], [C, B], [C]]


async def test_a_handle_is_one_groups(desk: Desk) -> None:
    """In its workspace, also when several processes want it at once."""
    metrics = Metrics(new_registry())
    async with (
        Writer(desk.journal, lambda command, outcome: None, metrics) as one,
        Writer(desk.journal, lambda command, outcome: None, metrics) as other,
    ):
        wanted = [(one, other)[i % 2].submit(create(desk, "crew", id_=f"p{i}")) for i in range(4)]
        ends = await asyncio.gather(*wanted, return_exceptions=True)
    reasons = [getattr(end, "reason", "") for end in ends]
    assert sorted(reasons) == ["", "GROUP_TAKEN", "GROUP_TAKEN", "GROUP_TAKEN"]
    await Desk(desk.journal, ELSEWHERE).result(create(Desk(desk.journal, ELSEWHERE), "crew", id_="other"))


async def test_groups_are_read_with_their_members(desk: Desk, groups: GroupStore) -> None:
    """By handle; to another workspace they do not exist."""
    await desk.do(create(desk, "b", C, B, id_="p1"), create(desk, "a", id_="p2"), create(desk, "c", A, id_="p3"))
    assert (await groups.get(as_(B), "p1")).user_ids == (B, C)
    page = await groups.page(as_(B), None, 2)
    assert [(filled.group.handle, filled.user_ids) for filled in page.items] == [("a", ()), ("b", (B, C))]
    rest = await groups.page(as_(B), Place(("b",), back=False), 2)
    assert [filled.group.handle for filled in rest.items] == ["c"]
    with pytest.raises(NotFound, match="GROUP_NOT_FOUND"):
        await groups.get(as_(A, ELSEWHERE), "p1")
    assert not (await groups.page(as_(A, ELSEWHERE), None, 2)).items
