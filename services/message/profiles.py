"""Who people are, as the user service says: asked for in batches, and remembered for a while.

Messages are served even when the user service is away: then with the profile known last, or only the id.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType

import grpc
import structlog

from chat.message.v1.message_pb2 import PROFILE_KIND_USER, Profile
from chat.user.v1.account_service_pb2 import BatchGetUsersRequest, BatchGetUsersResponse
from chat.user.v1.user_pb2 import User
from mesh.call.status import from_rpc_error
from mesh.errors import Error, NotFound

MAX_PROFILES = 10_000
MAX_BATCH = 100
TTL_S = 60.0
RETRY_S = 2.0
"""How long nobody waits for a user service that has just failed to answer."""

BatchGetUsers = Callable[[BatchGetUsersRequest], Awaitable[BatchGetUsersResponse]]
"""The stub's method. The call carries the token of the request being served."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    profile: Profile
    exists: bool
    at: float


class Profiles:
    """A bounded cache over the user service. Open with `async with`; leaving it gives up what is being asked."""

    def __init__(self, batch_get_users: BatchGetUsers, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._batch_get_users = batch_get_users
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._retry_at = float("-inf")

    async def __aenter__(self) -> "Profiles":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tasks = set(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def known(self, user_id: str) -> Profile:
        """The profile as last heard, however long ago; only the id when never heard of."""
        entry = self._entries.get(user_id)
        return Profile(id=user_id) if entry is None else entry.profile

    def refresh(self, user_ids: Collection[str]) -> None:
        """Asks for what is unknown or old, without waiting."""
        self._ask([user_id for user_id in user_ids if self._is_old(user_id)])

    async def load(self, user_ids: Collection[str]) -> None:
        """Makes profiles known, as far as the user service answers."""
        tasks = self._ask([user_id for user_id in user_ids if self._is_old(user_id)])
        if tasks:
            await asyncio.wait(tasks)

    async def require(self, user_ids: Collection[str]) -> None:
        """Makes profiles known. Raises NotFound (USER_NOT_FOUND) for users who do not exist.

        When that cannot be told: Unavailable, or what else the user service raised.
        """
        self._retry_at = float("-inf")
        tasks = self._ask([user_id for user_id in user_ids if not self._exists(user_id)])
        for task in tasks:
            await asyncio.shield(task)
        missing = [user_id for user_id in user_ids if not self._exists(user_id)]
        if missing:
            raise NotFound("USER_NOT_FOUND", "There is no such user.", metadata={"user_ids": ",".join(missing[:10])})

    def _exists(self, user_id: str) -> bool:
        entry = self._entries.get(user_id)
        return entry is not None and entry.exists

    def _is_old(self, user_id: str) -> bool:
        entry = self._entries.get(user_id)
        return entry is None or self._clock() - entry.at >= TTL_S

    def _ask(self, user_ids: Sequence[str]) -> set[asyncio.Task[None]]:
        """The tasks that will know `user_ids`: those under way, and new ones for the rest."""
        if not user_ids or self._clock() < self._retry_at:
            return set()
        ids = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in self._asking]
        for start in range(0, len(ids), MAX_BATCH):
            batch = ids[start : start + MAX_BATCH]
            task = asyncio.create_task(self._fetch(batch), name="profiles")
            task.add_done_callback(lambda done, batch=batch: self._asked(batch, done))  # type: ignore[misc]
            self._asking.update(dict.fromkeys(batch, task))
        return {self._asking[user_id] for user_id in user_ids}

    def _asked(self, user_ids: Sequence[str], task: asyncio.Task[None]) -> None:
        for user_id in user_ids:
            del self._asking[user_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("profiles are not known", users=len(user_ids), error=str(error))
            if isinstance(error, Error) and error.retryable:
                self._retry_at = self._clock() + RETRY_S

    async def _fetch(self, user_ids: Sequence[str]) -> None:
        try:
            response = await self._batch_get_users(BatchGetUsersRequest(ids=user_ids))
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        for user in response.items:
            self._keep(user.id, _profile(user), exists=True)
        for user_id in response.missing:
            self._keep(user_id, Profile(id=user_id), exists=False)

    def _keep(self, user_id: str, profile: Profile, *, exists: bool) -> None:
        self._entries[user_id] = _Entry(profile, exists, self._clock())
        self._entries.move_to_end(user_id)
        if len(self._entries) > MAX_PROFILES:
            self._entries.popitem(last=False)


def _profile(user: User) -> Profile:
    return Profile(
        id=user.id, kind=PROFILE_KIND_USER, username=user.username, full_name=user.full_name, avatar=user.avatar
    )
