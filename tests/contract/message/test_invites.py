"""What every journal and store keeps of invitations."""

import asyncio
from datetime import datetime, timedelta

import pytest

from mesh.database import Database
from mesh.errors import Forbidden, NotFound
from services.message.conversations.domain import Kind, Role
from services.message.conversations.store import ConversationStore
from services.message.invites.domain import (
    AcceptInvite,
    CreateInvite,
    DeclineInvite,
    Invite,
    RevokeInvite,
    State,
    hash_of,
    people_of,
)
from services.message.invites.store import InviteStore
from services.message.invites.store_sql import SqlInviteStore
from services.message.journal import Outcome
from tests.contract.message.desk import ELSEWHERE, A, B, C, Clock, Desk, as_, told


@pytest.fixture
def invites(database: Database) -> InviteStore:
    return SqlInviteStore(database)


def invite(
    desk: Desk, actor: str, user_id: str = "", *, code: str = "", role: Role = Role.MEMBER, **about: int
) -> CreateInvite:
    spans = {"expires_in_s": 0, "max_uses": 0, **about}
    code_hash = hash_of(code) if code else None
    return CreateInvite(
        desk.origin(actor),
        conversation_id="g",
        id=desk.new_id("i"),
        user_id=user_id,
        code_hash=code_hash,
        role=role,
        **spans,
    )


async def made(desk: Desk, *args: str, **about: int | str) -> Invite:
    result = (await desk.result(invite(desk, *args, **about))).invite  # type: ignore[arg-type]
    assert isinstance(result, Invite)
    return result


def accept(desk: Desk, actor: str, invite: Invite) -> AcceptInvite:
    return AcceptInvite(desk.origin(actor), invite.conversation_id, invite.id, people_of(invite))


def decline(desk: Desk, actor: str, invite: Invite) -> DeclineInvite:
    return DeclineInvite(desk.origin(actor), invite.conversation_id, invite.id, people_of(invite))


def revoke(desk: Desk, actor: str, invite: Invite) -> RevokeInvite:
    return RevokeInvite(desk.origin(actor), invite.conversation_id, invite.id, people_of(invite))


async def test_an_invitation_is_told_to_both(desk: Desk) -> None:
    """In their own logs, and how it was answered too; asked for again it is the same one."""
    await desk.group(A)
    (outcome,) = await desk.do(invite(desk, A, B))
    assert told(outcome) == [("invite-updated", 0, A, 2), ("invite-received", 0, B, 1)]
    first = outcome.result.invite
    (again,) = await desk.do(invite(desk, A, B))
    assert (again.result.invite, again.changes) == (first, ())
    (outcome,) = await desk.do(accept(desk, B, first))
    assert told(outcome) == [
        ("member-added", 2, "", 0),
        ("conversation-added", 0, B, 2),
        ("invite-updated", 0, A, 3),
        ("invite-updated", 0, B, 3),
    ]
    (outcome,) = await desk.do(accept(desk, B, first))
    assert outcome == Outcome()


async def test_a_link_is_used_no_more_often_than_it_says(desk: Desk, conversations: ConversationStore) -> None:
    """However many come at once, in one batch or in several."""
    await desk.group(A)
    link = await made(desk, A, code="code", max_uses=7)
    people = [f"u{i:02}" for i in range(50)]
    one, other = people[:25], people[25:]
    batches = await asyncio.gather(
        desk.do(*[accept(desk, user_id, link) for user_id in one]),
        desk.do(*[accept(desk, user_id, link) for user_id in other]),
    )
    reasons = [outcome.error.reason if outcome.error else "" for batch in batches for outcome in batch]
    assert (reasons.count(""), reasons.count("INVITE_INVALID")) == (7, 43)
    assert (await conversations.get(as_(A), "g")).conversation.member_count == 8


async def test_who_is_in_already_uses_nothing(desk: Desk, invites: InviteStore) -> None:
    """They are answered as they are."""
    await desk.group(A, B)
    link = await made(desk, A, code="code", max_uses=1)
    (outcome,) = await desk.do(accept(desk, B, link))
    assert outcome == Outcome()
    await desk.result(accept(desk, C, link))
    assert (await invites.by_code(as_(A), hash_of("code"))).invite.uses == 1


async def test_an_invitation_is_only_for_who_is_invited(desk: Desk) -> None:
    """And it is answered once."""
    await desk.group(A)
    for_b = await made(desk, A, B)
    for command in (accept(desk, C, for_b), decline(desk, C, for_b)):
        assert await desk.refusal(command) == "INVITE_INVALID"
    await desk.result(decline(desk, B, for_b))
    (again,) = await desk.do(decline(desk, B, for_b))
    assert again.changes == ()
    assert await desk.refusal(accept(desk, B, for_b)) == "INVITE_INVALID"
    newer = await made(desk, A, B)
    assert newer.id != for_b.id
    await desk.result(accept(desk, B, newer))
    assert await desk.refusal(decline(desk, B, newer)) == "INVITE_INVALID"


