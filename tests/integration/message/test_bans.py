"""Bans, as clients of BanService see them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from uuid_utils.compat import uuid7

from chat.message.v1 import ban_pb2
from chat.message.v1 import ban_service_pb2 as pb
from chat.message.v1 import conversation_service_pb2 as conversations_pb
from mesh.errors import Forbidden, Invalid, NotFound
from tests.integration.message.world import World


async def ban(world: World, user_id: str, conversation_id: str, whom: str, **fields: Any) -> ban_pb2.Ban:
    request = pb.BanUserRequest(conversation_id=conversation_id, user_id=whom, **fields)
    return (await world.ask(world.bans.BanUser, request, user_id)).ban


async def listed(world: World, user_id: str, conversation_id: str) -> list[ban_pb2.Ban]:
    request = pb.ListBansRequest(conversation_id=conversation_id)
    return list((await world.ask(world.bans.ListBans, request, user_id)).items)


async def test_a_member_is_banned(world: World, anna: str, bela: str, cleo: str) -> None:
    """Out at once, and told in their own log only; the others see who, and not why."""
    group = await world.create(anna, bela, cleo)
    async with world.subscribe(bela) as at_bela, world.subscribe(cleo) as at_cleo:
        await at_bela.ready(), await at_cleo.ready()
        made = await ban(world, anna, group.id, bela, reason="spam")
        (removed,) = await at_bela.changes(1)
        told = await at_cleo.changes(2)
        await world.send(anna, group.id)
        assert (await at_cleo.change()).type == "message-new"
    assert removed.type == "conversation-removed"
    assert [change.type for change in told] == ["member-removed", "member-banned"]
    assert (told[1].data.ban.user.username, told[1].data.ban.reason) == ("bela", "")
    assert (made.user.username, made.banned_by.username, made.reason) == ("bela", "anna", "spam")
    assert await listed(world, anna, group.id) == [made]
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await world.get(bela, group.id)
    with pytest.raises(Forbidden, match="ROLE_TOO_LOW"):
        await listed(world, cleo, group.id)
    add = conversations_pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela])
    with pytest.raises(Forbidden, match="BANNED"):
        await world.ask(world.conversations.AddMembers, add, anna)
    for _ in range(2):
        request = pb.UnbanUserRequest(conversation_id=group.id, user_id=bela)
        await world.ask(world.bans.UnbanUser, request, anna)
    assert len((await world.ask(world.conversations.AddMembers, add, anna)).items) == 1


async def test_a_ban_is_for_somebody_else_who_exists(world: World, anna: str) -> None:
    """And ends in the future."""
    group = await world.create(anna)
    with pytest.raises(Invalid, match="NOT_ONESELF"):
        await ban(world, anna, group.id, anna)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await ban(world, anna, group.id, str(uuid7()))
    dora, past, soon = world.users.add("dora"), Timestamp(seconds=1), Timestamp()
    with pytest.raises(Invalid, match="until"):
        await ban(world, anna, group.id, dora, until=past)
    with pytest.raises(Invalid, match="until"):
        await ban(world, anna, group.id, dora, until=Timestamp(seconds=10**12))
    soon.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    assert (await ban(world, anna, group.id, dora, until=soon)).until == soon
