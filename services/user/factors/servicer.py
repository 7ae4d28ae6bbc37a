"""SecondFactorService: setting a second factor up, and taking it away.

An enrollment is not kept: the caller carries the secret, sealed, until a code proves that the authenticator has it.
"""

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

import orjson

from chat.user.v1 import second_factor_service_pb2 as pb
from chat.user.v1.second_factor_service_pb2_grpc import SecondFactorServiceServicer
from mesh.call.context import caller
from mesh.errors import Forbidden, WrongState
from mesh.sealing import Sealer
from services.user.accounts.domain import Account
from services.user.attempts.domain import Subject
from services.user.attempts.gate import Attempts
from services.user.credentials.proof import OwnerProof
from services.user.factors import domain
from services.user.factors.check import SecondFactorCheck, wrong_code
from services.user.factors.store import FactorStore

ISSUER = "Massive Scale Chat"


class SecondFactorServicer(SecondFactorServiceServicer):
    def __init__(
        self,
        store: FactorStore,
        check: SecondFactorCheck,
        *,
        proof: OwnerProof,
        attempts: Attempts,
        sealer: Sealer,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._check = check
        self._proof = proof
        self._attempts = attempts
        self._sealer = sealer
        self._clock = clock

    async def GetSecondFactor(self, request: pb.GetSecondFactorRequest, context: object) -> pb.GetSecondFactorResponse:
        factor = await self._store.get(caller().workspace_id, caller().user_id)
        left = factor.recovery_codes_left if factor else 0
        return pb.GetSecondFactorResponse(is_on=factor is not None, recovery_codes_left=left)

    async def EnrollTotp(self, request: pb.EnrollTotpRequest, context: object) -> pb.EnrollTotpResponse:
        account = await self._proof(request.password)
        if account.has_second_factor:
            raise WrongState("SECOND_FACTOR_ON", "There is a second factor already. Take it away first.")
        secret = secrets.token_bytes(domain.SECRET_BYTES)
        ends_at = (self._clock() + domain.ENROLLMENT).timestamp()
        sealed = self._sealer.seal(orjson.dumps([secret.hex(), ends_at]), _enrollment_of(account.id))
        return pb.EnrollTotpResponse(
            secret=domain.base32(secret),
            uri=domain.uri(secret, account.username, ISSUER),
            enrollment=base64.urlsafe_b64encode(sealed).decode(),
        )

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, context: object) -> pb.ConfirmTotpResponse:
        user_id, now = caller().user_id, self._clock()
        secret = self._enrolled(request.enrollment, user_id, now)
        step = domain.matching_step(secret, request.code, now, last_step=0)
        if step is None:
            raise wrong_code()
        codes = domain.new_recovery_codes(secrets.choice)
        sealed = self._sealer.seal(secret, user_id)
        await self._store.add(caller().workspace_id, user_id, sealed, step, _hashes(user_id, codes), now)
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def ReplaceRecoveryCodes(
        self, request: pb.ReplaceRecoveryCodesRequest, context: object
    ) -> pb.ReplaceRecoveryCodesResponse:
        account = await self._prove(request.password, request.code)
        codes = domain.new_recovery_codes(secrets.choice)
        await self._store.replace_codes(account.workspace_id, account.id, _hashes(account.id, codes), self._clock())
        return pb.ReplaceRecoveryCodesResponse(recovery_codes=codes)

    async def DisableSecondFactor(
        self, request: pb.DisableSecondFactorRequest, context: object
    ) -> pb.DisableSecondFactorResponse:
        account = await self._prove(request.password, request.code)
        await self._store.remove(account.workspace_id, account.id, self._clock())
        return pb.DisableSecondFactorResponse()

    async def _prove(self, password: str, code: str) -> Account:
        """The caller's account, by password and code. Guessing either is slowed down."""
        account = await self._proof(password)
        who = account.workspace_id, account.id
        await self._attempts.check_proof(*who, of=Subject.CODE)
        try:
            await self._check.check(account, code, self._clock())
        except Forbidden:
            await self._attempts.proof_failed(*who, of=Subject.CODE)
            raise
        await self._attempts.proof_succeeded(*who, of=Subject.CODE)
        return account

    def _enrolled(self, enrollment: str, user_id: str, now: datetime) -> bytes:
        try:
            sealed = base64.urlsafe_b64decode(enrollment)
            secret, ends_at = orjson.loads(self._sealer.open(sealed, _enrollment_of(user_id)))
        except ValueError:
            secret, ends_at = "", 0.0
        if ends_at <= now.timestamp():
            raise WrongState("ENROLLMENT_INVALID", "The enrollment is not yours, or has ended. Begin again.")
        return bytes.fromhex(secret)


def _enrollment_of(user_id: str) -> str:
    return f"enrollment of {user_id}"


def _hashes(user_id: str, codes: Sequence[str]) -> list[bytes]:
    return [domain.recovery_hash(user_id, code) for code in codes]
