"""The cache over the user service."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import grpc
import pytest

from chat.message.v1.message_pb2 import PROFILE_KIND_BOT, PROFILE_KIND_USER, Profile
from chat.user.v1.account_service_pb2 import BatchGetUsersRequest, BatchGetUsersResponse
from chat.user.v1.user_pb2 import USER_KIND_BOT, USER_KIND_PERSON, User
from mesh.call.context import RequestContext, bind, caller, unbind
from mesh.errors import Error, Forbidden, NotFound, Unauthenticated, Unavailable
from mesh.identity.principal import Principal
from services.message import profiles as module
from services.message.profiles import MAX_BATCH, RETRY_S, TTL_S, Profiles

HERE, ELSEWHERE = "here", "elsewhere"


class UserService:
    """Knows everybody whose id begins with `u`, for callers from HERE. Held while `gate` is not set; raises `fault`."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None
        self.name = "old"
        self.kind = USER_KIND_PERSON

    async def batch_get(self, request: BatchGetUsersRequest) -> BatchGetUsersResponse:
        self.asked.append(list(request.ids))
        fault = self.fault
        await self.gate.wait()
        if fault:
            raise fault
        known = [id_ for id_ in request.ids if id_.startswith("u") and caller().workspace_id == HERE]
        return BatchGetUsersResponse(
            items=[User(id=id_, username=self.name, full_name="Full", avatar="/a", kind=self.kind) for id_ in known],
            missing=[id_ for id_ in request.ids if id_ not in known],
        )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def calling(workspace_id: str) -> Iterator[None]:
    """The call being served is one of this workspace."""
    bound = bind(RequestContext(principal=Principal("caller", "session", "user", 0, workspace_id)))
    yield
    unbind(bound)


@pytest.fixture(autouse=True)
def _caller() -> Iterator[None]:
    with calling(HERE):
        yield


@pytest.fixture
def service() -> UserService:
    return UserService()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def profiles(service: UserService, clock: Clock) -> AsyncIterator[Profiles]:
    async with asyncio.timeout(5), Profiles(service.batch_get, clock=clock) as profiles:
        yield profiles


async def test_a_profile_is_asked_for_once(profiles: Profiles, service: UserService) -> None:
    """Then it is known, with what others may see."""
    await profiles.load(["u1", "u1", "u2"])
    await profiles.load(["u1", "u2"])
    assert service.asked == [["u1", "u2"]]
    expected = Profile(id="u1", kind=PROFILE_KIND_USER, username="old", full_name="Full", avatar="/a")
    assert profiles.known(HERE, "u1") == expected


async def test_nobody_is_only_an_id(profiles: Profiles) -> None:
    """Whoever was never heard of, and whoever does not exist."""
    await profiles.load(["x"])
    assert profiles.known(HERE, "x") == Profile(id="x")
    assert profiles.known(HERE, "y") == Profile(id="y")


async def test_an_old_profile_is_asked_for_again(profiles: Profiles, service: UserService, clock: Clock) -> None:
    """Names change."""
    await profiles.load(["u1"])
    service.name, clock.now = "new", TTL_S
    assert profiles.known(HERE, "u1").username == "old"
    await profiles.load(["u1"])
    assert profiles.known(HERE, "u1").username == "new"


async def test_callers_share_what_is_being_asked(profiles: Profiles, service: UserService) -> None:
    """Each id is asked for once at a time; one caller who gives up does not end it for the others."""
    service.gate.clear()
    gone = asyncio.create_task(profiles.load(["u1", "u2"]))
    stays = asyncio.create_task(profiles.load(["u2", "u3"]))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    service.gate.set()
    await stays
    assert service.asked == [["u1", "u2"], ["u3"]]
    assert profiles.known(HERE, "u2").username == "old"


async def test_many_are_asked_for_in_batches(profiles: Profiles, service: UserService) -> None:
    """As many at once as the contract allows."""
    await profiles.load([f"u{i}" for i in range(MAX_BATCH + 1)])
    assert [len(ids) for ids in service.asked] == [MAX_BATCH, 1]


