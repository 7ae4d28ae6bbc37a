"""Invitations and links, as clients of InviteService see them."""

import asyncio
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from chat.message.v1 import ban_service_pb2 as bans_pb
from chat.message.v1 import conversation_pb2, invite_pb2
from chat.message.v1 import invite_service_pb2 as pb
from mesh.errors import Error, Forbidden, Invalid, NotFound
from tests.integration.message.world import World

MEMBER, ADMIN = conversation_pb2.MEMBER_ROLE_MEMBER, conversation_pb2.MEMBER_ROLE_ADMIN


async def invite(world: World, actor_id: str, conversation_id: str, **fields: Any) -> invite_pb2.Invite:
    request = pb.CreateInviteRequest(conversation_id=conversation_id, **fields)
    return (await world.ask(world.invites.CreateInvite, request, actor_id)).invite


async def accept(world: World, user_id: str, **by: str) -> conversation_pb2.Conversation:
    request = pb.AcceptInviteRequest(**by)
    return (await world.ask(world.invites.AcceptInvite, request, user_id)).conversation


async def listed(world: World, user_id: str, conversation_id: str) -> pb.ListInvitesResponse:
    request = pb.ListInvitesRequest(conversation_id=conversation_id)
    return await world.ask(world.invites.ListInvites, request, user_id)


async def mine(world: World, user_id: str, **place: Any) -> pb.ListMyInvitesResponse:
    return await world.ask(world.invites.ListMyInvites, pb.ListMyInvitesRequest(**place), user_id)


async def test_a_person_is_invited_and_comes(world: World, anna: str, bela: str) -> None:
    """Told at once, with the name of the conversation and of who invites; the other hears of the answer."""
    group = await world.create(anna, name="crew")
    async with world.subscribe(anna) as at_anna, world.subscribe(bela) as at_bela:
        await at_anna.ready(), await at_bela.ready()
        made = await invite(world, anna, group.id, user_id=bela)
        (received,) = await at_bela.changes(1)
        joined = await accept(world, bela, id=made.id)
        told = await at_anna.changes(3)
    assert (received.type, received.data.invite) == ("invite-received", made)
    assert (made.conversation_name, made.member_count, made.created_by.username) == ("crew", 1, "anna")
    assert (made.code, made.max_uses, made.role) == ("", 1, MEMBER)
    assert (joined.my.role, joined.member_count) == (MEMBER, 2)
    assert [change.type for change in told] == ["invite-updated", "member-added", "invite-updated"]
    assert told[2].data.invite.state == invite_pb2.INVITE_STATE_ACCEPTED
    assert await accept(world, bela, id=made.id) == joined


async def test_an_invitation_is_refused(world: World, anna: str, bela: str, cleo: str) -> None:
    """By who is invited, and by nobody else."""
    group = await world.create(anna)
    made = await invite(world, anna, group.id, user_id=bela)
    assert await invite(world, anna, group.id, user_id=bela) == made
    assert list((await mine(world, bela)).items) == [made]
    decline = pb.DeclineInviteRequest(id=made.id)
    with pytest.raises(NotFound, match="INVITE_INVALID"):
        await world.ask(world.invites.DeclineInvite, decline, cleo)
    for _ in range(2):
        await world.ask(world.invites.DeclineInvite, decline, bela)
    assert not (await mine(world, bela)).items
    with pytest.raises(NotFound, match="INVITE_INVALID"):
        await accept(world, bela, id=made.id)


async def test_a_link_shows_its_code_once(world: World, anna: str, bela: str) -> None:
    """Afterwards nobody sees it, and no log has it; who has it sees what it leads to."""
    group = await world.create(anna, name="crew")
    link = await invite(world, anna, group.id, role=MEMBER, max_uses=2)
    assert len(link.code) == 32
    (shown,) = (await listed(world, anna, group.id)).items
    preview = await world.ask(world.invites.PreviewInvite, pb.PreviewInviteRequest(code=link.code), bela)
    events = (await world.sync(anna, user_pos=1)).events
    assert [event.type for event in events] == ["invite-updated"]
    for seen in (shown, preview.invite, events[0].data.invite):
        assert (seen.code, seen.id, seen.conversation_name) == ("", link.id, "crew")
    assert (await accept(world, bela, code=link.code)).my.role == MEMBER
    assert (await listed(world, anna, group.id)).items[0].uses == 1


