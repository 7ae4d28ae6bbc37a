"""A message type with a field of every kind."""

from functools import cache
from typing import Any

from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from tests.unit.facade.protos import compiled

PROTO = """
syntax = "proto3";
package chat.zoo.v1;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";

enum AnimalKind {
  ANIMAL_KIND_UNSPECIFIED = 0;
  ANIMAL_KIND_BIG_CAT = 1;
  ODD = 2;
}

message Animal {
  string name = 1;
  bool tame = 2;
  bytes picture = 3;
  int32 legs = 4;
  int64 hairs = 5;
  uint32 teeth = 6;
  uint64 cells = 7;
  float weight = 8;
  double length = 9;
  AnimalKind kind = 10;
  optional string nick = 11;
  optional int64 age = 12;
  google.protobuf.Timestamp born_at = 13;
  google.protobuf.Duration nap = 14;
  google.protobuf.FieldMask mask = 15;
  Animal parent = 16;
  repeated Animal children = 17;
  repeated string tags = 18;
  repeated AnimalKind likes = 19;
  map<string, int64> counts = 20;
  map<int32, string> by_number = 21;
  map<bool, AnimalKind> by_flag = 22;
  map<string, Animal> friends = 23;
  oneof home {
    string cage = 24;
    Animal host = 25;
    AnimalKind herd = 26;
  }
  string from = 27;
  repeated google.protobuf.Timestamp seen = 28;
  optional AnimalKind guess = 29;
}

message Sealed {
  google.protobuf.Any content = 1;
}
"""


@cache
def zoo(name: str) -> type[Any]:
    """The class of a message of the zoo."""
    compiled("zoo.proto", PROTO)
    return GetMessageClass(Default().FindMessageTypeByName(f"chat.zoo.v1.{name}"))