async def test_refreshing_does_not_wait(profiles: Profiles, service: UserService) -> None:
    """It returns at once; the answer is used when it is there."""
    service.gate.clear()
    profiles.refresh(["u1"])
    assert profiles.known(HERE, "u1") == Profile(id="u1")
    service.gate.set()
    await profiles.load(["u1"])
    assert len(service.asked) == 1


async def test_without_the_user_service_old_profiles_are_used(
    profiles: Profiles, service: UserService, clock: Clock
) -> None:
    """And it is not asked again for a moment, so that nobody waits for its time-out in vain."""
    await profiles.load(["u1"])
    clock.now, service.fault = TTL_S, Unavailable("UNAVAILABLE", "Away.")
    await profiles.load(["u1", "u2"])
    await profiles.load(["u1", "u2"])
    assert len(service.asked) == 2
    assert (profiles.known(HERE, "u1").username, profiles.known(HERE, "u2").username) == ("old", "")
    clock.now, service.fault = TTL_S + RETRY_S, None
    await profiles.load(["u2"])
    assert profiles.known(HERE, "u2").username == "old"


async def test_the_fault_of_one_caller_stops_no_other(profiles: Profiles, service: UserService) -> None:
    """A token that is refused says nothing about the service."""
    service.fault = Unauthenticated("TOKEN_EXPIRED", "Ended.")
    await profiles.load(["u1"])
    service.fault = None
    await profiles.load(["u1"])
    assert profiles.known(HERE, "u1").username == "old"


async def test_what_one_workspace_knows_is_nothing_to_another(profiles: Profiles, service: UserService) -> None:
    """Neither that somebody exists there, nor that somebody does not."""
    await profiles.require(["u1"])
    with calling(ELSEWHERE):
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await profiles.require(["u1"])
        await profiles.load(["u2"])
    assert profiles.known(ELSEWHERE, "u1") == Profile(id="u1")
    await profiles.require(["u1", "u2"])
    assert profiles.known(HERE, "u2").username == "old"


async def test_what_another_caller_was_refused_is_asked_again(profiles: Profiles, service: UserService) -> None:
    """Their token says nothing about one's own."""
    service.gate.clear()
    service.fault = Forbidden("SCOPE_MISSING", "No.")
    profiles.refresh(["u1"])
    await asyncio.sleep(0)
    service.fault = None
    required = asyncio.create_task(profiles.require(["u1"]))
    await asyncio.sleep(0)
    service.gate.set()
    await required
    assert service.asked == [["u1"], ["u1"]]


async def test_programs_are_told_from_people(profiles: Profiles, service: UserService) -> None:
    """As the user service does."""
    service.kind = USER_KIND_BOT
    await profiles.load(["u1"])
    assert profiles.known(HERE, "u1").kind == PROFILE_KIND_BOT


async def test_required_users_exist(profiles: Profiles, service: UserService) -> None:
    """Those who do not are named; somebody missing a moment ago may have registered since."""
    await profiles.require(["u1"])
    await profiles.load(["x"])
    with pytest.raises(NotFound) as caught:
        await profiles.require(["u1", "x"])
    assert (caught.value.reason, caught.value.metadata["user_ids"]) == ("USER_NOT_FOUND", "x")
    assert service.asked == [["u1"], ["x"], ["x"]]


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("UNAVAILABLE", "Away."),
        grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata()),
    ],
)
async def test_what_cannot_be_told_is_not_guessed(profiles: Profiles, service: UserService, fault: Exception) -> None:
    """Nobody is called missing because the user service is away."""
    service.fault = fault
    for _ in range(2):
        with pytest.raises(Error) as caught:
            await profiles.require(["u1"])
        assert caught.value.code == "UNAVAILABLE"


async def test_the_oldest_go_when_it_is_full(profiles: Profiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is bounded."""
    monkeypatch.setattr(module, "MAX_PROFILES", 2)
    for id_ in ("u1", "u2", "u1", "u3"):
        await profiles.load([id_])
    assert [profiles.known(HERE, id_).username for id_ in ("u1", "u2", "u3")] == ["", "old", "old"]


async def test_leaving_gives_up_what_is_being_asked(service: UserService) -> None:
    """No task stays behind."""
    service.gate.clear()
    async with Profiles(service.batch_get) as profiles:
        profiles.refresh(["u1"])
        await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "profiles"] == []
