"""AccountService: registering, one's own account, and the profiles of others."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import account_service_pb2 as pb
from chat.user.v1.account_service_pb2_grpc import AccountServiceServicer
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.errors import NotFound
from mesh.identity.principal import DEFAULT_WORKSPACE
from mesh.moment import read_moment
from mesh.page import Cursors, limit_of
from services.user.accounts.domain import Account, new_account, with_status
from services.user.accounts.edits import read_edits
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_account, to_export, to_user
from services.user.credentials.common import refuse_common
from services.user.credentials.letters import Letters
from services.user.credentials.proof import OwnerProof
from services.user.passwords import Passwords


class AccountServicer(AccountServiceServicer):
    def __init__(
        self,
        accounts: AccountStore,
        passwords: Passwords,
        *,
        proof: OwnerProof,
        letters: Letters,
        cursors: CursorCodec,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._proof = proof
        self._letters = letters
        self._cursors = cursors
        self._clock = clock
        self._ids = ids

    async def Register(self, request: pb.RegisterRequest, context: object) -> pb.RegisterResponse:
        now = self._clock()
        account = new_account(
            self._ids(),
            workspace_id=request.workspace_id or DEFAULT_WORKSPACE,
            username=request.username,
            email=request.email,
            full_name=request.full_name,
            now=now,
        )
        refuse_common(request.password, "password", account.username, account.email)
        password_hash = await self._passwords.hash(request.password)
        await self._accounts.add(account, password_hash, self._letters.verify(account, now))
        return pb.RegisterResponse(account=to_account(account, now))

    async def GetMe(self, request: pb.GetMeRequest, context: object) -> pb.GetMeResponse:
        return pb.GetMeResponse(account=to_account(await self._account(caller().user_id), self._clock()))

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: object) -> pb.UpdateMeResponse:
        edit, now = read_edits(request), self._clock()
        account = await self._accounts.edit(caller().workspace_id, caller().user_id, edit, now=now, etag=request.etag)
        return pb.UpdateMeResponse(account=to_account(account, now))

    async def SetStatus(self, request: pb.SetStatusRequest, context: object) -> pb.SetStatusResponse:
        now = self._clock()
        ends = read_moment(request.expires_at, "expires_at") if request.HasField("expires_at") else None
        account = await self._accounts.edit(
            caller().workspace_id,
            caller().user_id,
            lambda account: with_status(account, request.text, request.emoji, ends, now),
            now=now,
        )
        return pb.SetStatusResponse(account=to_account(account, now))

    async def DeleteMe(self, request: pb.DeleteMeRequest, context: object) -> pb.DeleteMeResponse:
        account = await self._proof(request.password)
        await self._accounts.erase(
            account.workspace_id, account.id, by=account.id, now=self._clock(), etag=request.etag
        )
        return pb.DeleteMeResponse()

    async def ExportMe(self, request: pb.ExportMeRequest, context: object) -> pb.ExportMeResponse:
        export = await self._accounts.export(
            caller().workspace_id, caller().user_id, by=caller().user_id, now=self._clock()
        )
        return pb.ExportMeResponse(export=to_export(export))

    async def GetUser(self, request: pb.GetUserRequest, context: object) -> pb.GetUserResponse:
        return pb.GetUserResponse(user=to_user(await self._account(request.id), self._clock()))

    async def ListUsers(self, request: pb.ListUsersRequest, context: object) -> pb.ListUsersResponse:
        workspace_id, limit, now = caller().workspace_id, limit_of(request.limit), self._clock()
        scope = f"ListUsers:{workspace_id}:{request.q}"
        cursors = Cursors[Account](self._cursors, scope, lambda account: (account.username,))
        found = await self._accounts.page(workspace_id, request.q, cursors.place(request.cursor), limit)
        users = [to_user(account, now) for account in found.items]
        return pb.ListUsersResponse(items=users, page=cursors.page(found, limit))

    async def BatchGetUsers(self, request: pb.BatchGetUsersRequest, context: object) -> pb.BatchGetUsersResponse:
        ids, now = list(dict.fromkeys(request.ids)), self._clock()
        found = await self._accounts.find(caller().workspace_id, ids)
        return pb.BatchGetUsersResponse(
            items=[to_user(found[account_id], now) for account_id in ids if account_id in found],
            missing=[account_id for account_id in ids if account_id not in found],
        )

    async def _account(self, account_id: str) -> Account:
        found = await self._accounts.find(caller().workspace_id, [account_id])
        if account_id not in found:
            raise NotFound("USER_NOT_FOUND", "There is no such user.")
        return found[account_id]
