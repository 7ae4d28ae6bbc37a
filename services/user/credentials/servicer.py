"""CredentialService: proving a mail address, changing it, and changing or getting back a password."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import credential_service_pb2 as pb
from chat.user.v1.credential_service_pb2_grpc import CredentialServiceServicer
from mesh.call.context import caller
from mesh.errors import NotFound, WrongState
from mesh.identity.principal import DEFAULT_WORKSPACE
from services.user.accounts.domain import Credentials, checked_email
from services.user.accounts.store import AccountStore
from services.user.credentials.common import refuse_common
from services.user.credentials.domain import Purpose, token_hash
from services.user.credentials.letters import Letters, nobody
from services.user.credentials.proof import OwnerProof
from services.user.credentials.store import CredentialStore
from services.user.mail.compose import Kind
from services.user.passwords import Passwords


class CredentialServicer(CredentialServiceServicer):
    def __init__(
        self,
        store: CredentialStore,
        accounts: AccountStore,
        passwords: Passwords,
        *,
        proof: OwnerProof,
        letters: Letters,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._proof = proof
        self._letters = letters
        self._clock = clock

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: object) -> pb.VerifyEmailResponse:
        token, now = token_hash(request.token), self._clock()
        link, known = await self._store.look_at(token, Purpose.VERIFY, Purpose.EMAIL, now=now)
        before = known.account
        is_changed = link.purpose is Purpose.EMAIL
        notice = self._letters.notice(Kind.EMAIL_CHANGED, before, before.email, now) if is_changed else None
        await self._store.use_verification(token, now, notice)
        return pb.VerifyEmailResponse()

    async def ResendVerification(
        self, request: pb.ResendVerificationRequest, context: object
    ) -> pb.ResendVerificationResponse:
        account = (await self._accounts.find(caller().workspace_id, [caller().user_id])).get(caller().user_id)
        if account is None:
            raise NotFound("USER_NOT_FOUND", "There is no such user.")
        if account.is_verified:
            raise WrongState("ALREADY_VERIFIED", "The mail address is proven already.")
        await self._store.send(self._letters.verify(account, self._clock()))
        return pb.ResendVerificationResponse()

    async def ChangeEmail(self, request: pb.ChangeEmailRequest, context: object) -> pb.ChangeEmailResponse:
        email = checked_email(request.email)
        account = await self._proof(request.password)
        free = await self._store.is_free(account.workspace_id, email, account.id)
        await self._store.send(self._letters.change_email(account, email, self._clock()), known=free)
        return pb.ChangeEmailResponse()

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: object) -> pb.ChangePasswordResponse:
        known = await self._proof.credentials(request.password)
        account, now = known.account, self._clock()
        refuse_common(request.new_password, "new_password", account.username, account.email)
        password_hash = await self._passwords.hash(request.new_password)
        notice = self._letters.notice(Kind.PASSWORD_CHANGED, account, account.email, now)
        await self._store.change_password(known, password_hash, notice, keep=caller().session_id, now=now)
        return pb.ChangePasswordResponse()

    async def ForgotPassword(self, request: pb.ForgotPasswordRequest, context: object) -> pb.ForgotPasswordResponse:
        workspace_id, now = request.workspace_id or DEFAULT_WORKSPACE, self._clock()
        found = await self._accounts.credentials(workspace_id, request.email)
        known = found is not None and found.account.is_active
        whose = found if found is not None and known else Credentials(nobody(workspace_id, now), "")
        await self._store.ask_reset(self._letters.reset(whose, now), now, known=known)
        return pb.ForgotPasswordResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: object) -> pb.ResetPasswordResponse:
        token, now = token_hash(request.token), self._clock()
        # Looked at first: who made a link up gets no hash computed.
        _, known = await self._store.look_at(token, Purpose.RESET, now=now)
        account = known.account
        refuse_common(request.new_password, "new_password", account.username, account.email)
        password_hash = await self._passwords.hash(request.new_password)
        notice = self._letters.notice(Kind.PASSWORD_CHANGED, account, account.email, now)
        await self._store.use_reset(token, password_hash, notice, now)
        return pb.ResetPasswordResponse()

    async def Unlock(self, request: pb.UnlockRequest, context: object) -> pb.UnlockResponse:
        await self._store.use_unlock(token_hash(request.token), self._clock())
        return pb.UnlockResponse()
