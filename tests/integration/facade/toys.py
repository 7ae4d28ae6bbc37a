"""A service that the facade has never heard of, and its servicer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status

from facade.descriptors import Method, methods
from mesh.call.status import to_status
from mesh.errors import Conflict, Error, Invalid, NotFound, Stale, Violation
from tests.unit.facade.protos import compiled

SERVICE = "chat.toy.v1.ToyService"
PROTO = """
syntax = "proto3";
package chat.toy.v1;
import "buf/validate/validate.proto";
import "chat/mesh/v1/options.proto";
import "google/api/annotations.proto";
import "chat/common/v1/page.proto";
import "google/protobuf/field_mask.proto";

// Toys and who plays with them.
service ToyService {
  // Makes a toy. The same name is answered with the toy that is there.
  rpc MakeToy(MakeToyRequest) returns (MakeToyResponse) {
    option (google.api.http) = {post: "/api/toys" body: "*" response_body: "toy"};
    option (chat.mesh.v1.policy) = {
      deadline_ms: 2000
      role: ROLE_USER
      socket_event: "make-toy"
      rest: {success: 201 location: "/api/toys/{id}" replayed_field: "replayed" etag_field: "etag"}
    };
  }
  // One toy.
  rpc GetToy(GetToyRequest) returns (GetToyResponse) {
    option (google.api.http) = {get: "/api/toys/{id}" response_body: "toy"};
    option (chat.mesh.v1.policy) = {deadline_ms: 200 role: ROLE_ANONYMOUS rest: {etag_field: "etag"}};
  }
  // The best toy.
  rpc GetBestToy(GetBestToyRequest) returns (GetBestToyResponse) {
    option (google.api.http) = {get: "/api/toys/best"};
    option (chat.mesh.v1.policy) = {deadline_ms: 1000 role: ROLE_ANONYMOUS};
  }
  // Looks for toys.
  rpc FindToys(FindToysRequest) returns (FindToysResponse) {
    option (google.api.http) = {
      get: "/api/toys"
      additional_bindings: {get: "/api/shelves/{shelf}/toys" response_body: "asked"}
    };
    option (chat.mesh.v1.policy) = {deadline_ms: 1000 role: ROLE_ANONYMOUS};
  }
  // Names of toys.
  rpc ListNames(ListNamesRequest) returns (ListNamesResponse) {
    option (google.api.http) = {get: "/api/toys:names" response_body: "names"};
    option (chat.mesh.v1.policy) = {deadline_ms: 1000 role: ROLE_ANONYMOUS};
  }
  // Changes a toy.
  rpc UpdateToy(UpdateToyRequest) returns (UpdateToyResponse) {
    option (google.api.http) = {
      patch: "/api/toys/{id}"
      body: "*"
      additional_bindings: {put: "/api/toys/{id}" body: "toy"}
    };
    option (chat.mesh.v1.policy) = {deadline_ms: 1000 role: ROLE_USER rest: {if_match_field: "etag"}};
  }
  // Throws a toy away.
  rpc DropToy(DropToyRequest) returns (DropToyResponse) {
    option (google.api.http) = {delete: "/api/toys/{id}"};
    option (chat.mesh.v1.policy) = {deadline_ms: 1000 role: ROLE_USER rest: {success: 204}};
  }
  // Winds a toy up.
  rpc WindToy(WindToyRequest) returns (WindToyResponse) {
    option (google.api.http) = {post: "/api/toys/{id}:wind" body: "*"};
    option (chat.mesh.v1.policy) = {deadline_ms: 1000 role: ROLE_USER idempotency_key: true};
  }
  // Watches toys.
  rpc WatchToys(WatchToysRequest) returns (stream WatchToysResponse) {
    option (google.api.http) = {get: "/api/toys:watch"};
    option (chat.mesh.v1.policy) = {role: ROLE_ANONYMOUS};
  }
  // Plays: clients stream.
  rpc Play(stream WatchToysRequest) returns (WatchToysResponse) {
    option (google.api.http) = {post: "/api/toys:play" body: "*"};
    option (chat.mesh.v1.policy) = {role: ROLE_ANONYMOUS};
  }
}

