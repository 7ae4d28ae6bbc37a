"""The client policy compiled from the contracts."""

import json

import grpc

from mesh.policy.retries import service_config


def test_only_repeatable_methods_are_retried() -> None:
    """What may be done twice is tried again; registering is not."""
    config = json.loads(service_config("user"))
    (entry,) = config["methodConfig"]
    names = {name["method"] for name in entry["name"]}
    assert {"GetMe", "BatchGetUsers", "Logout"} <= names
    assert not names & {"Register", "Login", "Refresh"}
    assert entry["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]


def test_no_timeouts_and_no_tiny_backoff() -> None:
    """Both are broken in grpc core."""
    text = service_config("message")
    assert "timeout" not in text.lower()
    backoff = json.loads(text)["methodConfig"][0]["retryPolicy"]["initialBackoff"]
    assert float(backoff.rstrip("s")) >= 0.02


async def test_core_accepts_the_config() -> None:
    """A bad config would fail every call with INVALID_ARGUMENT."""
    options = [("grpc.service_config", service_config("message"))]
    async with grpc.aio.insecure_channel("ipv4:127.0.0.1:1", options=options) as channel:
        try:
            await channel.unary_unary("/x/Y")(b"", timeout=2)  # type: ignore[arg-type]
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017


def test_an_unknown_service_has_no_retries() -> None:
    """Nothing is known to be repeatable."""
    assert "methodConfig" not in json.loads(service_config("nobody"))
