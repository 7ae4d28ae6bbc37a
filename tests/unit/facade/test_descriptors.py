"""What is read from the contracts."""

import pytest
from google.protobuf.descriptor_pool import Default

from chat.mesh.v1.options_pb2 import RATE_CLASS_SEND, ROLE_USER
from chat.message.v1 import message_service_pb2 as pb
from facade.descriptors import HttpRule, Method, all_services, comments, image, methods
from tests.unit.facade.protos import compiled

RULES = """
syntax = "proto3";
package chat.rules.v1;
import "google/api/annotations.proto";

service RulesService {
  rpc Many(Empty) returns (Empty) {
    option (google.api.http) = {
      custom: {kind: "PURGE" path: "/api/rules"}
      additional_bindings: {put: "/api/rules/more" body: "*"}
    };
  }
  rpc None(Empty) returns (Empty);
}

message Empty {
  // Comments of fields
  // may have two lines.
  string field = 1;
  message Inner {
    // A nested one.
    enum Color {
      // The first.
      COLOR_UNSPECIFIED = 0;
    }
  }
}
"""


def method(name: str) -> Method:
    return next(m for m in methods(all_services()) if m.path.endswith(f"/{name}"))


def test_every_service_of_the_contracts_is_found() -> None:
    """No list of services has to be kept by hand."""
    found = {service.full_name for service in all_services()}
    assert {"chat.user.v1.AccountService", "chat.message.v1.MessageService"} <= found
    assert all(name.startswith("chat.") for name in found)


def test_a_method_is_described_by_its_contract() -> None:
    """Path, target, types, rules and policy come from the descriptor."""
    send = method("SendMessage")
    assert (send.path, send.target) == ("/chat.message.v1.MessageService/SendMessage", "message")
    assert (send.request, send.response) == (pb.SendMessageRequest, pb.SendMessageResponse)
    assert send.rules == (HttpRule("POST", "/api/messages", "*", "message"),)
    assert (send.policy.role, send.policy.rate_class, send.policy.rest.success) == (ROLE_USER, RATE_CLASS_SEND, 201)
    assert not send.descriptor.server_streaming


def test_additional_and_custom_bindings_are_rules_too() -> None:
    """A method without an HTTP rule has none."""
    compiled("rules.proto", RULES)
    many, none = methods([Default().FindServiceByName("chat.rules.v1.RulesService")])
    assert many.rules == (HttpRule("PURGE", "/api/rules"), HttpRule("PUT", "/api/rules/more", "*"))
    assert none.rules == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chat.message.v1.MessageService.GetMessage", "One message."),
        (
            "chat.message.v1.MessageService",
            "Writing and reading messages. An answer to a write means that it is committed to disk.",
        ),
        ("chat.message.v1.Message.text", "The text as written; empty once deleted."),
        ("chat.message.v1.MemberRole.MEMBER_ROLE_GUEST", "May only read."),
        ("chat.message.v1.ChangeData.kind", "By kind."),
    ],
)
def test_comments_are_found_by_full_name(name: str, text: str) -> None:
    """Services, methods, messages, fields, oneofs and enum values have their comment, on one line."""
    assert comments(image())[name] == text


def test_comments_of_nested_declarations_are_found() -> None:
    """The names of those around it stand before its own."""
    found = comments(compiled("rules.proto", RULES))
    assert found["chat.rules.v1.Empty.field"] == "Comments of fields may have two lines."
    assert found["chat.rules.v1.Empty.Inner.Color.COLOR_UNSPECIFIED"] == "The first."


def test_comments_on_anything_else_are_left_out() -> None:
    """Comments above options or the package name nothing."""
    text = RULES.replace("package chat.rules.v1;", "// The package.\npackage chat.rules2.v1;").replace(
        "    option (google", "    // On an option.\n    option (google"
    )
    found = comments(compiled("rules2.proto", text))
    assert not [comment for comment in found.values() if comment in ("The package.", "On an option.")]
