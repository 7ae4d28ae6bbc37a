"""Bad input over Socket.IO: one row a connection, with what it is told and whether it goes on.

The frames are written by hand, since no client library would send them.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.bad_input.world import World

Frame = str | bytes
Fate = Literal["ack", "refused", "problem", "silence"]
WITHIN_S = 5.0
NORMAL, TOO_BIG = 1000, 1009
"""Close codes of WebSockets (RFC 6455)."""
_HEAD = re.compile(r"^\d+(/[^,]*,)?")


@dataclass(frozen=True, slots=True)
class Row:
    """`frames` are sent once greeted, or instead of a greeting when `who` is None.

    What happens: an `ack` that refuses, with the socket going on; a `refused` connection; a `problem` event, after
    which the server closes; or `silence`, with the socket going on.
    """

    name: str
    fate: Fate
    code: str
    frames: Sequence[Frame]
    who: str | None = "owner"
    pointer: str | None = None


def event(name: str, code: str, *content: Any, pointer: str | None = None) -> Row:
    """A row that sends an event with the acknowledgement id 7."""
    return Row(name, "ack", code, (f"427{json.dumps(content)}",), pointer=pointer)


def packet(name: str, *frames: Frame) -> Row:
    """A row that sends what is not a Socket.IO packet."""
    return Row(name, "problem", "MALFORMED_PACKET", frames)


def auth(name: str, code: str, value: Any, pointer: str | None = None) -> Row:
    """A row that connects with `value` as `auth`."""
    return Row(name, "refused", code, (f"40{json.dumps(value)}",), who=None, pointer=pointer)


HELLO = {"conversation_id": "$group", "text": "hello"}

EVENTS = [
    event("unknown event", "UNKNOWN_EVENT", "explode", {}),
    event("misspelt event", "UNKNOWN_EVENT", "send-mesage", HELLO),
    event("event with a huge name", "UNKNOWN_EVENT", "e" * 5000, {}),
    event("server's own event", "UNKNOWN_EVENT", "message-new", HELLO),
    event("RPC that no event is for", "UNKNOWN_EVENT", "Login", {"username": "alice"}),
    event("no data", "INVALID_REQUEST", "send-message"),
    event("null for data", "INVALID_REQUEST", "send-message", None),
    event("string for data", "INVALID_REQUEST", "send-message", "hello", pointer=""),
    event("array for data", "INVALID_REQUEST", "send-message", [HELLO], pointer=""),
    event("unknown field on a socket", "UNKNOWN_FIELD", "send-message", {**HELLO, "txet": "x"}, pointer="/txet"),
    event("number for text on a socket", "INVALID_REQUEST", "send-message", {**HELLO, "text": 1}, pointer="/text"),
    event("huge text on a socket", "INVALID_REQUEST", "send-message", {**HELLO, "text": "x" * 10_001}, pointer="/text"),
    event("odd metadata on a socket", "INVALID_REQUEST", "send-message", {**HELLO, "metadata": {"\0'": "x"}},
          pointer="/metadata/\0'"),
    event("stranger's conversation", "CONVERSATION_NOT_FOUND", "send-message", {**HELLO, "conversation_id": "$nobody"}),
    event("deleted message", "MESSAGE_DELETED", "edit-message", {"id": "$deleted", "text": "x"}),
    event("conflict", "CLIENT_MSG_ID_CONFLICT", "send-message", {**HELLO, "client_msg_id": "first"}),
    event("typing nowhere", "CONVERSATION_NOT_FOUND", "typing", {"conversation_id": "$nobody"}),
    event("typing without a place", "INVALID_REQUEST", "typing", {}, pointer="/conversation_id"),
    event("mark of a negative number", "INVALID_REQUEST", "mark-read", {"conversation_id": "$group", "seq": -1}),
    event("sync from ahead", "POSITION_AHEAD", "sync", {"user_pos": 10_000}, pointer="/user_pos"),
    event("refresh without a token", "TOKEN_MISSING", "auth-refresh", {}),
    event("refresh with garbage", "TOKEN_INVALID", "auth-refresh", {"token": "$garbage"}),
    event("refresh with a ticket that is none", "TICKET_INVALID", "auth-refresh", {"ticket": "x"}),
    event("refresh as another user", "USER_MISMATCH", "auth-refresh", {"token": "$member_token"}),
    event("refresh that ended", "TOKEN_EXPIRED", "auth-refresh", {"token": "$expired_token"}),
    Row("guest on a socket", "ack", "ROLE_TOO_LOW", (f'427["send-message",{json.dumps(HELLO)}]',), who="guest"),
]  # fmt: skip

PACKETS = [
    packet("words", "4hello"),
    packet("unknown kind", "49"),
    packet("nothing in a packet", "4"),
    packet("half an event", '42["send-message"'),
    packet("event without a name", "42[]"),
    packet("event that is no list", "42{}"),
    packet("event without data", "42"),
    packet("event named by a number", "42[1]"),
    packet("event named by null", "427[null]"),
    packet("event named by a list", '42[["send-message"]]'),
    packet("lone surrogate on a socket", '42["send-message","\\ud800"]'),
    packet("deep nesting on a socket", "42" + "[" * 50_000),
    packet("refusal by a client", "44{}"),
    packet("binary out of the blue", b"\x00\x01\xff"),
    packet("event of a binary kind", '451-7["send-message",{"_placeholder":true,"num":0}]', b"hello"),
    packet("endless parts", '459999999999-7["send-message"]'),
    packet("event named connect", '42["connect",{},{"token":"$member_token"}]'),
    packet("event named disconnect", '427["disconnect"]'),
    packet("event named by a star", '427["*",{}]'),
    packet("not Engine.IO", "hello"),
    packet("empty frame", ""),
    packet("unknown Engine.IO packet", "9"),
    packet("long number for an ack", f'42{"9" * 200}["typing",{{}}]'),
]

CONNECTIONS = [
    auth("no auth", "TOKEN_MISSING", {}),
    auth("ticket that is none", "TICKET_INVALID", {"ticket": "x"}),
    auth("number for a ticket", "TICKET_INVALID", {"ticket": 7}),
    auth("ticket without end", "TICKET_INVALID", {"ticket": "x" * 50_000}),
    auth("auth that is a string", "TOKEN_MISSING", "token"),
    auth("auth that is a list", "TOKEN_MISSING", ["token"]),
    auth("empty token", "TOKEN_MISSING", {"token": ""}),
    auth("number for a token", "TOKEN_INVALID", {"token": 5}),
    auth("object for a token", "TOKEN_INVALID", {"token": {"a": 1}}),
    *[
        auth(f"{name.replace('_', ' ')} to connect", code, {"token": f"${name}_token"})
        for name, code in (
            ("garbage", "TOKEN_INVALID"), ("expired", "TOKEN_EXPIRED"), ("foreign", "TOKEN_INVALID"),
            ("alg_none", "TOKEN_INVALID"), ("huge", "TOKEN_INVALID"), ("refresh", "TOKEN_INVALID"),
        )
    ],
    auth("token with a NUL", "TOKEN_INVALID", {"token": "\0"}),
    auth("token in another alphabet", "TOKEN_INVALID", {"token": "ключ.ключ.ключ"}),
    auth("number for a correlation id", "TOKEN_MISSING", {"correlation_id": 5}),
    auth("place that is a list", "INVALID_REQUEST", {"token": "$owner_token", "resume": []}, "/resume"),
    auth("place without an id", "INVALID_REQUEST", {"token": "$owner_token", "resume": {"positions": {"x": 1}}}),
    auth("place in words", "INVALID_REQUEST", {"token": "$owner_token", "resume": {"user_pos": "1"}}),
    auth("place before all", "INVALID_REQUEST", {"token": "$owner_token", "resume": {"user_pos": -1}}),
    Row("another namespace", "refused", "", ('40/admin,{"token":"$owner_token"}',), who=None),
]  # fmt: skip

QUIET = [
    Row("event before the connection", "silence", "",
        (f'42["send-message",{json.dumps(HELLO)}]', '40{"token":"$owner_token"}'), who=None),
    Row("event of another namespace", "silence", "", ('42/admin,["explode",{}]',)),
    Row("ack that is no list", "silence", "", ("431{}",)),
    Row("ack of nothing", "silence", "", ("43[]",)),
    Row("upgrade after the upgrade", "silence", "", ("5",)),
]  # fmt: skip

ROWS = [*EVENTS, *PACKETS, *CONNECTIONS, *QUIET]


class Wire:
    """A Socket.IO connection, packet by packet."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, frame: Frame) -> None:
        self._connection.send(frame)

    def until(self, beginning: str) -> Any:
        """What the next packet with this beginning carries; pings are answered on the way."""
        while True:
            frame = self._connection.recv(WITHIN_S)
            assert isinstance(frame, str)
            if frame == "2":
                self._connection.send("3")
            if frame.startswith(beginning):
                return json.loads(_HEAD.sub("", frame) or "null")

    def closed(self) -> int | None:
        """Waits until the server closes; its close code."""
        try:
            while True:
                self._connection.recv(WITHIN_S)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def dial(world: World) -> ClientConnection:
    """A WebSocket to the server."""
    return connect(f"{world.server.http.replace('http', 'ws', 1)}/ws/?EIO=4&transport=websocket", max_size=None)


def greeted(wire: Wire, world: World, who: str | None) -> None:
    """Opens the Engine.IO connection, and for a user the Socket.IO one."""
    wire.until("0")
    if who is not None:
        wire.send(f"40{json.dumps({'token': world.tokens[who]})}")
        wire.until('42["hello"')


def fates(wire: Wire) -> dict[Fate, Callable[[], Any]]:
    """For each fate what proves it, giving the problem that was told of."""

    def goes_on() -> None:
        wire.send('4299["typing",{}]')
        wire.until("4399")

    def ack() -> Any:
        answer = wire.until("437")[0]
        assert answer["ok"] is False
        goes_on()
        return answer["problem"]

    def refused() -> Any:
        content = wire.until("44")
        return content["data"] if isinstance(content, dict) else {"code": "", "errors": []}

    def problem() -> Any:
        told = wire.until('42["problem",')[1]
        assert wire.closed() == NORMAL
        return told

    return {"ack": ack, "refused": refused, "problem": problem, "silence": goes_on}
