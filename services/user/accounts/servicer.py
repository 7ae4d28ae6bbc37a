"""AccountService: registering, one's own account, and the profiles of others."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import account_service_pb2 as pb
from chat.user.v1.account_service_pb2_grpc import AccountServiceServicer
from mesh.call.context import caller
from mesh.errors import NotFound
from mesh.identity.principal import DEFAULT_WORKSPACE
from services.user.accounts.domain import Account, new_account
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_account, to_user
from services.user.passwords import Passwords


class AccountServicer(AccountServiceServicer):
    def __init__(
        self,
        accounts: AccountStore,
        passwords: Passwords,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._clock = clock
        self._ids = ids

    async def Register(self, request: pb.RegisterRequest, context: object) -> pb.RegisterResponse:
        password_hash = await self._passwords.hash(request.password)
        account = new_account(
            self._ids(),
            workspace_id=request.workspace_id or DEFAULT_WORKSPACE,
            username=request.username,
            email=request.email,
            full_name=request.full_name,
            now=self._clock(),
        )
        await self._accounts.add(account, password_hash)
        return pb.RegisterResponse(account=to_account(account))

    async def GetMe(self, request: pb.GetMeRequest, context: object) -> pb.GetMeResponse:
        return pb.GetMeResponse(account=to_account(await self._account(caller().user_id)))

    async def GetUser(self, request: pb.GetUserRequest, context: object) -> pb.GetUserResponse:
        return pb.GetUserResponse(user=to_user(await self._account(request.id)))

    async def BatchGetUsers(self, request: pb.BatchGetUsersRequest, context: object) -> pb.BatchGetUsersResponse:
        ids = list(dict.fromkeys(request.ids))
        found = await self._accounts.find(caller().workspace_id, ids)
        return pb.BatchGetUsersResponse(
            items=[to_user(found[account_id]) for account_id in ids if account_id in found],
            missing=[account_id for account_id in ids if account_id not in found],
        )

    async def _account(self, account_id: str) -> Account:
        found = await self._accounts.find(caller().workspace_id, [account_id])
        if account_id not in found:
            raise NotFound("USER_NOT_FOUND", "There is no such user.")
        return found[account_id]
