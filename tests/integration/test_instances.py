"""Two message services over one database, and two facades: whoever commits something, everybody hears of it, once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest

from chat.message.v1.feed_service_pb2 import SubscribeRequest
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.message.v1.message_service_pb2_grpc import MessageServiceStub
from cli.serve import FACADE, serving
from mesh.settings import Settings
from tests.contract.databases import POSTGRES, empty_url
from tests.integration.conftest import ANY, Device, System, target
from tests.ports import reserve_address

pytestmark = pytest.mark.skipif(not POSTGRES, reason="an SQLite file serves one process")

MANY = 30


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


class Installation:
    """`facades` are two ways in. Instances of the message service can be stopped and started."""

    def __init__(self, settings: Settings, addresses: Sequence[str], stack: AsyncExitStack) -> None:
        self.settings, self.addresses, self.stack = settings, addresses, stack
        self.facades: list[System] = []
        self.running: dict[int, AsyncExitStack] = {}

    async def start(self, number: int) -> None:
        settings = self.settings.model_copy(update={"grpc": self.addresses[number]})
        self.running[number] = await self.stack.enter_async_context(AsyncExitStack())
        await self.running[number].enter_async_context(serving(settings, ["message"]))

    async def stop(self, number: int) -> None:
        await self.running.pop(number).aclose()

    async def send(self, number: int, http: httpx2.AsyncClient, conversation: str, text: str) -> None:
        """Has an instance write a message."""
        async with grpc.aio.insecure_channel(self.addresses[number]) as channel:
            request = SendMessageRequest(conversation_id=conversation, text=text)
            metadata = (("authorization", http.headers["Authorization"]),)
            await MessageServiceStub(channel).SendMessage(request, metadata=metadata)


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    addresses = [reserve_address() for _ in range(2)]
    async with empty_url("postgresql", tmp_path) as url, AsyncExitStack() as stack:
        settings = Settings(
            data=tmp_path / "data",
            http=ANY,
            grpc=ANY,
            admin=ANY,
            limits="off",
            messages_url=url,
            message_address="ipv4:" + ",".join(addresses),
        )
        user = await stack.enter_async_context(serving(settings, ["user", "presence"]))
        settings = settings.model_copy(update={"user_address": target(user), "presence_address": target(user)})
        made = Installation(settings, addresses, stack)
        for number in range(2):
            await made.start(number)
        for _ in range(2):
            facade = await stack.enter_async_context(serving(settings, [FACADE]))
            made.facades.append(System([user, facade, facade], settings, stack))
        yield made


async def group(owner: httpx2.AsyncClient, *others: httpx2.AsyncClient) -> str:
    ids = [(await other.get("/api/users/me")).json()["id"] for other in others]
    made = await owner.post("/api/messages/conversations", json={"type": "group", "name": "all", "member_ids": ids})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def positions(device: Device, conversation: str) -> list[int]:
    return [data["pos"] for name, data in device.events if name == "message-new"]


async def test_everybody_hears_everything_once_and_in_order(installation: Installation) -> None:
    """By sockets at both facades, whichever instance writes: those that own it, and those that were asked."""
    left, right = installation.facades
    alice, bob = await left.http("alice"), await right.http("bob")
    conversation = await group(alice, bob)
    phone, laptop = await left.device(alice), await right.device(bob)
    await until(lambda: phone.named("hello") and laptop.named("hello"))

    async def by_socket(device: Device) -> None:
        for number in range(MANY):
            answer = await device.client.call("send-message", {"conversation_id": conversation, "text": str(number)})
            assert answer["ok"], answer

    async def by_grpc(number: int) -> None:
        for text in range(MANY):
            await installation.send(number, alice, conversation, str(text))

    await asyncio.gather(by_socket(phone), by_socket(laptop), by_grpc(0), by_grpc(1))
    total = 4 * MANY
    for device in (phone, laptop):
        await until(lambda device=device: len(positions(device, conversation)) >= total)  # type: ignore[misc]
        assert positions(device, conversation) == list(range(2, total + 2))


async def test_who_joins_and_leaves_at_one_instance_does_so_at_all(installation: Installation) -> None:
    """What another one writes after that comes, or comes no more."""
    left, right = installation.facades
    alice, bob = await left.http("alice"), await right.http("bob")
    conversation = await group(alice)
    bob_id = (await bob.get("/api/users/me")).json()["id"]
    laptop = await right.device(bob)
    await until(lambda: laptop.named("hello"))
    await asyncio.gather(*[installation.send(number, alice, conversation, "before") for number in (0, 1)])
    await alice.post(f"/api/messages/conversations/{conversation}/members", json={"user_ids": [bob_id]})
    for number in (0, 1, 0, 1):
        await installation.send(number, alice, conversation, "during")
    await until(lambda: len(positions(laptop, conversation)) == 4)
    await alice.delete(f"/api/messages/conversations/{conversation}/members/{bob_id}")
    await until(lambda: laptop.named("conversation-removed"))
    for number in (0, 1):
        await installation.send(number, alice, conversation, "after")
    other = await group(alice, bob)
    await until(lambda: [data for data in laptop.named("conversation-added") if data["conversation_id"] == other])
    assert {data["data"]["message"]["text"] for data in laptop.named("message-new")} == {"during"}


async def test_a_stream_at_one_instance_hears_what_the_other_one_writes(installation: Installation) -> None:
    """In order, without gap or repetition, from before to after."""
    alice, bob = await installation.facades[0].http("alice"), await installation.facades[1].http("bob")
    conversation = await group(alice, bob)
    metadata = (("authorization", bob.headers["Authorization"]),)
    seen: list[int] = []
    async with grpc.aio.insecure_channel(installation.addresses[0]) as channel:
        request = SubscribeRequest(positions={conversation: 1})
        call: Any = FeedServiceStub(channel).Subscribe(request, metadata=metadata)
        assert (await call.read()).HasField("ready")

        async def write(number: int) -> None:
            for text in range(MANY):
                await installation.send(number, alice, conversation, str(text))

        writing = asyncio.gather(write(0), write(1))
        async with asyncio.timeout(20):
            while len(seen) < 2 * MANY:
                change = (await call.read()).change
                if change.type == "message-new":
                    seen.append(change.pos)
        await writing
        call.cancel()
    assert seen == list(range(2, 2 * MANY + 2))


async def test_an_instance_goes_and_comes_back(installation: Installation) -> None:
    """Sockets stay, what is sent meanwhile arrives, and nothing is lost or told twice."""
    left, right = installation.facades
    alice, bob = await left.http("alice"), await right.http("bob")
    conversation = await group(alice, bob)
    phone, laptop = await left.device(alice), await right.device(bob)
    await until(lambda: phone.named("hello") and laptop.named("hello"))
    sent = 0

    async def sent_once() -> bool:
        message = {"conversation_id": conversation, "text": "hi", "client_msg_id": f"message-{sent}"}
        answer = await phone.client.call("send-message", message)
        assert answer["ok"] or answer["problem"]["code"] == "UNAVAILABLE", answer
        return bool(answer["ok"])

    async def send(number: int) -> None:
        nonlocal sent
        for _ in range(number):
            assert await sent_once()
            sent += 1

    await send(5)
    sending = asyncio.create_task(send(40))
    await installation.stop(0)
    await sending
    await installation.start(0)
    await send(5)
    await installation.send(0, alice, conversation, "by the one that is back")
    await installation.stop(1)
    async with asyncio.timeout(20):
        while not await sent_once():  # The facade may not have found yet that the other one is back.
            await asyncio.sleep(0.05)
    sent += 1
    await send(4)
    await until(lambda: all(len(positions(device, conversation)) >= 56 for device in (phone, laptop)))
    for device in (phone, laptop):
        assert positions(device, conversation) == list(range(2, 58))
        assert device.client.connected


async def test_what_is_to_be_done_once_is_done_for_all(installation: Installation) -> None:
    """Messages of either instance are found, soon."""
    alice = await installation.facades[0].http("alice")
    conversation = await group(alice)
    for number in (0, 1):
        await installation.send(number, alice, conversation, f"needle{number}")
    for number in (0, 1):
        async with asyncio.timeout(20):
            while True:
                found = await alice.get("/api/messages/search", params={"q": f"needle{number}"})
                if found.json()["items"]:
                    break
                await asyncio.sleep(0.05)