async def test_fifty_people_use_a_link_of_ten_uses(world: World, anna: str) -> None:
    """Ten of them come in."""
    group = await world.create(anna)
    link = await invite(world, anna, group.id, max_uses=10)
    people = [world.users.add(f"user{i}") for i in range(50)]
    came = await asyncio.gather(*[accept(world, user, code=link.code) for user in people], return_exceptions=True)
    refused = [error.reason for error in came if isinstance(error, Error)]
    assert refused == ["INVITE_INVALID"] * 40
    assert (await world.get(anna, group.id)).member_count == 11
    with pytest.raises(NotFound, match="INVITE_INVALID"):
        await world.ask(world.invites.PreviewInvite, pb.PreviewInviteRequest(code=link.code), anna)


async def test_invitations_are_revoked(world: World, anna: str, bela: str, cleo: str) -> None:
    """Of a conversation that one is in; a repeat is answered alike."""
    group, other = await world.create(anna, bela), await world.create(bela)
    link = await invite(world, anna, group.id)

    async def revoke(user_id: str, conversation_id: str) -> None:
        request = pb.RevokeInviteRequest(conversation_id=conversation_id, id=link.id)
        await world.ask(world.invites.RevokeInvite, request, user_id)

    for user_id, place, reason in (
        (cleo, group.id, "CONVERSATION_NOT_FOUND"),
        (bela, group.id, "ROLE_TOO_LOW"),
        (bela, other.id, "INVITE_INVALID"),
    ):
        with pytest.raises(Error) as caught:
            await revoke(user_id, place)
        assert caught.value.reason == reason
    for _ in range(2):
        await revoke(anna, group.id)
    with pytest.raises(NotFound, match="INVITE_INVALID"):
        await accept(world, cleo, code=link.code)


async def test_codes_that_are_none_lead_nowhere(world: World, anna: str, bela: str) -> None:
    """Nor does a link by its id, or one of another workspace."""
    link = await invite(world, anna, (await world.create(anna)).id)
    xavi = world.users.add("xavi", "elsewhere")
    for user_id, by in ((bela, {"code": "x" * 32}), (bela, {"id": link.id}), (xavi, {"code": link.code})):
        with pytest.raises(NotFound, match="INVITE_INVALID"):
            await accept(world, user_id, **by)
    for both in ({}, {"id": link.id, "code": link.code}):
        with pytest.raises(Invalid, match="INVALID_REQUEST"):
            await accept(world, bela, **both)


async def test_who_does_not_want_to_hear_is_not_invited(world: World, anna: str, bela: str) -> None:
    """Nor who is not there, or is banned."""
    group = await world.create(anna)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await invite(world, anna, group.id, user_id=str(uuid7()))
    world.blocks.pairs = {(bela, anna)}
    with pytest.raises(Forbidden, match="CONTACT_REFUSED"):
        await invite(world, anna, group.id, user_id=bela)
    world.blocks.pairs = set()
    ban = bans_pb.BanUserRequest(conversation_id=group.id, user_id=bela)
    await world.ask(world.bans.BanUser, ban, anna)
    with pytest.raises(Forbidden, match="BANNED"):
        await invite(world, anna, group.id, user_id=bela)
    link = await invite(world, anna, group.id)
    with pytest.raises(Forbidden, match="BANNED"):
        await accept(world, bela, code=link.code)


async def test_pages_of_invitations(world: World, anna: str, bela: str) -> None:
    """The latest first, each list with cursors of its own."""
    made = [await invite(world, anna, (await world.create(anna)).id, user_id=bela) for _ in range(3)]
    first = await mine(world, bela, limit=2)
    rest = await mine(world, bela, limit=2, cursor=first.page.next_cursor)
    assert [*first.items, *rest.items] == made[::-1]
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await mine(world, anna, cursor=first.page.next_cursor)
