"""A contract that cannot be served stops the start, by name."""

import grpc
import pytest
from google.protobuf.descriptor_pool import Default

from facade.descriptors import methods
from facade.rest import routes
from tests.unit.facade.protos import compiled

PROTO = """
syntax = "proto3";
package chat.faulty{number}.v1;
import "chat/mesh/v1/options.proto";
import "google/api/annotations.proto";

service FaultyService {{
  rpc Do(Thing) returns (Thing) {{
    option (google.api.http) = {{{rule}}};
    option (chat.mesh.v1.policy) = {{rest: {{{rest}}}}};
  }}
}}

message Thing {{
  string id = 1;
  Thing inner = 2;
}}
"""

FAULTS = [
    ('get: "/api/{nobody}"', "", "cannot be bound"),
    ('get: "/api/{id=*}"', "", "cannot be bound"),
    ('get: "/api/{inner.id}"', "", "cannot be bound"),
    ('post: "/api" body: "nobody"', "", "cannot be bound"),
    ('get: "/api" response_body: "nobody"', "", "no field nobody"),
    ('get: "/api"', 'location: "/api/{nobody}"', "no field nobody"),
    ('get: "/api" response_body: "inner"', 'etag_field: "nobody"', "no field nobody"),
    ('get: "/api" response_body: "id"', 'location: "/api/{id}"', "no field id"),
    ('get: "/api"', 'replayed_field: "nobody"', "no field nobody"),
    ('delete: "/api"', 'if_match_field: "nobody"', "no field nobody"),
    ('get: "/api" additional_bindings: {get: "/api"}', "", "belongs to another method"),
]


def no_channel(service: str) -> grpc.aio.Channel:
    raise AssertionError(service)


@pytest.mark.parametrize(("rule", "rest", "message"), FAULTS)
def test_a_faulty_contract_is_refused_at_start(rule: str, rest: str, message: str) -> None:
    """Nobody has to call a method to learn that its rule names a field it does not have."""
    number = FAULTS.index((rule, rest, message))
    compiled(f"faulty{number}.proto", PROTO.format(number=number, rule=rule, rest=rest))
    service = Default().FindServiceByName(f"chat.faulty{number}.v1.FaultyService")
    with pytest.raises(ValueError, match=f"FaultyService/Do: .*{message}"):
        routes(methods([service]), no_channel)
