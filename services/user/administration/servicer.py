"""AdministrationService: what the admins of a workspace do to its users, and the log of what was done."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import administration_service_pb2 as pb
from chat.user.v1.administration_service_pb2_grpc import AdministrationServiceServicer
from mesh.call.context import caller
from mesh.identity.principal import DEFAULT_WORKSPACE
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_export, to_role, to_user
from services.user.administration.store import AdministrationStore
from services.user.audit.reader import AuditReader
from services.user.blocks.domain import refuse_oneself


class AdministrationServicer(AdministrationServiceServicer):
    def __init__(
        self,
        administration: AdministrationStore,
        accounts: AccountStore,
        audit: AuditReader,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._administration = administration
        self._accounts = accounts
        self._audit = audit
        self._clock = clock

    async def SuspendUser(self, request: pb.SuspendUserRequest, context: object) -> pb.SuspendUserResponse:
        admin, now = caller(), self._clock()
        refuse_oneself(admin.user_id, request.id)
        account = await self._administration.suspend(
            admin.workspace_id, request.id, by=admin.user_id, reason=request.reason, now=now
        )
        return pb.SuspendUserResponse(user=to_user(account, now))

    async def ReactivateUser(self, request: pb.ReactivateUserRequest, context: object) -> pb.ReactivateUserResponse:
        admin, now = caller(), self._clock()
        account = await self._administration.reactivate(admin.workspace_id, request.id, by=admin.user_id, now=now)
        return pb.ReactivateUserResponse(user=to_user(account, now))

    async def EraseUser(self, request: pb.EraseUserRequest, context: object) -> pb.EraseUserResponse:
        admin = caller()
        refuse_oneself(admin.user_id, request.id)
        await self._accounts.erase(admin.workspace_id, request.id, by=admin.user_id, now=self._clock())
        return pb.EraseUserResponse()

    async def SetRole(self, request: pb.SetRoleRequest, context: object) -> pb.SetRoleResponse:
        admin, now = caller(), self._clock()
        account = await self._administration.set_role(
            admin.workspace_id, request.id, to_role(request.role), by=admin.user_id, now=now
        )
        return pb.SetRoleResponse(user=to_user(account, now))

    async def ExportUser(self, request: pb.ExportUserRequest, context: object) -> pb.ExportUserResponse:
        admin = caller()
        export = await self._accounts.export(admin.workspace_id, request.id, by=admin.user_id, now=self._clock())
        return pb.ExportUserResponse(export=to_export(export))

    async def ListAudit(self, request: pb.ListAuditRequest, context: object) -> pb.ListAuditResponse:
        return await self._audit.list(request)

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, context: object) -> pb.VerifyAuditResponse:
        return await self._audit.verify()

    async def GrantRole(self, request: pb.GrantRoleRequest, context: object) -> pb.GrantRoleResponse:
        workspace_id, now = request.workspace_id or DEFAULT_WORKSPACE, self._clock()
        account = await self._administration.grant(workspace_id, request.username, to_role(request.role), now)
        return pb.GrantRoleResponse(user=to_user(account, now))
