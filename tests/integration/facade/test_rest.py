"""The REST surface of a service that no line of the facade knows."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx2
import pytest
from fastapi import FastAPI

from facade.problems import exception_handlers
from facade.rest import MAX_BODY, routes
from tests.integration.facade.toys import toy_methods

JSON = {"content-type": "application/json"}


async def test_a_new_service_is_served_without_code(client: httpx2.AsyncClient) -> None:
    """POST reaches the servicer; status, Location and ETag follow the contract."""
    response = await client.post("/api/toys", json={"name": "duck", "material": "wood"})
    assert response.status_code == 201
    assert response.json() == {"id": "a/ü", "name": "duck", "material": "wood", "etag": "v1", "parts": []}
    assert response.headers["location"] == "/api/toys/a%2F%C3%BC"
    assert response.headers["etag"] == '"v1"'
    assert response.headers["cache-control"] == "no-store"
    assert "idempotent-replayed" not in response.headers


async def test_a_replayed_call_says_so(client: httpx2.AsyncClient) -> None:
    """What was there before is 200 with the marker, not 201."""
    response = await client.post("/api/toys", json={"name": "again", "material": "tin"})
    assert (response.status_code, response.headers["idempotent-replayed"]) == (200, "true")


async def test_success_without_a_body(client: httpx2.AsyncClient) -> None:
    """204 has neither body nor content type."""
    response = await client.delete("/api/toys/x")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers


async def test_a_literal_path_beats_a_parameter(client: httpx2.AsyncClient) -> None:
    """`/best` is not the id of a toy."""
    assert (await client.get("/api/toys/best")).json()["toy"]["id"] == "best"
    assert (await client.get("/api/toys/other")).json()["id"] == "other"


async def test_custom_verbs_stand_behind_the_id(client: httpx2.AsyncClient) -> None:
    """`{id}:verb` takes the id without the verb, and an empty body is an empty object."""
    wound = (await client.post("/api/toys/x:wind")).json()
    assert (wound["id"], wound["turns"]) == ("x", 0)
    assert (await client.post("/api/toys/x:wind", json={"turns": "3"})).json()["turns"] == 3


async def test_the_query_becomes_typed_fields(client: httpx2.AsyncClient) -> None:
    """Repeated names become lists; flags, numbers and enums are read from text."""
    query = "materials=wood&materials=tin&broken=false&weight=1.5&limit=7&fields=id,name"
    asked = (await client.get(f"/api/toys?{query}")).json()["asked"]
    assert asked == {
        "shelf": "",
        "materials": ["wood", "tin"],
        "broken": False,
        "weight": 1.5,
        "limit": 7,
        "like": None,
        "tags": {},
        "fields": "id,name",
    }


async def test_an_answer_may_be_a_list(client: httpx2.AsyncClient) -> None:
    """`response_body` takes any field out of its message."""
    assert (await client.get("/api/toys:names?code=abcd")).json() == ["duck", "bear"]


async def test_an_additional_binding_is_a_route_of_its_own(client: httpx2.AsyncClient) -> None:
    """What the path gives is no longer asked of the query."""
    assert (await client.get("/api/shelves/top/toys?limit=1")).json()["shelf"] == "top"
    assert (await client.get("/api/shelves/top/toys?shelf=low")).json()["code"] == "UNKNOWN_FIELD"


@pytest.mark.parametrize(
    ("query", "pointer", "code", "detail"),
    [
        ("limt=1", "/limt", "field.unknown", "There is no query parameter `limt`; did you mean `limit`?"),
        ("access_token=x", "/access_token", "field.unknown", "There is no query parameter `access_token`."),
        ("like=x", "/like", "field.unknown", "There is no query parameter `like`."),
        ("limit=1&limit=2", "/limit", "parameter.repeated", "Must be given once."),
        ("limit=", "/limit", "type.integer", "Must be an integer."),
        ("broken=yes", "/broken", "type.boolean", "Must be true or false."),
        ("weight=heavy", "/weight", "type.number", "Must be a number."),
        ("weight=nan", "/weight", "type.number", "Must be a number."),
        ("materials=wood&materials=gold", "/materials/1", "type.enum", "Must be one of `wood`, `tin`."),
    ],
)
async def test_a_bad_query_is_refused(
    client: httpx2.AsyncClient, query: str, pointer: str, code: str, detail: str
) -> None:
    """Unknown parameters too, with a suggestion."""
    response = await client.get(f"/api/toys?{query}")
    assert response.status_code == 400
    assert response.json()["errors"] == [{"pointer": pointer, "code": code, "detail": detail}]


async def test_a_method_with_a_body_takes_no_query(client: httpx2.AsyncClient) -> None:
    """Each field has one place."""
    response = await client.post("/api/toys?name=duck", json={"name": "duck"})
    assert (response.status_code, response.json()["code"]) == (400, "UNKNOWN_FIELD")


async def test_the_update_mask_is_taken_from_the_keys(client: httpx2.AsyncClient) -> None:
    """Null included: it clears the field."""
    asked = (await client.patch("/api/toys/x", json={"material": None, "name": "n", "id": "x"})).json()["asked"]
    assert (asked["id"], asked["update_mask"], asked["material"]) == ("x", "material,name", "unspecified")


async def test_a_given_update_mask_stays(client: httpx2.AsyncClient) -> None:
    """Callers may name the fields themselves."""
    asked = (await client.patch("/api/toys/x", json={"name": "n", "update_mask": "material"})).json()["asked"]
    assert asked["update_mask"] == "material"


async def test_a_body_may_be_one_field(client: httpx2.AsyncClient) -> None:
    """Its keys are the update mask, the other fields stand in the query."""
    asked = (await client.put("/api/toys/x?name=n", json={"name": "m", "etag": None})).json()["asked"]
    assert (asked["name"], asked["toy"]["name"], asked["update_mask"]) == ("n", "m", "name,etag")


async def test_a_missing_body_of_one_field_leaves_it_unset(client: httpx2.AsyncClient) -> None:
    """No body is no value."""
    asked = (await client.put("/api/toys/x")).json()["asked"]
    assert (asked["toy"], asked["update_mask"]) == (None, None)


async def test_a_field_of_the_path_may_be_repeated_in_the_body_only_as_it_is(client: httpx2.AsyncClient) -> None:
    """Two different values are a mistake of the caller's."""
    response = await client.patch("/api/toys/x", json={"id": "y"})
    assert response.status_code == 400
    assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [("/id", "path.mismatch")]


