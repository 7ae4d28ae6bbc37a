"""The people, conversations and tokens that the tables of bad input speak of, each by a name such as `$group`."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template
from typing import Any
from uuid import uuid4

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sqlalchemy import create_engine, text

from mesh.identity.jwk import to_jwk
from mesh.sealing import Sealer, installation_secret
from mesh.settings import Settings
from tests.e2e.clients import PASSWORD
from tests.e2e.conftest import Server

PEOPLE = ("owner", "member", "guest", "outsider")


@dataclass(frozen=True, slots=True)
class World:
    """`names` are what rows may speak of; `tokens` are what they may call with, good and bad."""

    server: Server
    http: httpx2.Client
    names: Mapping[str, str]
    tokens: Mapping[str, str]

    def fill(self, value: Any) -> Any:
        """`value` with its `$names` replaced, at any depth."""
        if isinstance(value, str):
            return Template(value).safe_substitute(self.names)
        if isinstance(value, Mapping):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.fill(item) for item in value)
        return value

    def headers(self, who: str) -> dict[str, str]:
        """What a call with the token of that name carries; nothing for no name."""
        return {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}


@contextmanager
def open_world(server: Server) -> Iterator[World]:
    """A group of an owner, a member and a guest with a few messages, a conversation of two, and forged tokens."""
    with httpx2.Client(base_url=server.http, timeout=10) as http:
        sessions = {person: _register(http, person) for person in PEOPLE}
        names = {person: session["user"]["id"] for person, session in sessions.items()}
        names |= {f"{person}_name": session["user"]["username"] for person, session in sessions.items()}
        tokens = {person: session["access_token"] for person, session in sessions.items()}
        tokens |= _forged(server, tokens["owner"])
        tokens["refresh"] = sessions["owner"]["refresh_token"]
        names |= {f"{name}_token": token for name, token in tokens.items()}
        world = World(server, http, names, tokens)
        names |= _conversations(world) | {"nobody": str(uuid4()), "used_refresh": _used_refresh(http)}
        yield world


def _register(http: httpx2.Client, person: str) -> Any:
    username = f"{person}-{uuid4().hex[:12]}"
    new = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    http.post("/api/users/register", json=new).raise_for_status()
    answer = http.post("/api/users/login", json={"username": username, "password": PASSWORD})
    return answer.raise_for_status().json()


def _used_refresh(http: httpx2.Client) -> str:
    """A refresh token whose successor was used too, of somebody who is not needed any more: it ends their session."""
    first: str = _register(http, "gone")["refresh_token"]
    token = first
    for _ in range(2):
        answer = http.post("/api/users/token/refresh", json={"refresh_token": token})
        token = answer.raise_for_status().json()["refresh_token"]
    return first


def _conversations(world: World) -> dict[str, str]:
    def create(who: str, **new: Any) -> str:
        answer = world.http.post("/api/messages/conversations", json=world.fill(new), headers=world.headers(who))
        return str(answer.raise_for_status().json()["id"])

    def send(who: str, conversation_id: str, text: str) -> str:
        message = {"conversation_id": conversation_id, "text": text, "client_msg_id": text}
        answer = world.http.post("/api/messages", json=message, headers=world.headers(who))
        return str(answer.raise_for_status().json()["id"])

    group = create("owner", type="group", name="group", member_ids=["$member"])
    added = {"user_ids": [world.names["guest"]], "role": "guest"}
    members = f"/api/messages/conversations/{group}/members"
    world.http.post(members, json=added, headers=world.headers("owner")).raise_for_status()
    other = create("owner", type="group", name="another")
    create("outsider", type="group", name="one")
    create("outsider", type="group", name="two")
    names = {
        "group": group,
        "other": other,
        "dm": create("owner", type="dm", member_ids=["$member"]),
        "message": send("owner", group, "first"),
        "deleted": send("owner", group, "deleted"),
        "elsewhere": send("owner", other, "elsewhere"),
    }
    send("owner", group, "last")
    send("owner", other, "last")
    world.http.delete(f"/api/messages/{names['deleted']}", headers=world.headers("owner")).raise_for_status()
    cursor = _cursor(world, "owner", "/api/messages", conversation_id=group)
    return names | {
        "cursor_here": cursor,
        "cursor_tampered": _flipped(cursor),
        "cursor_of_other": _cursor(world, "owner", "/api/messages", conversation_id=other),
        "cursor_of_outsider": _cursor(world, "outsider", "/api/messages/conversations"),
    }


def _cursor(world: World, who: str, path: str, **query: str) -> str:
    answer = world.http.get(path, params={**query, "limit": "1"}, headers=world.headers(who))
    page = answer.raise_for_status().json()["page"]
    return str(page["next_cursor"] or page["prev_cursor"])


def _flipped(cursor: str) -> str:
    """The cursor with one bit changed, spelled as its maker would."""
    data = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    data[-2] ^= 1
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _forged(server: Server, good: str) -> dict[str, str]:
    """Tokens that are wrong in one point each. The server's own key signs those whose signature is right."""
    own = _key_of(server)
    foreign = Ed25519PrivateKey.generate()
    header, claims = (json.loads(_decoded(part)) for part in good.split(".")[:2])
    now = int(time.time())

    def token(key: Ed25519PrivateKey = own, *, alg: str = "EdDSA", kid: str = header["kid"], **changed: Any) -> str:
        return _signed({**header, "alg": alg, "kid": kid}, {**claims, **changed}, key.sign)

    return {
        "garbage": "not-a-token",
        "expired": token(iat=now - 700, exp=now - 100),
        "foreign": token(foreign),
        "unknown_key": token(foreign, kid=to_jwk(foreign.public_key())["kid"]),
        "alg_none": _signed({**header, "alg": "none"}, claims, lambda _: b""),
        "alg_none_signed": token(alg="none"),
        "wrong_audience": token(aud="elsewhere"),
        "wrong_issuer": token(iss="elsewhere"),
        "wrong_type": _signed({**header, "typ": "JWT"}, claims, own.sign),
        "brings_own_key": _signed({**header, "jwk": to_jwk(foreign.public_key())}, claims, foreign.sign),
        "another_subject": ".".join(
            (good.split(".")[0], _encoded({**claims, "sub": str(uuid4())}), good.split(".")[2])
        ),
        "huge": good + "A" * 5000,
    }


def _key_of(server: Server) -> Ed25519PrivateKey:
    """The key that the server signs with, from where only its operator can look."""
    sealer = Sealer(installation_secret(Settings(data=server.data)), "signing keys")
    engine = create_engine(server.sql_url or f"sqlite:///{server.data / 'user.db'}")
    with engine.connect() as database:
        newest = text("SELECT kid, private FROM signing_keys ORDER BY signs_from DESC")
        kid, sealed = database.execute(newest).one()
    engine.dispose()
    key = load_der_private_key(sealer.open(sealed, kid), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _signed(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    text = f"{_encoded(header)}.{_encoded(claims)}"
    return f"{text}.{urlsafe_b64encode(sign(text.encode())).rstrip(b'=').decode()}"


def _encoded(value: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
