"""The OpenAPI document, of the toys and of the real contracts."""

from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chat.common.v1.reason_pb2 import Reason
from facade.descriptors import all_services, comments, image, methods
from facade.openapi import document


@pytest.fixture(scope="module")
def contracts() -> dict[str, Any]:
    return document(methods(all_services()), comments(image()), version="1.0")


def test_the_documents_are_valid(openapi: dict[str, Any], contracts: dict[str, Any]) -> None:
    """Any OpenAPI 3.1 tool can read them."""
    OpenAPIV31SpecValidator(openapi).validate()
    OpenAPIV31SpecValidator(contracts).validate()


def test_a_new_service_is_documented_from_its_contract(openapi: dict[str, Any]) -> None:
    """Comments, security, statuses and headers stand there without a line of code."""
    make = openapi["paths"]["/api/toys"]["post"]
    assert (make["operationId"], make["tags"], make["summary"]) == ("ToyService_MakeToy", ["ToyService"], "Makes a toy")
    assert make["description"].endswith("The same name is answered with the toy that is there.")
    assert make["security"] == [{"bearerAuth": []}]
    assert make["x-socket-event"] == "make-toy"
    assert set(make["responses"]) == {"201", "200", "default"}
    assert set(make["responses"]["201"]["headers"]) == {"Location", "ETag"}
    assert "Idempotent-Replayed" in make["responses"]["200"]["headers"]
    assert openapi["paths"]["/api/toys/{id}"]["get"]["security"] == []
    update = openapi["paths"]["/api/toys/{id}"]["patch"]
    assert ("If-Match", "header", False) in {(p["name"], p["in"], p["required"]) for p in update["parameters"]}
    assert "412" in update["responses"]
    get = openapi["paths"]["/api/toys/{id}"]["get"]
    assert "If-None-Match" in {parameter["name"] for parameter in get["parameters"]}
    assert "content" not in get["responses"]["304"]
    wind = openapi["paths"]["/api/toys/{id}:wind"]["post"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in wind["parameters"]}
    assert not wind["responses"]["200"]["headers"]["Idempotent-Replayed"].get("required")
    assert openapi["tags"] == [{"name": "ToyService", "description": "Toys and who plays with them."}]


def test_requests_show_their_rules(openapi: dict[str, Any]) -> None:
    """Validation rules become keywords, and decide what is required."""
    request = openapi["components"]["schemas"]["MakeToyRequest"]
    assert request["required"] == ["name", "material"]
    assert request["additionalProperties"] is False
    assert request["properties"] == {
        "name": {"type": "string", "minLength": 1, "maxLength": 40, "description": "Its name."},
        "material": {"type": "string", "enum": ["wood", "tin"], "description": "What of."},
        "part_ids": {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "maxItems": 3,
            "description": "Parts.",
        },
    }


def test_answers_promise_every_field(openapi: dict[str, Any]) -> None:
    """What is printed always is required; a type may hold itself."""
    toy = openapi["components"]["schemas"]["Toy"]
    assert toy["required"] == ["id", "name", "material", "etag", "parts"]
    assert toy["properties"]["material"]["enum"] == ["unspecified", "wood", "tin"]
    assert toy["properties"]["parts"]["items"] == {"$ref": "#/components/schemas/Toy"}


def test_one_type_taken_and_answered_has_two_schemas(openapi: dict[str, Any]) -> None:
    """The strict one is called input."""
    body = openapi["paths"]["/api/toys/{id}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ToyInput", "description": "All of it."}
    assert openapi["components"]["schemas"]["ToyInput"]["additionalProperties"] is False


def test_parameters_stand_where_the_rule_puts_them(openapi: dict[str, Any]) -> None:
    """Path fields are required; what does not fit into text is no parameter."""
    found = {(p["name"], p["in"], p["required"]) for p in openapi["paths"]["/api/toys"]["get"]["parameters"]}
    assert found == {(name, "query", False) for name in ("shelf", "materials", "broken", "weight", "limit", "fields")}
    shelf = openapi["paths"]["/api/shelves/{shelf}/toys"]["get"]
    assert ("shelf", "path", True) in {(p["name"], p["in"], p["required"]) for p in shelf["parameters"]}
    assert shelf["operationId"] == "ToyService_FindToys_2"


