"""BotService: the caller's bots and their keys; for admins those of the workspace."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import bot_service_pb2 as pb
from chat.user.v1.bot_service_pb2_grpc import BotServiceServicer
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, limit_of
from services.user.accounts.domain import Account
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_user
from services.user.api_keys.domain import ApiKey
from services.user.api_keys.issuing import KeyIssuing
from services.user.api_keys.store import ApiKeyStore
from services.user.api_keys.wire import moment, to_api_key
from services.user.bots.domain import check_may_manage, new_bot
from services.user.bots.store import BotStore


class BotServicer(BotServiceServicer):
    def __init__(
        self,
        bots: BotStore,
        accounts: AccountStore,
        keys: ApiKeyStore,
        issuing: KeyIssuing,
        cursors: CursorCodec,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._bots = bots
        self._accounts = accounts
        self._keys = keys
        self._issuing = issuing
        self._cursors = cursors
        self._clock = clock
        self._ids = ids

    async def CreateBot(self, request: pb.CreateBotRequest, context: object) -> pb.CreateBotResponse:
        who, now = caller(), self._clock()
        bot = new_bot(
            self._ids(),
            workspace_id=who.workspace_id,
            owner_id=who.user_id,
            username=request.username,
            full_name=request.full_name,
            now=now,
        )
        await self._bots.add(bot)
        return pb.CreateBotResponse(bot=to_user(bot, now))

    async def ListBots(self, request: pb.ListBotsRequest, context: object) -> pb.ListBotsResponse:
        who, now, limit = caller(), self._clock(), limit_of(request.limit)
        cursors = Cursors[Account](self._cursors, f"ListBots:{who.user_id}", lambda bot: (bot.id,))
        found = await self._bots.page(who.workspace_id, who.user_id, cursors.place(request.cursor), limit)
        items = [to_user(bot, now) for bot in found.items]
        return pb.ListBotsResponse(items=items, page=cursors.page(found, limit))

    async def DeleteBot(self, request: pb.DeleteBotRequest, context: object) -> pb.DeleteBotResponse:
        await self._check_may_manage(request.id)
        await self._bots.erase(caller().workspace_id, request.id, self._clock())
        return pb.DeleteBotResponse()

    async def CreateBotKey(self, request: pb.CreateBotKeyRequest, context: object) -> pb.CreateBotKeyResponse:
        await self._check_may_manage(request.id)
        expires_at = moment(request, request.expires_at)
        key, secret = await self._issuing.issue(request.id, request.name, request.scopes, expires_at)
        return pb.CreateBotKeyResponse(api_key=to_api_key(key), secret=secret)

    async def ListBotKeys(self, request: pb.ListBotKeysRequest, context: object) -> pb.ListBotKeysResponse:
        await self._check_may_manage(request.id)
        limit = limit_of(request.limit)
        cursors = Cursors[ApiKey](self._cursors, f"ListBotKeys:{request.id}", lambda key: (key.id,))
        place = cursors.place(request.cursor)
        found = await self._keys.page(caller().workspace_id, request.id, self._clock(), place, limit)
        return pb.ListBotKeysResponse(items=map(to_api_key, found.items), page=cursors.page(found, limit))

    async def RevokeBotKey(self, request: pb.RevokeBotKeyRequest, context: object) -> pb.RevokeBotKeyResponse:
        await self._check_may_manage(request.id)
        await self._keys.revoke(caller().workspace_id, request.id, request.key_id, self._clock())
        return pb.RevokeBotKeyResponse()

    async def _check_may_manage(self, bot_id: str) -> None:
        found = await self._accounts.find(caller().workspace_id, [bot_id])
        check_may_manage(caller(), found.get(bot_id))
