"""Whose accounts a call is charged to, and what is said when one of them has to wait."""

import subprocess
import sys
from pathlib import Path

import pytest

from chat.message.v1 import feed_service_pb2  # noqa: F401, makes its methods known
from chat.message.v1.message_service_pb2 import EditMessageRequest, SendMessageRequest
from chat.user.v1.credential_service_pb2 import ChangePasswordRequest
from chat.user.v1.key_service_pb2 import GetKeysRequest
from chat.user.v1.session_service_pb2 import LoginRequest
from mesh.call.context import RequestContext
from mesh.identity.principal import Principal
from mesh.limits.classes import defaults
from mesh.limits.limiter import Charge
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limits import Limits, network, refusal, unlimited
from mesh.telemetry.metrics import Metrics, new_registry

SEND, EDIT = "/chat.message.v1.MessageService/SendMessage", "/chat.message.v1.MessageService/EditMessage"
LOGIN, CHANGE = "/chat.user.v1.SessionService/Login", "/chat.user.v1.CredentialService/ChangePassword"
KEYS, RELAY = "/chat.user.v1.KeyService/GetKeys", "/chat.message.v1.FeedService/Relay"
ROOT = Path(__file__).parents[4]
ANNA = Principal("anna", "s1", "user", 2e9)
STRANGER = RequestContext(address="192.0.2.1")


@pytest.fixture
def limits() -> Limits:
    return Limits(defaults(), MemoryLimiter())


def by(principal: Principal) -> RequestContext:
    return RequestContext(principal=principal, address="192.0.2.1", is_mesh=True)


def keys(charges: list[Charge]) -> list[str]:
    return [charge.key for charge in charges]


def scopes(charges: list[Charge]) -> set[str]:
    return {f"{charge.policy.name}.{charge.policy.scope}" for charge in charges}


def test_a_user_is_charged_and_what_the_method_names_too(limits: Limits) -> None:
    """A message counts for its sender and for its conversation."""
    charges = limits.of_call(SEND, by(ANNA), SendMessageRequest(conversation_id="c1"))
    assert scopes(charges) == {"send.user", "send.conversation"}
    assert "send.user:anna" in keys(charges)


def test_a_method_that_names_nothing_charges_the_caller_alone(limits: Limits) -> None:
    """An edit is a message of its user, and of no conversation that its request names."""
    assert keys(limits.of_call(EDIT, by(ANNA), EditMessageRequest())) == ["send.user:anna"]


def test_an_api_key_has_an_account_of_its_own(limits: Limits) -> None:
    """A program that runs wild keeps its owner from nothing."""
    key = Principal("anna", "k1", "user", 2e9, scopes=frozenset({"message:write"}))
    assert keys(limits.of_call(EDIT, by(key), EditMessageRequest())) == ["send.user:key:k1"]


def test_a_stranger_is_charged_by_address_and_by_the_account_that_they_try(limits: Limits) -> None:
    """Many addresses do not open one account, nor one address many accounts."""
    charges = limits.of_call(LOGIN, STRANGER, LoginRequest(username="anna"))
    assert scopes(charges) == {"login.account", "login.address"}
    assert "login.address:192.0.2.1" in keys(charges)


def test_an_account_is_the_same_however_its_name_is_spelled(limits: Limits) -> None:
    """As at the log-in itself, which does not care for case either; and another workspace has other accounts."""

    def account(username: str, workspace: str = "") -> str:
        request = LoginRequest(username=username, workspace_id=workspace)
        return next(key for key in keys(limits.of_call(LOGIN, STRANGER, request)) if "account" in key)

    assert account("Anna") == account("ANNA") == account("anna", "default")
    assert len({account("anna"), account("anna2"), account("anna", "other")}) == 3
    assert len(account("x" * 254)) < 60


def test_a_conversation_of_another_workspace_is_another(limits: Limits) -> None:
    """Nothing reaches across workspaces, limits neither."""
    found = {
        charge.key
        for workspace in ("one", "two")
        for charge in limits.of_call(
            SEND, by(Principal("anna", "s1", "user", 2e9, workspace)), SendMessageRequest(conversation_id="c1")
        )
        if charge.policy.scope == "conversation"
    }
    assert len(found) == 2


def test_who_is_logged_in_tries_their_own_account(limits: Limits) -> None:
    """A password that is changed is guessed no faster than one that is logged in with."""
    assert keys(limits.of_call(CHANGE, by(ANNA), ChangePasswordRequest())) == ["login.account:anna"]


def test_what_the_mesh_asks_for_itself_is_free(limits: Limits) -> None:
    """A process that speaks for nobody has no address. A stranger without one is no process of ours."""
    assert limits.of_call(KEYS, RequestContext(is_mesh=True), GetKeysRequest()) == []
    assert keys(limits.of_call(KEYS, RequestContext(), GetKeysRequest())) == ["read.address:unknown"]


def test_streams_of_requests_are_charged_when_they_open(limits: Limits) -> None:
    """By the caller, since nothing was asked yet."""
    assert keys(limits.of_call(RELAY, STRANGER, None)) == ["send.address:192.0.2.1"]
    assert limits.of_call("/grpc.health.v1.Health/Check", STRANGER, None) == []


def test_the_edge_counts_a_user_or_an_address(limits: Limits) -> None:
    """Never both: an office behind one address is many users."""
    assert keys(limits.of_request(ANNA, "192.0.2.1")) == ["edge.user:anna"]
    assert keys(limits.of_request(None, "192.0.2.1")) == ["edge.address:192.0.2.1"]


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("a pipe", "a pipe"),
    ],
)
def test_whoever_has_a_whole_network_is_one(address: str, owner: str) -> None:
    """IPv6 hands out networks, of which each holds more addresses than anybody could count."""
    assert network(address) == owner


async def test_a_refusal_says_which_limit_and_how_long(limits: Limits) -> None:
    """And it is counted."""
    registry = new_registry()
    limits = Limits(defaults(), MemoryLimiter(clock=lambda: 1), Metrics(registry))
    charges = limits.of_call(LOGIN, STRANGER, LoginRequest(username="anna"))
    for _ in range(10):
        assert refusal(await limits.take(charges)) is None
    error = refusal(await limits.take(charges))
    assert error is not None
    assert (error.reason, error.retry_after_s) == ("RATE_LIMITED", 10)
    assert error.limit is not None
    assert (error.limit.policy, error.limit.scope) == ("login", "account")
    labels = {"policy": "login", "scope": "account"}
    assert registry.get_sample_value("chat_rate_limited_total", labels) == 1


def test_no_driver_is_loaded_before_a_url_asks_for_it() -> None:
    """Memory needs none."""
    program = "import mesh.limits.interceptor, mesh.limits.limits, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "mesh.limits.limits" in done.stdout.split()
    assert "redis" not in done.stdout.split()


async def test_without_limits_nobody_is_charged() -> None:
    """Nor asked for."""
    limits = unlimited()
    assert limits.of_call(SEND, by(ANNA), SendMessageRequest(conversation_id="c1")) == []
    assert limits.of_request(ANNA, "") == []
    assert await limits.take_each([[], []]) == [[], []]
    assert refusal(await limits.take([])) is None
