"""The user service as a host opens it: its schema, its key, its seeded users, its three servicers."""

import stat
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry

from chat.user.v1.account_service_pb2 import GetMeRequest, RegisterRequest
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from chat.user.v1.session_service_pb2 import LoginRequest, LoginResponse
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub
from mesh.call.status import from_rpc_error
from mesh.errors import Unauthenticated
from mesh.host import Hosted, host
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics
from services.user.seed import seed_password
from services.user.service import SERVICE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


async def login(hosted: Hosted, username: str, password: str) -> LoginResponse:
    request = LoginRequest(username=username, password=password)
    response: LoginResponse = await SessionServiceStub(hosted.mesh.channel("user")).Login(request)
    return response


async def test_a_user_registers_logs_in_and_is_known_by_the_token(settings: Settings) -> None:
    """All three services answer, and any verifier in the mesh accepts what they sign."""
    async with host(settings, [SERVICE], metrics()) as hosted:
        accounts = AccountServiceStub(hosted.mesh.channel("user"))
        request = RegisterRequest(username="anna", email="anna@example.com", password="correct horse")
        registered = await accounts.Register(request)
        token = (await login(hosted, "anna", "correct horse")).access_token
        assert (await hosted.mesh.verifier.verify(token)).user_id == registered.account.id
        me = await accounts.GetMe(GetMeRequest(), metadata=[("authorization", f"Bearer {token}")])
        assert me.account.username == "anna"


async def test_development_starts_with_two_users(settings: Settings) -> None:
    """Both log in with the one password that is kept where only the owner of the data reads it."""
    async with host(settings, [SERVICE], metrics()) as hosted:
        password = seed_password(settings)
        alice, bob = await login(hosted, "alice", password), await login(hosted, "bob@example.com", password)
    assert (alice.user.full_name, bob.user.full_name) == ("Alice Martin", "Bob Rivera")
    assert len(password) == 19
    assert stat.S_IMODE((settings.data / "seed-password").stat().st_mode) == 0o600


async def test_a_restart_keeps_users_and_tokens(settings: Settings) -> None:
    """The same password, the same key, the same user."""
    async with host(settings, [SERVICE], metrics()) as hosted:
        password = seed_password(settings)
        before = await login(hosted, "alice", password)
    async with host(settings, [SERVICE], metrics()) as hosted:
        assert seed_password(settings) == password
        assert (await hosted.mesh.verifier.verify(before.access_token)).session_id == before.session_id
        assert (await login(hosted, "alice", password)).user.id == before.user.id


async def test_two_data_folders_share_no_secret(tmp_path: Path) -> None:
    """Neither password nor key has a default."""
    one, two = Settings(data=tmp_path / "one"), Settings(data=tmp_path / "two")
    assert seed_password(one) != seed_password(two)
    async with host(one, [SERVICE], metrics()) as first, host(two, [SERVICE], metrics()) as second:
        token = (await login(first, "alice", seed_password(one))).access_token
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            await second.mesh.verifier.verify(token)


async def test_production_starts_with_nobody(tmp_path: Path) -> None:
    """No seeded user and no seed password."""
    settings = Settings(data=tmp_path / "data", env="production")
    async with host(settings, [SERVICE], metrics()) as hosted:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await login(hosted, "alice", "whatever it was")
        assert from_rpc_error(refusal.value).reason == "INVALID_CREDENTIALS"
    assert not (settings.data / "seed-password").exists()
