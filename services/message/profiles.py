"""Who people are, as the user service says: asked for in batches, and remembered for a while.

Messages are served even when the user service is away: then with the profile known last, or only the id.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType

import structlog

from chat.message.v1.message_pb2 import PROFILE_KIND_BOT, PROFILE_KIND_USER, Profile
from chat.user.v1.account_service_pb2 import BatchGetUsersRequest, BatchGetUsersResponse
from chat.user.v1.user_pb2 import USER_KIND_BOT, User
from mesh.call.context import caller
from mesh.call.status import answer_of
from mesh.errors import Error, NotFound

MAX_PROFILES = 10_000
MAX_BATCH = 100
TTL_S = 60.0
RETRY_S = 2.0
"""How long nobody waits for a user service that has just failed to answer."""

Key = tuple[str, str]
"""Workspace id and user id: what one workspace knows is nothing to another."""

BatchGetUsers = Callable[[BatchGetUsersRequest], Awaitable[BatchGetUsersResponse]]
"""The stub's method. The call carries the token of the request being served."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    profile: Profile
    exists: bool
    at: float


class Profiles:
    """A bounded cache over the user service, for the workspace of the call being served.

    Open with `async with`; leaving it gives up what is being asked.
    """

    def __init__(self, batch_get_users: BatchGetUsers, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._batch_get_users = batch_get_users
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._asking: dict[Key, asyncio.Task[None]] = {}
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

    def known(self, workspace_id: str, user_id: str) -> Profile:
        """The profile as last heard, however long ago; only the id when never heard of."""
        entry = self._entries.get((workspace_id, user_id))
        return Profile(id=user_id) if entry is None else entry.profile

    def refresh(self, user_ids: Collection[str]) -> None:
        """Asks for what is unknown or old, without waiting."""
        self._ask([key for key in _keys(user_ids) if self._is_old(key)])

    async def load(self, user_ids: Collection[str]) -> None:
        """Makes profiles known, as far as the user service answers."""
        tasks = self._ask([key for key in _keys(user_ids) if self._is_old(key)])
        if tasks:
            await asyncio.wait(tasks)

    async def require(self, user_ids: Collection[str]) -> None:
        """Makes profiles known. Raises NotFound (USER_NOT_FOUND) for users who do not exist.

        When that cannot be told: Unavailable, or what else the user service raised.
        """
        self._retry_at, keys = float("-inf"), _keys(user_ids)
        try:
            await self._found(keys)
        except Error as error:
            if error.retryable:
                raise
            await self._found(keys)  # It may have been another caller who was refused.
        missing = [key[1] for key in keys if not self._exists(key)]
        if missing:
            raise NotFound("USER_NOT_FOUND", "There is no such user.", metadata={"user_ids": ",".join(missing[:10])})

    async def _found(self, keys: Sequence[Key]) -> None:
        for task in self._ask([key for key in keys if not self._exists(key)]):
            await asyncio.shield(task)

    def _exists(self, key: Key) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry.exists

    def _is_old(self, key: Key) -> bool:
        entry = self._entries.get(key)
        return entry is None or self._clock() - entry.at >= TTL_S

    def _ask(self, keys: Sequence[Key]) -> set[asyncio.Task[None]]:
        """The tasks that will know `keys`, all of one workspace: those under way, and new ones for the rest."""
        if not keys or self._clock() < self._retry_at:
            return set()
        new = [key for key in dict.fromkeys(keys) if key not in self._asking]
        for start in range(0, len(new), MAX_BATCH):
            batch = new[start : start + MAX_BATCH]
            task = asyncio.create_task(self._fetch(batch), name="profiles")
            task.add_done_callback(lambda done, batch=batch: self._asked(batch, done))  # type: ignore[misc]
            self._asking.update(dict.fromkeys(batch, task))
        return {self._asking[key] for key in keys}

    def _asked(self, keys: Sequence[Key], task: asyncio.Task[None]) -> None:
        for key in keys:
            del self._asking[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("profiles are not known", users=len(keys), error=str(error))
            if isinstance(error, Error) and error.retryable:
                self._retry_at = self._clock() + RETRY_S

    async def _fetch(self, keys: Sequence[Key]) -> None:
        workspace_id = keys[0][0]
        response = await answer_of(self._batch_get_users(BatchGetUsersRequest(ids=[user_id for _, user_id in keys])))
        for user in response.items:
            self._keep((workspace_id, user.id), _profile(user), exists=True)
        for user_id in response.missing:
            self._keep((workspace_id, user_id), Profile(id=user_id), exists=False)

    def _keep(self, key: Key, profile: Profile, *, exists: bool) -> None:
        self._entries[key] = _Entry(profile, exists, self._clock())
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_PROFILES:
            self._entries.popitem(last=False)


def _keys(user_ids: Collection[str]) -> list[Key]:
    """For the workspace of the caller: it is the one that the user service answers for."""
    workspace_id = caller().workspace_id if user_ids else ""
    return [(workspace_id, user_id) for user_id in user_ids]


def _profile(user: User) -> Profile:
    kind = PROFILE_KIND_BOT if user.kind == USER_KIND_BOT else PROFILE_KIND_USER
    return Profile(id=user.id, kind=kind, username=user.username, full_name=user.full_name, avatar=user.avatar)