def test_rules_of_text_become_keywords(openapi: dict[str, Any]) -> None:
    """An exact length, a list of values, and with both that it is required."""
    (code,) = openapi["paths"]["/api/toys:names"]["get"]["parameters"]
    assert code["required"] is True
    assert code["schema"] == {"type": "string", "minLength": 4, "maxLength": 4, "enum": ["abcd", "bcde"]}


def test_types_of_one_name_are_kept_apart(openapi: dict[str, Any]) -> None:
    """The second one is called by its package."""
    found = openapi["components"]["schemas"]["FindToysResponse"]["properties"]
    assert found["page"]["anyOf"][0] == {"$ref": "#/components/schemas/Page"}
    assert found["place"]["anyOf"][0] == {"$ref": "#/components/schemas/chat.common.v1.Page"}
    assert "next_cursor" in openapi["components"]["schemas"]["chat.common.v1.Page"]["properties"]


def test_fields_of_the_path_are_not_in_the_body(openapi: dict[str, Any]) -> None:
    """Each field has one place."""
    body = openapi["paths"]["/api/toys/{id}:wind"]["post"]["requestBody"]
    assert set(body["content"]["application/json"]["schema"]["properties"]) == {"turns"}
    assert body["required"] is False


def test_streams_and_empty_answers_are_told(openapi: dict[str, Any]) -> None:
    """Both forms of a stream; no content for 204; no path for what clients stream."""
    watch = openapi["paths"]["/api/toys:watch"]["get"]["responses"]["200"]
    assert set(watch["content"]) == {"application/x-ndjson", "text/event-stream"}
    assert openapi["paths"]["/api/toys/{id}"]["delete"]["responses"]["204"] == {"description": "Done."}
    assert "/api/toys:play" not in openapi["paths"]


def test_problems_list_every_reason(contracts: dict[str, Any]) -> None:
    """The catalogue of codes is that of the contracts."""
    codes = contracts["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert {f"REASON_{code}" for code in codes} == set(Reason.keys()) - {"REASON_UNSPECIFIED"}


def test_socket_events_are_listed_with_their_messages(contracts: dict[str, Any]) -> None:
    """Also those that have no path."""
    typing = contracts["x-socket-events"]["typing"]
    assert typing["request"] == {"$ref": "#/components/schemas/StartTypingRequest"}
    assert "StartTypingRequest" in contracts["components"]["schemas"]
    assert contracts["x-socket-events"]["send-message"]["response"]["$ref"] == "#/components/schemas/Message"


@pytest.mark.parametrize(
    ("request_type", "value", "fits"),
    [
        ("SendMessageRequest", {"conversation_id": "0", "text": "x", "metadata": {"k": "v"}}, True),
        ("SendMessageRequest", {"text": "x"}, False),
        ("SendMessageRequest", {"conversation_id": "0", "text": 1}, False),
        ("SendMessageRequest", {"conversation_id": "0", "text": "x", "metadata": {"": "v"}}, False),
        ("SendMessageRequest", {"conversation_id": "0", "text": "x", "metadata": {"k": "v" * 501}}, False),
        ("SendMessageRequest", {"conversation_id": "0", "text": "x", "client_msg_id": "ä"}, False),
        ("SubscribeRequest", {"positions": {"0": 3}}, True),
        ("SubscribeRequest", {"positions": {"0": -1}}, False),
    ],
)
def test_schemas_of_requests_judge_as_the_rules_do(
    contracts: dict[str, Any], request_type: str, value: object, fits: bool
) -> None:
    """A client may check before it sends."""
    schema = {"$ref": f"#/components/schemas/{request_type}", "components": contracts["components"]}
    assert jsonschema.Draft202012Validator(schema).is_valid(value) is fits