async def test_whoever_left_needs_another_invitation(desk: Desk) -> None:
    """A person uses theirs once; a link is for who has it."""
    await desk.group(A)
    for_b, link = await made(desk, A, B), await made(desk, A, code="code")
    await desk.result(accept(desk, B, for_b))
    await desk.result(desk.remove(B, B))
    assert await desk.refusal(accept(desk, B, for_b)) == "INVITE_INVALID"
    await desk.result(accept(desk, B, link))


async def test_invitations_end(desk: Desk, invites: InviteStore, clock: Clock) -> None:
    """By time, and by who made them or an admin; once over they are forgotten."""
    await desk.group(A, B)
    await desk.result(desk.promote(A, B, Role.ADMIN))
    short, long, by_b = (
        await made(desk, A, code="1", expires_in_s=5),
        await made(desk, A, code="2"),
        await made(desk, B, C),
    )
    clock.now += timedelta(seconds=5)
    assert await desk.refusal(accept(desk, C, short)) == "INVITE_INVALID"
    (outcome,) = await desk.do(revoke(desk, A, by_b))
    assert told(outcome) == [("invite-updated", 0, B, 3), ("invite-updated", 0, C, 2)]
    (again,) = await desk.do(revoke(desk, A, by_b))
    assert again.changes == ()
    assert await desk.refusal(accept(desk, C, by_b)) == "INVITE_INVALID"
    await desk.do(desk.promote(A, B, Role.MEMBER))
    assert await desk.refusal(revoke(desk, B, long)) == "ROLE_TOO_LOW"
    page = await invites.of_conversation(as_(A), "g", None, 9, clock.now)
    assert [shown.invite.id for shown in page.items] == [long.id]
    assert [await invites.sweep(clock.now, 10), await invites.sweep(clock.now, 10)] == [1, 0]
    with pytest.raises(NotFound, match="INVITE_INVALID"):
        await invites.by_id(as_(A), short.id)


async def test_nobody_grants_more_than_they_have(desk: Desk) -> None:
    """What was granted holds, whatever becomes of who granted it."""
    await desk.group(A, B)
    assert await desk.refusal(invite(desk, B, C)) == "ROLE_TOO_LOW"
    await desk.result(desk.promote(A, B, Role.ADMIN))
    as_admin = await made(desk, B, C, role=Role.ADMIN)
    await desk.result(desk.remove(A, B))
    (outcome,) = await desk.do(accept(desk, C, as_admin))
    # Who has left is not told how it goes on.
    assert {user_id for _, _, user_id, _ in told(outcome)} == {"", C}
    assert (await desk.result(desk.add(C, "d")))[0].role is Role.MEMBER


async def test_there_is_no_way_into_a_dm(desk: Desk) -> None:
    """Nor for who is in a conversation already, or into one that is not there."""
    id_ = (await desk.result(desk.create(A, B, kind=Kind.DM, id_="g"))).conversation_id
    assert id_ == "g"
    assert await desk.refusal(invite(desk, A, C)) == "DM_FIXED"
    assert await desk.refusal(invite(desk, C, "d")) == "CONVERSATION_NOT_FOUND"


async def test_members_are_not_invited(desk: Desk) -> None:
    """They are there."""
    await desk.group(A, B)
    for user_id in (A, B):
        assert await desk.refusal(invite(desk, A, user_id)) == "INVALID_REQUEST"


async def test_lists_of_invitations(desk: Desk, invites: InviteStore, clock: Clock) -> None:
    """Those of a conversation are for its admins, those for somebody for them alone; nothing from elsewhere."""
    await desk.group(A, B)
    links = [await made(desk, A, code=str(i)) for i in range(3)]
    mine = await made(desk, A, C)

    async def of(user_id: str, at: datetime) -> list[str]:
        page = await invites.of_conversation(as_(user_id), "g", None, 9, at)
        return [shown.invite.id for shown in page.items]

    assert await of(A, clock.now) == [mine.id, *[link.id for link in reversed(links)]]
    assert await of(A, clock.now + timedelta(days=8)) == []
    with pytest.raises(Forbidden, match="ROLE_TOO_LOW"):
        await of(B, clock.now)
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await of(C, clock.now)
    (shown,) = (await invites.for_caller(as_(C), None, 9, clock.now)).items
    assert (shown.invite, shown.conversation_name, shown.member_count) == (mine, "name", 2)
    await desk.do(desk.add(A, C))
    assert not (await invites.for_caller(as_(C), None, 9, clock.now)).items
    assert not (await invites.for_caller(as_(C, ELSEWHERE), None, 9, clock.now)).items
    for read in (invites.by_id(as_(A, ELSEWHERE), mine.id), invites.by_code(as_(A, ELSEWHERE), hash_of("1"))):
        with pytest.raises(NotFound, match="INVITE_INVALID"):
            await read
    assert mine.state is State.OPEN
