"""Limits as clients meet them: over REST, sockets and gRPC, in one mesh and in several."""

from collections.abc import Mapping
from typing import Any

import grpc
import httpx2
import pytest
import socketio

from chat.user.v1.account_service_pb2 import GetMeRequest
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from mesh.call.status import from_rpc_error
from mesh.errors import Limit
from tests.integration.conftest import Start, System, connect_socket

ME, LOGIN = "/api/users/me", "/api/users/login"
NOWHERE = "redis://127.0.0.1:1"


async def rename(http: httpx2.AsyncClient, name: str) -> httpx2.Response:
    return await http.patch(ME, json={"full_name": name})


async def login(http: httpx2.AsyncClient, username: str, **headers: str) -> httpx2.Response:
    return await http.post(LOGIN, json={"username": username, "password": "wrong password"}, headers=headers)


def left(response: httpx2.Response) -> list[int]:
    """What remains of each limit that an answer tells of."""
    return [int(item.split(";")[1].removeprefix("r=")) for item in response.headers["ratelimit"].split(", ")]


def reached(problem: Mapping[str, Any]) -> tuple[str, str, str]:
    return problem["code"], problem["policy"], problem["scope"]


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
async def test_what_is_left_predicts_the_refusal(start: Start, apart: bool) -> None:
    """Of the class of the call, told by its service, and of the edge beside it."""
    system: System = await start(apart=apart, limits="off,edge.user=10/h,write.user=3/h")
    http = await system.http("alice")
    answers = [await rename(http, f"Alice {number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [left(answer) for answer in answers] == [[9, 2], [8, 1], [7, 0], [6, 0]]
    assert answers[0].headers["ratelimit-policy"] == '"edge";q=10;w=3600, "write";q=3;w=3600'
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    problem = answers[3].json()
    assert reached(problem) == ("RATE_LIMITED", "write", "user")
    assert int(answers[3].headers["retry-after"]) - 1 < problem["retry_after_s"] <= 1200
    assert left(await http.get(ME)) == [5]


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
async def test_log_ins_are_counted_by_account_and_by_address(start: Start, apart: bool) -> None:
    """Whether the password is right or wrong, and whether there is such an account."""
    system: System = await start(apart=apart, limits="off,login.account=3/h,login.address=5/h")
    http = await system.http()
    tries = [await login(http, name) for name in ("Alice", "alice", "ALICE", "alice", "nobody", "nobody", "bob")]
    assert [answer.status_code for answer in tries] == [401, 401, 401, 429, 401, 401, 429]
    assert reached(tries[3].json()) == ("RATE_LIMITED", "login", "account")
    assert reached(tries[6].json()) == ("RATE_LIMITED", "login", "address")


@pytest.mark.parametrize(("proxies", "codes"), [("127.0.0.1", [401, 401, 429]), ("", [401, 429, 429])])
async def test_a_trusted_proxy_says_whose_address_counts(start: Start, proxies: str, codes: list[int]) -> None:
    """What anybody else writes into the header is no way around a limit."""
    system: System = await start(apart=True, limits="off,login.address=1/h", trusted_proxies=proxies)
    http = await system.http()
    said = ("198.51.100.1", "6.6.6.6, 198.51.100.2", "7.7.7.7, 198.51.100.2")
    tries = [await login(http, f"user{number}", **{"X-Forwarded-For": hops}) for number, hops in enumerate(said)]
    assert [answer.status_code for answer in tries] == codes


async def test_log_ins_stay_limited_while_the_store_is_away(start: Start) -> None:
    """A process goes on with its share, from the first moment on."""
    system: System = await start(limits_url=NOWHERE, limits="off,login.account=8/h")
    http = await system.http()
    assert [(await login(http, "alice")).status_code for _ in range(3)] == [401, 401, 429]


async def test_everything_below_api_counts(start: Start) -> None:
    """What is not there, what cannot be read, and what is refused at the gate."""
    system: System = await start(limits="off,edge.address=6/h")
    http = await system.http()
    junk = {"Content-Type": "application/json", "Authorization": "Bearer junk"}
    answers = [
        await http.get("/api/nothing"),
        await http.put(LOGIN),
        await http.post(LOGIN, content=b"{", headers=junk),
        await http.get(f"{ME}?access_token=x"),
        await http.get("/api/openapi.json"),
        await http.get("/api/meta/limits"),
        await http.get("/api/nothing"),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 400, 400, 200, 200, 429]
    assert [left(answer) for answer in answers] == [[5], [4], [3], [2], [1], [0], [0]]
    assert (await http.get("/docs")).status_code == 200


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
async def test_events_of_sockets_count_as_calls_do(start: Start, apart: bool) -> None:
    """By their class, whether they travel in the relay or alone; the ack tells which limit, and how long."""
    system: System = await start(apart=apart, limits="off,send.user=2/h,read.user=1/h")
    http = await system.http("alice")
    group = (await http.post("/api/messages/conversations", json={"type": "group", "name": "group"})).json()["id"]
    device = await system.device(http)
    sent = [await device.client.call("send-message", {"conversation_id": group, "text": "hi"}) for _ in range(3)]
    assert [answer["ok"] for answer in sent] == [True, True, False]
    assert reached(sent[2]["problem"]) == ("RATE_LIMITED", "send", "user")
    assert 1795 < sent[2]["problem"]["retry_after_s"] <= 1800
    read = [await device.client.call("sync", {}) for _ in range(2)]
    assert [answer["ok"] for answer in read] == [True, False]
    assert reached(read[1]["problem"]) == ("RATE_LIMITED", "read", "user")


async def test_sockets_and_their_events_count_at_the_edge(start: Start) -> None:
    """From the account that requests of the same user are charged to."""
    system: System = await start(limits="off,edge.user=4/h")
    http = await system.http("alice")
    device = await system.device(http)
    answers = [await device.client.call("no-such-event", {}) for _ in range(3)]
    answers.append(await device.client.call("typing", {}))
    assert [answer["problem"]["code"] for answer in answers] == [*["UNKNOWN_EVENT"] * 3, "RATE_LIMITED"]
    assert reached(answers[3]["problem"]) == ("RATE_LIMITED", "edge", "user")
    assert (await http.get(ME)).status_code == 429
    refused: list[Any] = []
    client = socketio.AsyncClient(reconnection=False)
    client.on("connect_error", refused.append)
    token = http.headers["Authorization"].removeprefix("Bearer ")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect_socket(client, system.url, {"token": token})
    assert reached(refused[0]["data"]) == ("RATE_LIMITED", "edge", "user")
    await client.disconnect()


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
async def test_what_serves_a_request_is_not_counted_for_its_user(start: Start, apart: bool) -> None:
    """Profiles that the message service reads on their behalf are its own business."""
    system: System = await start(apart=apart, limits="off,read.user=1/h")
    alice, bob = await system.http("alice"), await system.http("bob")
    other = (await bob.get(ME)).json()["id"]
    made = await alice.post("/api/messages/conversations", json={"type": "dm", "member_ids": [other]})
    for text in ("one", "two"):
        answer = await alice.post("/api/messages", json={"conversation_id": made.json()["id"], "text": text})
        assert answer.status_code == 201
    assert [(await alice.get(ME)).status_code for _ in range(2)] == [200, 429]


async def test_who_calls_a_service_directly_is_limited_alike(start: Start) -> None:
    """Trailing metadata tells what is left, a refusal its details."""
    system: System = await start(apart=True, limits="off,read.user=2/h")
    token = (await system.http("alice")).headers["Authorization"]
    async with grpc.aio.insecure_channel(system.grpc[0]) as channel:
        told = []
        for _ in range(3):
            call = AccountServiceStub(channel).GetMe(GetMeRequest(), metadata=(("authorization", token),))
            told.append(str(dict(await call.trailing_metadata())["ratelimit"]))
        assert [value.split(";")[:2] for value in told] == [['"read"', "r=1"], ['"read"', "r=0"], ['"read"', "r=0"]]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert from_rpc_error(caught.value).limit == Limit("read", "user")


async def test_limits_are_told_to_everybody(start: Start) -> None:
    """Those that hold, which operation is in which class, and what fits into a request."""
    system: System = await start(limits="off,send.user=10/s:50")
    http = await system.http()
    told = (await http.get("/api/meta/limits")).json()
    rate = {"policy": "send", "scope": "user", "quota": 50, "window_s": 5, "per_second": 10.0}
    assert told["rates"] == [rate]
    assert told["classes"]["POST /api/messages"] == told["classes"]["send-message"] == "send"
    assert told["sizes"]["body_bytes"] == 256 * 1024
    assert told["fields"]["SendMessageRequest"]["text"]["maxLength"] > 0
    document = (await http.get("/api/openapi.json")).json()
    schema = document["paths"]["/api/meta/limits"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == set(told)


async def test_a_limit_that_is_no_redis_does_not_start(start: Start) -> None:
    """The setting is named."""
    with pytest.raises(OSError, match="CHAT_LIMITS_URL"):
        await start(limits_url="http://127.0.0.1", limits="send=1/s")
