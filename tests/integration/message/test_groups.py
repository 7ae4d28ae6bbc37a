"""Groups of people, as clients of GroupService see them."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from uuid_utils.compat import uuid7

from chat.message.v1 import group_pb2
from chat.message.v1 import group_service_pb2 as pb
from mesh.errors import Conflict, Error, Invalid, NotFound
from tests.integration.message.world import World


@pytest.fixture
def chief(world: World) -> str:
    """An admin of the workspace."""
    user_id = world.users.add("chief")
    world.users.admins.add(user_id)
    return user_id


async def create(world: World, user_id: str, handle: str, *user_ids: str, name: str = "Crew") -> group_pb2.Group:
    request = pb.CreateGroupRequest(handle=handle, name=name, user_ids=user_ids)
    return (await world.ask(world.groups.CreateGroup, request, user_id)).group


async def update(world: World, user_id: str, id_: str, **fields: Any) -> group_pb2.Group:
    return (await world.ask(world.groups.UpdateGroup, pb.UpdateGroupRequest(id=id_, **fields), user_id)).group


async def test_a_group_lives(world: World, chief: str, anna: str, bela: str) -> None:
    """Made, changed as the mask says, and removed; each is told to whom it concerns, without the list of members."""
    async with world.subscribe(anna) as feed:
        await feed.ready()
        group = await create(world, chief, "crew", anna)
        assert await update(world, chief, group.id, name="Gang", update_mask=FieldMask(paths=["user_ids"])) != group
        with_both = await update(world, chief, group.id, name="Gang", user_ids=[bela, anna])
        await world.ask(world.groups.DeleteGroup, pb.DeleteGroupRequest(id=group.id), chief)
        told = [change.data.group for change in await feed.changes(4)]
    assert [(g.name, g.deleted, len(g.user_ids)) for g in told] == [
        ("Crew", False, 0),
        ("Crew", True, 0),
        ("Gang", False, 0),
        ("Gang", True, 0),
    ]
    assert (with_both.name, list(with_both.user_ids)) == ("Gang", sorted([anna, bela]))
    with pytest.raises(NotFound, match="GROUP_NOT_FOUND"):
        await world.ask(world.groups.GetGroup, pb.GetGroupRequest(id=group.id), anna)


async def test_groups_are_read_by_all_and_changed_by_admins(world: World, chief: str, anna: str) -> None:
    """Of the workspace, and of no other one."""
    groups = [await create(world, chief, handle, anna) for handle in ("b-team", "a.team", "c_team")]
    listed = await world.ask(world.groups.ListGroups, pb.ListGroupsRequest(limit=2), anna)
    rest = await world.ask(world.groups.ListGroups, pb.ListGroupsRequest(cursor=listed.page.next_cursor), anna)
    assert [*listed.items, *rest.items] == sorted(groups, key=lambda group: group.handle)
    get = pb.GetGroupRequest(id=groups[0].id)
    assert (await world.ask(world.groups.GetGroup, get, anna)).group == groups[0]
    with pytest.raises(Error, match="PERMISSION_DENIED"):
        await create(world, anna, "mine")
    xavi = world.users.add("xavi", "elsewhere")
    world.users.admins.add(xavi)
    with pytest.raises(NotFound, match="GROUP_NOT_FOUND"):
        await update(world, xavi, groups[0].id, name="x")
    assert not (await world.ask(world.groups.ListGroups, pb.ListGroupsRequest(), xavi)).items


async def test_what_makes_no_group_is_refused(world: World, chief: str, anna: str) -> None:
    """A handle that is taken or none, and people who are not there."""
    await create(world, chief, "crew")
    with pytest.raises(Conflict, match="GROUP_TAKEN"):
        await create(world, chief, "crew")
    for handle in ("x", "Crew", "-crew", "c" * 33, "cr ew"):
        with pytest.raises(Invalid, match="INVALID_REQUEST"):
            await create(world, chief, handle)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await create(world, chief, "other", str(uuid7()), anna)


async def test_a_thousand_are_mentioned_together(world: World, chief: str) -> None:
    """And a page of such groups ends before it is too large for an answer."""
    user_ids = [world.users.add(f"u{i}") for i in range(1000)]
    for i in range(60):
        await create(world, chief, f"crew{i:02}", *user_ids)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await world.ask(world.groups.ListGroups, pb.ListGroupsRequest(limit=100, cursor=cursor), chief)
        assert page.ByteSize() < 4 << 20
        seen += [group.handle for group in page.items]
        cursor = page.page.next_cursor
        if not cursor:
            break
    assert seen == [f"crew{i:02}" for i in range(60)]
