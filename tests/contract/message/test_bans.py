"""What every journal and store keeps of bans."""

from datetime import datetime, timedelta

import pytest

from mesh.database import Database
from mesh.errors import Forbidden, NotFound
from services.message.bans.domain import BanUser, UnbanUser
from services.message.bans.store import BanStore
from services.message.bans.store_sql import SqlBanStore
from services.message.conversations.domain import (
    JoinConversation,
    JoinPolicy,
    Kind,
    Role,
    UpdateConversation,
    Visibility,
)
from services.message.feed.store import FeedStore
from services.message.invites.domain import AcceptInvite, CreateInvite, hash_of
from tests.contract.message.desk import A, B, C, Clock, D, Desk, as_, told


@pytest.fixture
def bans(database: Database) -> BanStore:
    return SqlBanStore(database)


def ban(desk: Desk, actor: str, user_id: str, reason: str = "spam", until: datetime | None = None) -> BanUser:
    return BanUser(desk.origin(actor), "g", user_id, reason, until)


def unban(desk: Desk, actor: str, user_id: str) -> UnbanUser:
    return UnbanUser(desk.origin(actor), "g", user_id)


async def test_a_ban_removes_and_is_told(desk: Desk, feed: FeedStore) -> None:
    """Without its reason, which is for admins; of somebody who is no member only the ban is told."""
    await desk.group(A, B)
    (outcome,) = await desk.do(ban(desk, A, B))
    assert told(outcome) == [
        ("member-removed", 2, "", 0),
        ("conversation-removed", 0, B, 2),
        ("member-banned", 3, "", 0),
    ]
    (logged,) = await feed.changes(as_(A), [("g", 3)])
    assert b"spam" not in logged.body
    (outcome,) = await desk.do(ban(desk, A, C))
    assert told(outcome) == [("member-banned", 4, "", 0)]
    (again,) = await desk.do(ban(desk, A, C))
    assert (again.changes, again.result.user_id) == ((), C)
    (outcome,) = await desk.do(unban(desk, A, B))
    assert told(outcome) == [("member-unbanned", 5, "", 0)]
    (again,) = await desk.do(unban(desk, A, B))
    assert again.changes == ()


async def test_no_way_leads_past_a_ban(desk: Desk, clock: Clock) -> None:
    """Neither joining, nor being added or invited, nor a link; until it ends."""
    await desk.result(desk.create(A, id_="g", kind=Kind.CHANNEL))
    settings = {"visibility": Visibility.PUBLIC, "join_policy": JoinPolicy.OPEN}
    await desk.result(UpdateConversation(desk.origin(A), "g", settings))

    def invite(user_id: str, code: str) -> CreateInvite:
        hashed = hash_of(code) if code else None
        return CreateInvite(desk.origin(A), "g", f"i{user_id}{code}", user_id, hashed, Role.MEMBER, 0, 0)

    await desk.do(invite(B, ""), invite("", "code"))
    await desk.result(ban(desk, A, B, until=clock.now + timedelta(seconds=60)))
    ways = (
        JoinConversation(desk.origin(B), "g"),
        desk.add(A, C, B),
        AcceptInvite(desk.origin(B), "g", f"i{B}", frozenset({A, B})),
        AcceptInvite(desk.origin(B), "g", "icode", frozenset({A})),
        invite(B, ""),
    )
    assert [await desk.refusal(way) for way in ways] == ["BANNED"] * 5
    await desk.result(JoinConversation(desk.origin(C), "g"))
    clock.now += timedelta(seconds=60)
    assert (await desk.do(*ways[:1]))[0].error is None


async def test_nobody_bans_who_has_as_much_as_they_have(desk: Desk) -> None:
    """Nor does anybody without the right, or in a dm."""
    await desk.group(A, B, C, D)
    for user_id in (B, C):
        await desk.result(desk.promote(A, user_id, Role.ADMIN))
    assert await desk.refusal(ban(desk, B, C)) == "ROLE_TOO_LOW"
    assert await desk.refusal(ban(desk, B, A)) == "ROLE_TOO_LOW"
    assert await desk.refusal(ban(desk, D, "stranger")) == "ROLE_TOO_LOW"
    assert await desk.refusal(unban(desk, D, "stranger")) == "ROLE_TOO_LOW"
    assert await desk.refusal(ban(desk, "stranger", D)) == "CONVERSATION_NOT_FOUND"
    await desk.result(ban(desk, B, D))
    await desk.result(ban(desk, A, C))
    dm = (await desk.result(desk.create(A, B, kind=Kind.DM))).conversation_id
    assert await desk.refusal(BanUser(desk.origin(A), dm, B, "", None)) == "DM_FIXED"


async def test_a_ban_that_has_ended_is_none(desk: Desk, bans: BanStore, clock: Clock) -> None:
    """It cannot be made, and is not listed any more."""
    await desk.group(A)
    assert await desk.refusal(ban(desk, A, B, until=clock.now)) == "INVALID_REQUEST"
    until = clock.now + timedelta(seconds=30)
    await desk.result(ban(desk, A, B, until=until))
    assert len((await bans.page(as_(A), "g", None, 9, clock.now)).items) == 1
    assert not (await bans.page(as_(A), "g", None, 9, until)).items


async def test_bans_are_listed_for_admins(desk: Desk, bans: BanStore, clock: Clock) -> None:
    """The latest first, with their reasons."""
    await desk.group(A, B)
    for user_id in ("x", "y", "z"):
        await desk.result(ban(desk, A, user_id, f"reason of {user_id}"))
    page = await bans.page(as_(A), "g", None, 2, clock.now)
    assert [(b.user_id, b.reason, b.banned_by) for b in page.items] == [
        ("z", "reason of z", A),
        ("y", "reason of y", A),
    ]
    assert page.has_next
    with pytest.raises(Forbidden, match="ROLE_TOO_LOW"):
        await bans.page(as_(B), "g", None, 2, clock.now)
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await bans.page(as_(C), "g", None, 2, clock.now)