BODIES: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"{", JSON, 400, "MALFORMED_JSON"),
    (b"{'a': 1}", JSON, 400, "MALFORMED_JSON"),
    (b'{"name": "\xff"}', JSON, 400, "MALFORMED_JSON"),
    (b'{"name": "\\ud800"}', JSON, 400, "MALFORMED_JSON"),
    (b'{"turns": NaN}', JSON, 400, "MALFORMED_JSON"),
    (b"[" * 100_000, JSON, 400, "MALFORMED_JSON"),
    (b'{"a":' * 900 + b"1" + b"}" * 900, JSON, 400, "UNKNOWN_FIELD"),
    (b"[]", JSON, 400, "INVALID_REQUEST"),
    (b'"x"', JSON, 400, "INVALID_REQUEST"),
    (b"5", JSON, 400, "INVALID_REQUEST"),
    (b"{}", {}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    (b"{}", {"content-type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    (b"{}", {"content-type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    (b"{}", {"content-type": "application/json; charset=latin-1"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    (b" " * (MAX_BODY + 1), JSON, 413, "BODY_TOO_LARGE"),
    (b"{}" + b" " * (MAX_BODY - 2), JSON, 200, ""),
    (b"{}", {"content-type": "Application/JSON; Charset=UTF-8"}, 200, ""),
    (b"{}", {"content-type": "application/merge-patch+json"}, 200, ""),
    (b"null", JSON, 200, ""),
    (b"", {"content-type": "text/plain"}, 200, ""),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), BODIES)
async def test_bodies_are_json_objects_of_bounded_size(
    client: httpx2.AsyncClient, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Everything else has its own code, and none crashes the server."""
    response = await client.post("/api/toys/x:wind", content=body, headers=headers)
    assert (response.status_code, response.json().get("code", "")) == (status, code)


async def test_malformed_json_is_told_with_its_place(client: httpx2.AsyncClient) -> None:
    """Line and column, as an editor shows them."""
    response = await client.post("/api/toys", content=b'{\n  "name": duck}', headers=JSON)
    assert "line 2, column 11" in response.json()["detail"]


async def test_a_body_of_unknown_length_is_counted_while_read(client: httpx2.AsyncClient) -> None:
    """Nobody gets round the limit by not announcing."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1 + MAX_BODY // 1024):
            yield b" " * 1024
        pytest.fail("read on after the limit")

    response = await client.post("/api/toys", content=endless(), headers=JSON)
    assert response.status_code == 413


async def test_token_and_correlation_id_travel_as_metadata(client: httpx2.AsyncClient) -> None:
    """The scheme is spelled the one way that services expect."""
    response = await client.post("/api/toys/x:wind", headers={"authorization": "bearer  abc.d-e_f"})
    sent = response.json()["metadata"]
    assert (sent["authorization"], sent["x-correlation-id"]) == ("Bearer abc.d-e_f", "cor-1")


async def test_without_credentials_none_are_sent(client: httpx2.AsyncClient) -> None:
    """Whether that is enough is for the service to say."""
    assert "authorization" not in (await client.post("/api/toys/x:wind")).json()["metadata"]


async def test_an_idempotency_key_travels_as_metadata(client: httpx2.AsyncClient) -> None:
    """Where the contract takes one; a repeat says so."""
    first = await client.post("/api/toys/x:wind", headers={"idempotency-key": "k-1"})
    assert first.json()["metadata"]["idempotency-key"] == "k-1"
    assert "idempotent-replayed" not in first.headers
    again = await client.post("/api/toys/x:wind", headers={"idempotency-key": "again"})
    assert again.headers["idempotent-replayed"] == "true"


async def test_an_idempotency_key_that_is_not_taken_is_ignored(client: httpx2.AsyncClient) -> None:
    """Such a call may be repeated as it is."""
    assert (await client.get("/api/toys/x", headers={"idempotency-key": "a b"})).status_code == 200


@pytest.mark.parametrize("keys", [[""], ["a b"], ["ä"], ["\x7f"], ["a" * 256], ["a", "b"]])
async def test_a_malformed_idempotency_key_is_refused(client: httpx2.AsyncClient, keys: list[str]) -> None:
    """It takes one, of visible characters."""
    pairs = [(b"idempotency-key", key.encode()) for key in keys]
    response = await client.post("/api/toys/x:wind", headers=pairs)
    assert (response.status_code, response.json()["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")


@pytest.mark.parametrize(
    "credentials", [b"Basic YTpi", b"Bearer", b"Bearer a b", b"abc", b"Bearer \xff", b"Bearer " + b"a" * 5000]
)
async def test_other_credentials_are_refused(client: httpx2.AsyncClient, credentials: bytes) -> None:
    """Neither another scheme nor what cannot be a token goes further."""
    response = await client.post("/api/toys/x:wind", headers=[(b"authorization", credentials)])
    assert (response.status_code, response.json()["code"]) == (401, "TOKEN_INVALID")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_errors_of_the_service_are_problems(client: httpx2.AsyncClient) -> None:
    """The reason is the code; ids and path are those of the request."""
    response = await client.post("/api/toys", json={"name": "taken"})
    shown = response.json()
    assert (response.status_code, shown["code"], shown["detail"]) == (409, "USERNAME_TAKEN", "There is another one.")
    assert (shown["request_id"], shown["correlation_id"], shown["instance"]) == ("req-1", "cor-1", "/api/toys")


@pytest.mark.parametrize(("toy", "status"), [("x", 200), ("gone", 404)])
async def test_what_a_call_tells_at_its_end_becomes_headers(client: httpx2.AsyncClient, toy: str, status: int) -> None:
    """Beside an answer and beside an error; what is between processes stays there."""
    response = await client.get(f"/api/toys/{toy}")
    assert (response.status_code, response.headers["ratelimit"]) == (status, '"read";r=9;t=1')
    assert "x-inner" not in response.headers


async def test_violations_of_the_service_have_pointers(client: httpx2.AsyncClient) -> None:
    """A path of the contract reads like one of the facade's."""
    response = await client.post("/api/toys", json={"name": "bad part"})
    assert response.json()["errors"][0]["pointer"] == "/part_ids/1"


async def test_a_crash_of_the_service_keeps_its_text(client: httpx2.AsyncClient) -> None:
    """What a server without our interceptors tells is not passed on."""
    response = await client.get("/api/toys/crash")
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL")
    assert "secret" not in response.text
    assert response.json()["metadata"]["error_id"]


async def test_an_unknown_path_is_a_problem(client: httpx2.AsyncClient) -> None:
    """404 says which path."""
    response = await client.get("/api/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "ROUTE_NOT_FOUND")
    assert "/api/nothing" in response.json()["detail"]


async def test_a_method_that_clients_stream_has_no_route(client: httpx2.AsyncClient) -> None:
    """HTTP/1.1 has no form for it."""
    assert (await client.post("/api/toys:play", json={})).status_code == 404


async def test_another_verb_is_refused_with_all_that_are_allowed(client: httpx2.AsyncClient) -> None:
    """Allow lists every verb of the path."""
    response = await client.post("/api/toys/x", json={})
    assert (response.status_code, response.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert {verb.strip() for verb in response.headers["allow"].split(",")} == {
        *("GET", "HEAD", "PATCH", "PUT", "DELETE", "OPTIONS")
    }


async def test_options_tell_what_a_path_answers_to(client: httpx2.AsyncClient) -> None:
    """Without calling anybody; a stream has no HEAD."""
    response = await client.options("/api/toys/x")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, PATCH, PUT, DELETE, OPTIONS"
    assert (await client.options("/api/toys:watch")).headers["allow"] == "GET, OPTIONS"


async def test_head_is_answered_like_get(client: httpx2.AsyncClient) -> None:
    """The HTTP server keeps the body back."""
    response = await client.head("/api/toys/x")
    assert (response.status_code, response.headers["etag"]) == (200, '"v1"')
    assert int(response.headers["content-length"]) > 0


async def test_what_breaks_inside_the_facade_is_hidden() -> None:
    """A fault of ours has an id and no text."""

    def no_channel(service: str) -> grpc.aio.Channel:
        raise RuntimeError("the secret")

    app = FastAPI(routes=routes(toy_methods(), no_channel), exception_handlers=exception_handlers())
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/api/toys/x")
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"], problem["request_id"]) == (500, "INTERNAL", "")
    assert "secret" not in response.text
    assert problem["metadata"]["error_id"]
