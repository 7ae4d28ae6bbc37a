"""AccountService over a real database."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from chat.event.v1 import user_events_pb2 as events
from chat.user.v1 import account_service_pb2 as pb
from chat.user.v1.user_pb2 import USER_KIND_PERSON, USER_ROLE_USER, Account, User
from chat.user.v1.workspace_service_pb2 import CreateWorkspaceRequest
from mesh.errors import Conflict, Error, Forbidden, Invalid, NotFound, Stale, Unauthenticated
from services.user.outbox_sql import SqlOutbox
from tests.integration.user.world import PASSWORD, World, calling_as


async def test_registering_answers_the_new_account(world: World) -> None:
    """As its owner sees it: active, unproven, an ordinary user, never logged in."""
    account = await world.register("Anna", email="Anna@Example.com", full_name="Anna Berg")
    assert (account.id, account.username, account.email) == ("id-1", "anna", "Anna@Example.com")
    assert (account.full_name, account.role) == ("Anna Berg", USER_ROLE_USER)
    assert account.is_active
    assert not account.is_verified
    assert not account.HasField("last_login")
    assert account.created_at.ToDatetime(world.now.tzinfo) == world.now
    assert await world.noted() == ["user.registered"]


async def test_registering_sends_a_mail_that_proves_the_address(world: World) -> None:
    """To the address as it was given; nothing is sent when registering fails."""
    await world.register("anna", email="Anna@Example.com")
    with pytest.raises(Conflict):
        await world.register("anna", email="other@example.com")
    [(to, subject, token)] = await world.mailed()
    assert (to, subject) == ("Anna@Example.com", "Confirm your mail address")
    assert len(token) == 43


async def test_a_taken_name_or_address_is_a_conflict(world: World) -> None:
    """In any case of its letters."""
    await world.register("anna")
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await world.register("ANNA", email="other@example.com")
    with pytest.raises(Conflict, match="EMAIL_TAKEN"):
        await world.register("other", email="ANNA@example.com")


async def test_one_joins_a_workspace_that_is_there(world: World) -> None:
    """No other; and names of one workspace are free in the next."""
    await world.workspaces.CreateWorkspace(CreateWorkspaceRequest(id="acme"), None)
    await world.register("anna")
    there = await world.register("anna", workspace_id="acme")
    assert there.workspace_id == "acme"
    with pytest.raises(NotFound, match="WORKSPACE_NOT_FOUND"):
        await world.register("bea", workspace_id="nowhere")


@pytest.mark.parametrize("password", ["password1", "annas-1234", "qwertyuiop"])
async def test_a_password_that_is_tried_first_is_refused(world: World, password: str) -> None:
    """Before a hash is computed; the field is named."""
    with pytest.raises(Invalid, match="PASSWORD_TOO_COMMON") as refusal:
        await world.register("annas", password=password)
    assert [violation.field for violation in refusal.value.violations] == ["password"]
    assert world.hasher.computed == 0


@pytest.mark.parametrize("email", [".a@example.com", "a..b@example.com", "=?utf-8?q?bea?=@example.com"])
async def test_an_address_that_mail_programs_read_otherwise_is_refused(world: World, email: str) -> None:
    """Mails must go to the very address that is shown."""
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await world.register("anna", email=email)


async def test_names_of_who_was_erased_are_kept(world: World) -> None:
    """Nobody can look like one, or stand in the way of one."""
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await world.register("deleted-anna")
    anna = await world.register("anna")
    with calling_as(anna.id), pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await world.accounts.UpdateMe(pb.UpdateMeRequest(username="Deleted-x"), None)


async def test_of_many_who_register_one_name_one_gets_it(world: World) -> None:
    """The others are told so, and the winner can log in."""
    attempts = (world.register("anna", email=f"{n}@example.com") for n in range(10))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(getattr(result, "reason", "") for result in results) == ["", *["USERNAME_TAKEN"] * 9]
    [winner] = [result for result in results if not isinstance(result, BaseException)]
    assert (await world.login("anna")).user.email == winner.email


async def test_no_answer_carries_the_password_or_its_hash(world: World) -> None:
    """Neither of registering nor of logging in."""
    answers = [await world.register(), (await world.login()).user]
    known = await world.store.credentials("default", "anna")
    assert known is not None
    for answer in answers:
        assert PASSWORD not in str(answer)
        assert known.password_hash not in str(answer)


async def test_who_calls_sees_the_own_account(world: World) -> None:
    """With the address; nobody without a token does."""
    account = await world.register()
    with calling_as(account.id):
        assert (await world.accounts.GetMe(pb.GetMeRequest(), None)).account == account
    with pytest.raises(Unauthenticated, match="TOKEN_MISSING"):
        await world.accounts.GetMe(pb.GetMeRequest(), None)


async def test_who_is_no_longer_there_has_no_account(world: World) -> None:
    """A token may outlive its user."""
    with calling_as("gone"), pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.accounts.GetMe(pb.GetMeRequest(), None)


async def test_everybody_in_the_workspace_sees_the_public_profile(world: World) -> None:
    """Of a user who exists there."""
    account = await world.register()
    with calling_as("id-of-bea"):
        user = (await world.accounts.GetUser(pb.GetUserRequest(id=account.id), None)).user
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await world.accounts.GetUser(pb.GetUserRequest(id="unknown"), None)
    assert user == User(
        id=account.id,
        username="anna",
        full_name="anna",
        role=USER_ROLE_USER,
        is_active=True,
        created_at=account.created_at,
        kind=USER_KIND_PERSON,
        etag=account.etag,
    )
    with calling_as("id-of-bea", workspace_id="acme"), pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.accounts.GetUser(pb.GetUserRequest(id=account.id), None)


async def test_a_batch_answers_in_the_order_asked_for(world: World) -> None:
    """Each user once, and apart from them the ids that nobody has, each once."""
    anna, bea = await world.register("anna"), await world.register("bea")
    asked = [bea.id, "x", anna.id, bea.id, "x", "y"]
    with calling_as(anna.id):
        answer = await world.accounts.BatchGetUsers(pb.BatchGetUsersRequest(ids=asked), None)
    assert [user.username for user in answer.items] == ["bea", "anna"]
    assert answer.missing == ["x", "y"]


# Changing the profile.


@pytest.fixture
async def anna(world: World) -> Account:
    return await world.register("anna", full_name="Anna Berg")


@pytest.fixture
def as_anna(anna: Account) -> Iterator[None]:
    with calling_as(anna.id):
        yield


async def update(world: World, **request: object) -> Account:
    return (await world.accounts.UpdateMe(pb.UpdateMeRequest(**request), None)).account  # type: ignore[arg-type]


def mask(*paths: str) -> FieldMask:
    return FieldMask(paths=paths)


async def told(world: World) -> list[tuple[str, object]]:
    """Type and event of what is in the outbox, but for registrations."""
    kinds: dict[str, type[events.UserUpdated | events.UserActivity]] = {
        "user.updated": events.UserUpdated,
        "user.activity": events.UserActivity,
    }
    rows = await SqlOutbox(world.database).unpublished(100)
    return [(row.type, kinds[row.type].FromString(row.data)) for row in rows if row.type in kinds]


@pytest.mark.usefixtures("as_anna")
async def test_without_a_mask_what_is_not_empty_changes(world: World, anna: Account) -> None:
    """The rest stays; the version is raised, and so the etag."""
    world.now += timedelta(minutes=1)
    changed = await update(world, bio="hello", avatar="https://example.com/a.png")
    assert (changed.bio, changed.avatar) == ("hello", "https://example.com/a.png")
    assert (changed.full_name, changed.username) == ("Anna Berg", "anna")
    assert changed.etag != anna.etag
    assert changed.updated_at.ToDatetime(world.now.tzinfo) == world.now
    assert (await world.accounts.GetMe(pb.GetMeRequest(), None)).account == changed


@pytest.mark.usefixtures("as_anna")
async def test_a_mask_names_what_changes_even_to_nothing(world: World) -> None:
    """What it does not name stays, whatever the request says of it."""
    await update(world, bio="hello", full_name="Anna B.")
    changed = await update(world, full_name="ignored", update_mask=mask("bio"))
    assert (changed.bio, changed.full_name) == ("", "Anna B.")
    assert (await update(world, update_mask=mask("full_name"))).full_name == "anna"


@pytest.mark.usefixtures("as_anna")
@pytest.mark.parametrize("path", ["email", "role", "username.x", "", "*", "is_verified"])
async def test_a_mask_names_only_fields_that_may_change(world: World, path: str) -> None:
    """Anything else is told, and nothing changes."""
    with pytest.raises(Invalid, match="INVALID_REQUEST") as refusal:
        await update(world, bio="hello", update_mask=mask("bio", path))
    assert [violation.field for violation in refusal.value.violations] == ["update_mask.paths[1]"]
    assert (await world.accounts.GetMe(pb.GetMeRequest(), None)).account.bio == ""


@pytest.mark.usefixtures("as_anna")
async def test_a_username_changes_to_a_free_one(world: World) -> None:
    """In lower case; the one before is free by that, and it is never taken away."""
    await world.register("bea")
    assert (await update(world, username="Anne")).username == "anne"
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await update(world, username="BEA")
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await update(world, update_mask=mask("username"))
    assert (await world.register("anna", email="second@example.com")).username == "anna"


@pytest.mark.usefixtures("as_anna")
async def test_who_chose_no_name_is_shown_by_the_username_that_is(world: World) -> None:
    """A chosen name stays."""
    assert (await update(world, username="anne")).full_name == "Anna Berg"
    await update(world, update_mask=mask("full_name"))
    assert (await update(world, username="anneli")).full_name == "anneli"


@pytest.mark.usefixtures("as_anna")
async def test_an_etag_makes_sure_that_nobody_was_faster(world: World, anna: Account) -> None:
    """Of twenty with one etag one succeeds."""
    attempts = (update(world, bio=f"bio {n}", etag=anna.etag) for n in range(20))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert [getattr(result, "reason", "") for result in results if isinstance(result, Stale)] == ["ETAG_MISMATCH"] * 19
    [winner] = [result for result in results if isinstance(result, Account)]
    assert (await world.accounts.GetMe(pb.GetMeRequest(), None)).account == winner


@pytest.mark.usefixtures("as_anna")
async def test_a_change_is_told_with_the_profile_and_what_changed(world: World, anna: Account) -> None:
    """Together with the activity of its owner; a change to what is already so is none."""
    changed = await update(world, bio="hello", username="anne")
    await update(world, bio="hello")
    [(_, updated), (_, activity)] = await told(world)
    assert isinstance(updated, events.UserUpdated)
    assert (updated.user.bio, updated.user.username, updated.user.etag) == ("hello", "anne", changed.etag)
    assert list(updated.changed) == ["username", "bio"]
    assert isinstance(activity, events.UserActivity)
    assert (activity.activity, activity.user_id) == (events.ACTIVITY_PROFILE, anna.id)
    assert (updated.pos, activity.pos) == (2, 3)


# Status.


async def set_status(world: World, text: str = "", emoji: str = "", ends_in: timedelta | None = None) -> Account:
    expires_at = Timestamp()
    if ends_in is not None:
        expires_at.FromDatetime(world.now + ends_in)
    request = pb.SetStatusRequest(text=text, emoji=emoji, expires_at=expires_at if ends_in is not None else None)
    return (await world.accounts.SetStatus(request, None)).account


@pytest.mark.usefixtures("as_anna")
async def test_a_status_is_shown_until_it_ends(world: World, anna: Account) -> None:
    """To everybody; without an end it stays, and without text and emoji it is gone."""
    account = await set_status(world, "at lunch", "🍜", timedelta(hours=1))
    assert (account.status.text, account.status.emoji) == ("at lunch", "🍜")
    seen = pb.GetUserRequest(id=anna.id)
    assert (await world.accounts.GetUser(seen, None)).user.status == account.status
    world.now += timedelta(hours=1)
    assert not (await world.accounts.GetUser(seen, None)).user.HasField("status")
    await set_status(world, "back")
    world.now += timedelta(days=365)
    assert (await world.accounts.GetUser(seen, None)).user.status.text == "back"
    assert not (await set_status(world)).HasField("status")


@pytest.mark.usefixtures("as_anna")
@pytest.mark.parametrize("ends_in", [timedelta(), timedelta(days=-1)])
async def test_a_status_ends_in_the_future(world: World, ends_in: timedelta) -> None:
    """One that is over already is refused."""
    with pytest.raises(Invalid, match="INVALID_REQUEST") as refusal:
        await set_status(world, "x", "", ends_in)
    assert [violation.field for violation in refusal.value.violations] == ["expires_at"]


@pytest.mark.usefixtures("as_anna")
async def test_a_moment_that_no_calendar_has_is_refused(world: World) -> None:
    """Clients by gRPC can send any number."""
    request = pb.SetStatusRequest(text="x", expires_at=Timestamp(seconds=2**60))
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await world.accounts.SetStatus(request, None)


@pytest.mark.usefixtures("as_anna")
async def test_a_status_is_told(world: World) -> None:
    """As a change of the profile, and as an activity of its own."""
    await set_status(world, "at lunch")
    [(_, updated), (_, activity)] = await told(world)
    assert isinstance(updated, events.UserUpdated)
    assert isinstance(activity, events.UserActivity)
    assert (list(updated.changed), updated.user.status.text) == (["status"], "at lunch")
    assert activity.activity == events.ACTIVITY_STATUS


# Finding people.


async def names(world: World, **request: object) -> list[str]:
    answer = await world.accounts.ListUsers(pb.ListUsersRequest(**request), None)  # type: ignore[arg-type]
    return [user.username for user in answer.items]


@pytest.fixture
async def crowd(world: World) -> None:
    for username, full_name in {
        "anna": "Anna Berg",
        "bea": "Béatrice  van Ann",
        "cora_1": "Cora Ölund",
        "dan": "100% Dan",
        "eve": "",
        "fay-ann": "Fay",
    }.items():
        await world.register(username, full_name=full_name)


@pytest.mark.usefixtures("crowd", "as_anna_1")
@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["anna", "bea", "cora_1", "dan", "eve", "fay-ann"]),
        ("an", ["anna", "bea"]),
        ("AN", ["anna", "bea"]),
        ("berg", ["anna"]),
        ("erg", []),
        ("van ann", ["bea"]),
        ("BÉA", ["bea"]),
        ("ölu", ["cora_1"]),
        ("ÖLU", ["cora_1"]),
        ("cora_", ["cora_1"]),
        ("c_ra", []),
        ("100%", ["dan"]),
        ("%", []),
        ("\\", []),
        ("eve", ["eve"]),
        ("example.com", []),
        ("eve@example.com", []),
        ("' OR 1=1", []),
        ("   ", []),
    ],
)
async def test_people_are_found_by_how_their_names_begin(world: World, q: str, found: list[str]) -> None:
    """The username or a word of the name, in any case and any alphabet; never by their address, never by a pattern."""
    assert await names(world, q=q) == found


@pytest.fixture
def as_anna_1() -> Iterator[None]:
    with calling_as("id-1"):
        yield


@pytest.mark.usefixtures("crowd", "as_anna_1")
async def test_people_come_by_pages_in_both_directions(world: World) -> None:
    """Each once, by username; a cursor of one search is of no use for another."""
    seen, cursor = [], ""
    while True:
        page = await world.accounts.ListUsers(pb.ListUsersRequest(limit=2, cursor=cursor), None)
        seen += [user.username for user in page.items]
        cursor = page.page.next_cursor
        if not cursor:
            break
    assert seen == ["anna", "bea", "cora_1", "dan", "eve", "fay-ann"]
    back = await world.accounts.ListUsers(pb.ListUsersRequest(limit=2, cursor=page.page.prev_cursor), None)
    assert [user.username for user in back.items] == ["cora_1", "dan"]
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await names(world, q="an", cursor=page.page.prev_cursor)


@pytest.mark.usefixtures("crowd")
async def test_people_of_other_workspaces_are_not_found(world: World) -> None:
    """Nobody there sees these, and nobody here those."""
    await world.workspaces.CreateWorkspace(CreateWorkspaceRequest(id="acme"), None)
    await world.register("anna", workspace_id="acme")
    with calling_as("x", workspace_id="acme"):
        assert await names(world) == ["anna"]
    with calling_as("id-1"):
        assert len(await names(world)) == 6


# The end of an account.


async def test_deleting_takes_the_password(world: World, anna: Account) -> None:
    """And, where an etag is given, the account as it was seen."""
    with calling_as(anna.id):
        for request, reason in (
            (pb.DeleteMeRequest(password="wrong"), "PASSWORD_WRONG"),
            (pb.DeleteMeRequest(password=PASSWORD, etag="another"), "ETAG_MISMATCH"),
        ):
            with pytest.raises(Error) as refusal:
                await world.accounts.DeleteMe(request, None)
            assert refusal.value.reason == reason
        assert (await world.accounts.GetMe(pb.GetMeRequest(), None)).account.is_active
        await world.accounts.DeleteMe(pb.DeleteMeRequest(password=PASSWORD, etag=anna.etag), None)
        gone = (await world.accounts.GetUser(pb.GetUserRequest(id=anna.id), None)).user
    assert gone.full_name == "Deleted user"
    assert gone.username.startswith("deleted-")
    assert not gone.is_active
    with pytest.raises(Unauthenticated, match="INVALID_CREDENTIALS"):
        await world.login("anna")


async def test_guessing_the_password_in_a_session_is_slowed_down(world: World, anna: Account) -> None:
    """As at log-in, and apart from it: the owner still logs in."""
    reasons = []
    with calling_as(anna.id):
        for _ in range(4):
            with pytest.raises(Error) as refusal:
                await world.accounts.DeleteMe(pb.DeleteMeRequest(password="wrong"), None)
            reasons.append(refusal.value.reason)
    assert reasons == ["PASSWORD_WRONG"] * 3 + ["RATE_LIMITED"]
    assert await world.login("anna")
    world.now += timedelta(seconds=1)
    with calling_as(anna.id), pytest.raises(Forbidden, match="PASSWORD_WRONG"):
        await world.accounts.DeleteMe(pb.DeleteMeRequest(password="wrong"), None)
