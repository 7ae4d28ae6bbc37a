"""SecondFactorService, and what it makes of logging in, over a real database."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from chat.user.v1 import second_factor_service_pb2 as pb
from chat.user.v1 import session_service_pb2 as sessions_pb
from mesh.errors import Error, Exhausted, Forbidden, Unauthenticated, WrongState
from mesh.sealing import Sealer
from services.user.factors.check import SecondFactorCheck
from services.user.factors.servicer import SecondFactorServicer
from services.user.factors.store_sql import SqlFactorStore
from tests.integration.user.world import PASSWORD, SECRET, World, calling_as


class Anna:
    """Somebody with an account, a password and an authenticator."""

    def __init__(self, world: World, user_id: str) -> None:
        store, sealer = SqlFactorStore(world.database, world.trail), Sealer(SECRET, "second factors")
        self.world, self.id = world, user_id
        self.codes: list[str] = []
        self.secret = b""
        self.service = SecondFactorServicer(
            store,
            SecondFactorCheck(store, sealer),
            proof=world.proof,
            attempts=world.attempts,
            sealer=sealer,
            clock=lambda: world.now,
        )

    async def call(self, method: str, **fields: Any) -> Any:
        with calling_as(self.id):
            return await getattr(self.service, method)(getattr(pb, f"{method}Request")(**fields), None)

    def code(self) -> str:
        """What the authenticator shows now."""
        step = int(self.world.now.timestamp()) // 30
        return HOTP(self.secret, 6, SHA1()).generate(step).decode()

    async def set_up(self) -> None:
        enrolled = await self.call("EnrollTotp", password=PASSWORD)
        self.secret = base64.b32decode(enrolled.secret + "=" * (-len(enrolled.secret) % 8))
        confirmed = await self.call("ConfirmTotp", enrollment=enrolled.enrollment, code=self.code())
        self.codes = list(confirmed.recovery_codes)
        self.world.now += timedelta(seconds=30)

    async def login(self, code: str = "", password: str = PASSWORD) -> sessions_pb.LoginResponse:
        request = sessions_pb.LoginRequest(username="anna", password=password, code=code)
        return await self.world.sessions.Login(request, None)

    async def refusal(self, code: str = "", password: str = PASSWORD) -> str:
        with pytest.raises(Error) as caught:
            await self.login(code, password)
        return caught.value.reason


@pytest.fixture
async def anna(world: World) -> Anna:
    return Anna(world, (await world.register("anna")).id)


async def test_logging_in_takes_a_code_once_it_is_set_up(anna: Anna) -> None:
    """Not before; and a wrong password is told first, so that a code tells nothing about it."""
    await anna.login()
    await anna.set_up()
    assert await anna.refusal() == "SECOND_FACTOR_REQUIRED"
    assert await anna.refusal("000000") == "SECOND_FACTOR_INVALID"
    assert await anna.refusal(anna.code(), password="wrong") == "INVALID_CREDENTIALS"
    assert (await anna.login(anna.code())).access_token


async def test_no_code_opens_two_sessions(anna: Anna) -> None:
    """Nor does the one that set the factor up."""
    await anna.set_up()
    anna.world.now -= timedelta(seconds=30)
    assert await anna.refusal(anna.code()) == "SECOND_FACTOR_INVALID"
    anna.world.now += timedelta(seconds=30)
    await anna.login(anna.code())
    assert await anna.refusal(anna.code()) == "SECOND_FACTOR_INVALID"


async def test_a_recovery_code_is_good_once(anna: Anna) -> None:
    """In any spelling; the others stay."""
    await anna.set_up()
    await anna.login(anna.codes[0].upper().replace("-", " "))
    assert await anna.refusal(anna.codes[0]) == "SECOND_FACTOR_INVALID"
    left = await anna.call("GetSecondFactor")
    assert (left.is_on, left.recovery_codes_left) == (True, 9)


async def test_an_enrollment_belongs_to_one_user_and_ends(anna: Anna) -> None:
    """Another user's, a changed and a late one are refused, and nothing is set up."""
    bea = Anna(anna.world, (await anna.world.register("bea")).id)
    enrolled = await bea.call("EnrollTotp", password=PASSWORD)
    changed = enrolled.enrollment[:-4] + "AAAA"
    anna.world.now += timedelta(minutes=10)
    for who, enrollment in ((anna, enrolled.enrollment), (bea, changed), (bea, "%"), (bea, enrolled.enrollment)):
        with pytest.raises(WrongState, match="ENROLLMENT_INVALID"):
            await who.call("ConfirmTotp", enrollment=enrollment, code="000000")
    assert not (await bea.call("GetSecondFactor")).is_on


async def test_a_wrong_code_confirms_nothing(anna: Anna) -> None:
    """The authenticator has to have the secret."""
    enrolled = await anna.call("EnrollTotp", password=PASSWORD)
    with pytest.raises(Forbidden, match="SECOND_FACTOR_INVALID"):
        await anna.call("ConfirmTotp", enrollment=enrolled.enrollment, code="0000000")
    assert not (await anna.call("GetSecondFactor")).is_on


async def test_what_changes_the_factor_takes_the_password(anna: Anna) -> None:
    """A session alone is not enough."""
    with pytest.raises(Forbidden, match="PASSWORD_WRONG"):
        await anna.call("EnrollTotp", password="wrong")
    await anna.set_up()
    for method in ("DisableSecondFactor", "ReplaceRecoveryCodes"):
        with pytest.raises(Forbidden, match="PASSWORD_WRONG"):
            await anna.call(method, password="wrong", code=anna.code())
    with pytest.raises(WrongState, match="SECOND_FACTOR_ON"):
        await anna.call("EnrollTotp", password=PASSWORD)


async def test_guessing_codes_is_slowed_down(anna: Anna) -> None:
    """Though the password is right each time."""
    await anna.set_up()
    for _ in range(3):
        with pytest.raises(Forbidden, match="SECOND_FACTOR_INVALID"):
            await anna.call("DisableSecondFactor", password=PASSWORD, code="000000")
    with pytest.raises(Exhausted, match="RATE_LIMITED"):
        await anna.call("DisableSecondFactor", password=PASSWORD, code=anna.code())
    anna.world.now += timedelta(seconds=60)
    await anna.call("DisableSecondFactor", password=PASSWORD, code=anna.code())


async def test_codes_are_replaced_and_the_factor_is_taken_away(anna: Anna) -> None:
    """The old codes are good no longer; afterwards the password is enough, and a factor can be set up again."""
    await anna.set_up()
    replaced = await anna.call("ReplaceRecoveryCodes", password=PASSWORD, code=anna.code())
    assert await anna.refusal(anna.codes[1]) == "SECOND_FACTOR_INVALID"
    await anna.call("DisableSecondFactor", password=PASSWORD, code=replaced.recovery_codes[0])
    await anna.login()
    await anna.set_up()
    with pytest.raises(Unauthenticated, match="SECOND_FACTOR_REQUIRED"):
        await anna.login()
