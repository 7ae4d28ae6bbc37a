"""gRPC's own client policy, compiled from the contracts: which methods may be tried again, and how often at most."""

import json
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions

# Backoffs below 20 ms can hang calls in grpc core, and its configured time-outs fire early: deadlines are set per call.
_RETRY = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def service_config(service: str) -> str:
    """The service config for channels to `service`: balanced over healthy instances, repeatable methods retried."""
    image = FileDescriptorSet.FromString(files("chat").joinpath("descriptor.binpb").read_bytes())
    package = f"chat.{service}.v1"
    repeatable = [
        {"service": f"{package}.{descriptor.name}", "method": method.name}
        for file in image.file
        if file.package == package
        for descriptor in file.service
        for method in descriptor.method
        if method.options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    ]
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        # Retries stop when they are more than about a fifth of what succeeds.
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.2},
    }
    if repeatable:
        config["methodConfig"] = [{"name": repeatable, "retryPolicy": _RETRY}]
    return json.dumps(config)