// What it is made of.
enum Material {
  // Not set.
  MATERIAL_UNSPECIFIED = 0;
  // Wood.
  MATERIAL_WOOD = 1;
  // Tin.
  MATERIAL_TIN = 2;
}

// A toy.
message Toy {
  // Its id.
  string id = 1;
  // Its name.
  string name = 2 [(buf.validate.field).string = {min_len: 1 max_len: 40}];
  // What it is made of.
  Material material = 3;
  // Changes with each change.
  string etag = 4;
  // Parts.
  repeated Toy parts = 5;
}

// A new toy.
message MakeToyRequest {
  // Its name.
  string name = 1 [(buf.validate.field).string = {min_len: 1 max_len: 40}];
  // What of.
  Material material = 2 [(buf.validate.field).enum = {defined_only: true not_in: [0]}];
  // Parts.
  repeated string part_ids = 3 [(buf.validate.field).repeated = {max_items: 3 items: {string: {uuid: true}}}];
}
// The toy.
message MakeToyResponse {
  // As made.
  Toy toy = 1;
  // Whether it was there.
  bool replayed = 2;
}
// Asks for one.
message GetToyRequest {
  // Its id.
  string id = 1;
}
// One.
message GetToyResponse {
  // The toy.
  Toy toy = 1;
}
// Asks for the best.
message GetBestToyRequest {}
// The best.
message GetBestToyResponse {
  // The toy.
  Toy toy = 1;
}
// Asks for names.
message ListNamesRequest {
  // The code of the day.
  string code = 1 [(buf.validate.field).string = {len: 4 in: ["abcd", "bcde"]}];
}
// Names.
message ListNamesResponse {
  // In order.
  repeated string names = 1;
}
// A page unlike that of others.
message Page {
  // Its number.
  int32 number = 1;
}
// A search.
message FindToysRequest {
  // Where.
  string shelf = 1;
  // Of any of these.
  repeated Material materials = 2;
  // Broken ones.
  optional bool broken = 3;
  // At least this heavy.
  double weight = 4;
  // How many.
  int32 limit = 5 [(buf.validate.field).int32 = {gte: 0 lte: 100}];
  // Not for the query.
  Toy like = 6;
  // Not for the query either.
  map<string, string> tags = 7;
  // Which fields.
  google.protobuf.FieldMask fields = 8;
}
// What was found.
message FindToysResponse {
  // What was asked for.
  FindToysRequest asked = 1;
  // Ours.
  Page page = 2;
  // Everybody's.
  chat.common.v1.Page place = 3;
}
// A change.
message UpdateToyRequest {
  // Its id.
  string id = 1;
  // The new name.
  string name = 2;
  // The new material.
  Material material = 3;
  // Which.
  google.protobuf.FieldMask update_mask = 4;
  // All of it.
  Toy toy = 5;
  // Of the toy that is to be changed.
  string etag = 6 [(buf.validate.field).string.max_len = 64];
}
// What was asked for.
message UpdateToyResponse {
  // The request.
  UpdateToyRequest asked = 1;
}
// Names a toy.
message DropToyRequest {
  // Its id.
  string id = 1;
}
// Gone.
message DropToyResponse {}
// Names a toy.
message WindToyRequest {
  // Its id.
  string id = 1;
  // Turns.
  uint32 turns = 2;
}
// What the call carried.
message WindToyResponse {
  // Its id.
  string id = 1;
  // Turns.
  uint32 turns = 2;
  // Metadata of the call.
  map<string, string> metadata = 3;
}
// What to watch.
message WatchToysRequest {
  // So many, or for ever when 0.
  int32 count = 1;
  // Then this happens.
  string then = 2;
}
// One sight.
message WatchToysResponse {
  // Which.
  int32 number = 1;
}
"""


def image() -> FileDescriptorSet:
    return compiled("toy.proto", PROTO)


def toy_methods() -> list[Method]:
    """The methods of the service, as the facade reads them."""
    image()
    return methods([Default().FindServiceByName(SERVICE)])


def message(name: str, /, **fields: Any) -> Any:
    return GetMessageClass(Default().FindMessageTypeByName(f"chat.toy.v1.{name}"))(**fields)


class ToyServicer:
    """Answers as a service of the mesh does: with statuses that carry one ErrorInfo."""

    def __init__(self) -> None:
        self.asked_etags: list[str] = []
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def make_toy(self, request: Any, context: Any) -> Any:
        if request.name == "taken":
            raise Conflict("USERNAME_TAKEN", "There is another one.")
        if request.name == "bad part":
            broken = Violation("part_ids[1]", "string.uuid", "must be a valid UUID")
            raise Invalid("INVALID_REQUEST", "The request breaks a rule.", violations=[broken])
        toy = message("Toy", id="a/ü", name=request.name, material=request.material, etag="v1")
        return message("MakeToyResponse", toy=toy, replayed=request.name == "again")

    async def get_toy(self, request: Any, context: Any) -> Any:
        context.set_trailing_metadata((("ratelimit", '"read";r=9;t=1'), ("x-inner", "1")))
        if request.id == "crash":
            raise RuntimeError("the secret")
        if request.id == "gone":
            raise NotFound("MESSAGE_NOT_FOUND", "No such toy.")
        return message("GetToyResponse", toy=message("Toy", id=request.id, etag="v1"))

    async def get_best_toy(self, request: Any, context: Any) -> Any:
        return message("GetBestToyResponse", toy=message("Toy", id="best"))

    async def find_toys(self, request: Any, context: Any) -> Any:
        return message("FindToysResponse", asked=request)

    async def list_names(self, request: Any, context: Any) -> Any:
        return message("ListNamesResponse", names=["duck", "bear"])

    async def update_toy(self, request: Any, context: Any) -> Any:
        self.asked_etags.append(request.etag)
        if request.id == "gone":
            raise NotFound("MESSAGE_NOT_FOUND", "No such toy.")
        if request.etag not in ("", "v1"):
            raise Stale("ETAG_MISMATCH", "It has changed.", metadata={"current_etag": "v1"})
        return message("UpdateToyResponse", asked=request)

    async def drop_toy(self, request: Any, context: Any) -> Any:
        return message("DropToyResponse")

    async def wind_toy(self, request: Any, context: Any) -> Any:
        sent = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        if sent.get("idempotency-key") == "again":
            context.set_trailing_metadata((("idempotent-replayed", "true"),))
        return message("WindToyResponse", id=request.id, turns=request.turns, metadata=sent)

    async def watch_toys(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for number in range(request.count):
            yield message("WatchToysResponse", number=number)
        if request.then == "gone":
            raise NotFound("MESSAGE_NOT_FOUND", "No such toy.")
        if request.then == "wait":
            self.waiting.set()
            try:
                await asyncio.sleep(30)
            finally:
                self.cancelled.set()

    def handlers(self) -> dict[str, Any]:
        """For a server, by the names of the contract; what clients stream is left out."""
        return {m.descriptor.name: self._handler(m) for m in toy_methods() if not m.descriptor.client_streaming}

    def _handler(self, method: Method) -> Any:
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in method.descriptor.name).lstrip("_")
        streaming = method.descriptor.server_streaming
        make: Callable[..., Any] = (
            grpc.unary_stream_rpc_method_handler if streaming else grpc.unary_unary_rpc_method_handler
        )
        handler = (_told_stream if streaming else _told)(getattr(self, name))
        return make(handler, method.request.FromString, method.response.SerializeToString)


def _told(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await handler(request, context)
        except Error as error:
            status = rpc_status.to_status(to_status(error))
            told = (*(context.trailing_metadata() or ()), *status.trailing_metadata)
            await context.abort(status.code, status.details, told)

    return call


def _told_stream(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            async for item in handler(request, context):
                yield item
        except Error as error:
            await context.abort_with_status(rpc_status.to_status(to_status(error)))

    return call
