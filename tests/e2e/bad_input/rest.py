"""Bad input over REST: one row a request, with the status and the code that it gets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LONG = "x" * 10_001
MESSAGES, GROUPS, GROUP = "/api/messages", "/api/messages/conversations", "/api/messages/conversations/$group"
HELLO = {"conversation_id": "$group", "text": "hello"}


@dataclass(frozen=True, slots=True)
class Row:
    """`request` is `METHOD path`; `who` names a token, or is empty for a call without one.

    `pointer` is expected among the errors of the problem, `hint` in what it says.
    """

    name: str
    request: str
    code: str
    status: int
    json: Any = None
    raw: bytes | Iterator[bytes] | None = None
    who: str = "owner"
    headers: Mapping[str, str] = field(default_factory=dict)
    pointer: str | None = None
    hint: str = ""


def send(name: str, code: str, status: int = 400, /, pointer: str | None = None, hint: str = "", **fields: Any) -> Row:
    """A row that sends a message which would be good without `fields`."""
    return Row(name, f"POST {MESSAGES}", code, status, {**HELLO, **fields}, pointer=pointer, hint=hint)


def body(name: str, code: str, status: int, raw: bytes | Iterator[bytes], media: str = "application/json") -> Row:
    """A row that sends bytes instead of a message."""
    return Row(name, f"POST {MESSAGES}", code, status, raw=raw, headers={"Content-Type": media} if media else {})


def page(name: str, query: str, code: str, pointer: str | None = None, hint: str = "") -> Row:
    """A row that asks for a page of the group's messages."""
    return Row(name, f"GET {MESSAGES}?conversation_id=$group&{query}", code, 400, pointer=pointer, hint=hint)


GOOD = b'{"conversation_id": "0", "text": "hello"}'

BODIES = [
    body("half a body", "MALFORMED_JSON", 400, GOOD[:-5]),
    body("two values", "MALFORMED_JSON", 400, GOOD + GOOD),
    body("NaN", "MALFORMED_JSON", 400, b'{"text": NaN}'),
    body("invalid UTF-8", "MALFORMED_JSON", 400, b'{"text": "\xff\xfe"}'),
    body("overlong UTF-8", "MALFORMED_JSON", 400, b'{"text": "\xc0\xaf"}'),
    body("lone surrogate", "MALFORMED_JSON", 400, b'{"text": "\\ud800"}'),
    body("deep nesting", "MALFORMED_JSON", 400, b"[" * 100_000),
    body("deep objects", "MALFORMED_JSON", 400, b'{"metadata":' * 20_000 + b"{}" + b"}" * 20_000),
    body("array for object", "INVALID_REQUEST", 400, b"[]"),
    body("string for object", "INVALID_REQUEST", 400, b'"hello"'),
    body("nothing", "INVALID_REQUEST", 400, b""),
    body("null", "INVALID_REQUEST", 400, b"null"),
    body("text/plain", "UNSUPPORTED_MEDIA_TYPE", 415, GOOD, "text/plain"),
    body("a form", "UNSUPPORTED_MEDIA_TYPE", 415, b"text=hello", "application/x-www-form-urlencoded"),
    body("no content type", "UNSUPPORTED_MEDIA_TYPE", 415, GOOD, ""),
    body("UTF-16", "UNSUPPORTED_MEDIA_TYPE", 415, '{"text": "x"}'.encode("utf-16"), "application/json; charset=utf-16"),
    body("declared too large", "BODY_TOO_LARGE", 413, b'{"text": "' + b"x" * 300_000 + b'"}'),
    body("undeclared too large", "BODY_TOO_LARGE", 413, iter([b'{"text": "'] + [b"x" * 50_000] * 6)),
]

FIELDS = [
    send("unknown field", "UNKNOWN_FIELD", pointer="/txet", hint="`text`", txet="x"),
    send("camel case", "UNKNOWN_FIELD", pointer="/replyTo", hint="`reply_to`", replyTo=""),
    send("unknown field with an odd name", "UNKNOWN_FIELD", pointer="/a~1b~0", **{"a/b~": ""}),
    send("field with a huge name", "UNKNOWN_FIELD", **{"n" * 5000: ""}),
    send("server's own field", "UNKNOWN_FIELD", pointer="/seq", seq=1),
    send("number for text", "INVALID_REQUEST", pointer="/text", text=5),
    send("boolean for text", "INVALID_REQUEST", pointer="/text", text=True),
    send("array for text", "INVALID_REQUEST", pointer="/text", text=["hello"]),
    send("object for text", "INVALID_REQUEST", pointer="/text", text={"html": "hello"}),
    send("null for text", "INVALID_REQUEST", pointer="", text=None),
    send("empty text", "INVALID_REQUEST", pointer="", text=""),
    send("huge text", "INVALID_REQUEST", pointer="/text", text=LONG),
    send("NUL in text", "INVALID_REQUEST", pointer="/text", text="a\0b"),
    send("id that is none", "INVALID_REQUEST", pointer="/conversation_id", conversation_id="general"),
    send("SQL for an id", "INVALID_REQUEST", pointer="/conversation_id", conversation_id="' OR 1=1 --"),
    send("client id with a space", "INVALID_REQUEST", pointer="/client_msg_id", client_msg_id="a b"),
    send("client id with a newline", "INVALID_REQUEST", pointer="/client_msg_id", client_msg_id="a\n"),
    send("long client id", "INVALID_REQUEST", pointer="/client_msg_id", client_msg_id="a" * 65),
    send("metadata as array", "INVALID_REQUEST", pointer="/metadata", metadata=[]),
    send("number in metadata", "INVALID_REQUEST", pointer="/metadata/a", metadata={"a": 1}),
    send("object in metadata", "INVALID_REQUEST", pointer="/metadata/a", metadata={"a": {"b": {}}}),
    send("much metadata", "INVALID_REQUEST", pointer="/metadata", metadata={f"k{n}": "" for n in range(17)}),
    send("long metadata", "INVALID_REQUEST", pointer="/metadata/k", metadata={"k": "x" * 501}),
    send("empty metadata key", "INVALID_REQUEST", pointer="/metadata/", metadata={"": "x"}),
    send("odd metadata key", "INVALID_REQUEST", pointer="/metadata/'\\\"\x01~1~0", metadata={"'\\\"\x01/~": "x" * 501}),
    send("NUL in a metadata key", "INVALID_REQUEST", pointer="/metadata/a\0b", metadata={"a\0b": "x"}),
    send("long metadata key", "INVALID_REQUEST", metadata={"'" * 5000: "x"}),
    send("reply to nothing", "REPLY_NOT_FOUND", 404, reply_to="$nobody"),
    send("reply across conversations", "REPLY_NOT_FOUND", 404, reply_to="$elsewhere"),
    send("client id used for another text", "CLIENT_MSG_ID_CONFLICT", 409, client_msg_id="first"),
    Row("enum that is none", f"POST {GROUPS}", "INVALID_REQUEST", 400, {"type": "room"}, pointer="/type"),
    Row("enum as number", f"POST {GROUPS}", "INVALID_REQUEST", 400, {"type": 2}, pointer="/type"),
    Row("enum missing", f"POST {GROUPS}", "INVALID_REQUEST", 400, {"name": "x"}, pointer="/type"),
    Row("mark before all", f"PUT {GROUP}/read", "INVALID_REQUEST", 400, {"seq": -1}, pointer="/seq"),
    Row("half a mark", f"PUT {GROUP}/read", "INVALID_REQUEST", 400, {"seq": 1.5}, pointer="/seq"),
    Row("infinite mark", f"PUT {GROUP}/read", "INVALID_REQUEST", 400, {"seq": 1e300}, pointer="/seq"),
    Row("mark beyond int64", f"PUT {GROUP}/read", "INVALID_REQUEST", 400, {"seq": str(2**63)}, pointer="/seq"),
    Row("place ahead", f"POST {MESSAGES}/sync", "POSITION_AHEAD", 400, {"positions": {"$group": 10_000}}),
    Row("place as list", f"POST {MESSAGES}/sync", "INVALID_REQUEST", 400, {"positions": []}, pointer="/positions"),
    Row("place of nothing", f"POST {MESSAGES}/sync", "INVALID_REQUEST", 400, {"positions": {"x": 1}}),
    Row("feed from ahead", f"POST {MESSAGES}/feed", "POSITION_AHEAD", 400, {"user_pos": 10_000}, pointer="/user_pos"),
    Row("no ids", "POST /api/users:batchGet", "INVALID_REQUEST", 400, {"ids": []}, pointer="/ids"),
    Row("too many ids", "POST /api/users:batchGet", "INVALID_REQUEST", 400, {"ids": ["$owner"] * 101}, pointer="/ids"),
    Row("mask of others", f"PATCH {GROUP}", "INVALID_REQUEST", 400, {"name": "x", "update_mask": "created_by"}),
    Row("path against body", f"PATCH {GROUP}", "INVALID_REQUEST", 400, {"id": "$other", "name": "x"}, pointer="/id"),
]

PAGES = [
    page("negative limit", "limit=-1", "INVALID_REQUEST", "/limit"),
    page("limit in words", "limit=ten", "INVALID_REQUEST", "/limit"),
    page("limit beyond int32", "limit=99999999999", "INVALID_REQUEST", "/limit"),
    page("two limits", "limit=1&limit=2", "INVALID_REQUEST", "/limit"),
    page("before and after", "before_seq=5&after_seq=1", "INVALID_REQUEST"),
    page("cursor and after", "cursor=$cursor_here&after_seq=1", "INVALID_REQUEST"),
    page("before the first", "before_seq=0", "INVALID_REQUEST", "/before_seq"),
    page("after less than nothing", "after_seq=-1", "INVALID_REQUEST", "/after_seq"),
    page("after with a percent sign", "after_seq=%25", "INVALID_REQUEST", "/after_seq"),
    page("unknown parameter", "sort=asc", "UNKNOWN_FIELD", "/sort"),
    page("misspelt parameter", "limitt=1", "UNKNOWN_FIELD", "/limitt", "`limit`"),
    page("garbage cursor", "cursor=garbage", "CURSOR_INVALID"),
    page("cursor with a NUL", "cursor=%00", "CURSOR_INVALID"),
    page("cursor not in UTF-8", "cursor=%ff%fe", "CURSOR_INVALID"),
    page("tampered cursor", "cursor=$cursor_tampered", "CURSOR_INVALID"),
    page("padded cursor", "cursor=$cursor_here%3D%3D%3D%3D", "CURSOR_INVALID"),
    page("long cursor", f"cursor={'A' * 1001}", "INVALID_REQUEST", "/cursor"),
    page("cursor of another conversation", "cursor=$cursor_of_other", "CURSOR_MISMATCH"),
    page("cursor of another list", "cursor=$cursor_of_outsider", "CURSOR_MISMATCH"),
    Row("cursor of another user", f"GET {GROUPS}?cursor=$cursor_of_outsider", "CURSOR_MISMATCH", 400),
    Row("no conversation", f"GET {MESSAGES}", "INVALID_REQUEST", 400, pointer="/conversation_id"),
]

ROUTES = [
    Row("no such route", "GET /api/nothing", "ROUTE_NOT_FOUND", 404),
    Row("trailing slash", "GET /api/users/me/", "ROUTE_NOT_FOUND", 404),
    Row("out of the folder", "GET /web/..%2f..%2fpyproject.toml", "ROUTE_NOT_FOUND", 404),
    Row("no such file", "GET /web/nothing.js", "ROUTE_NOT_FOUND", 404),
    Row("wrong method", "PUT /api/messages", "METHOD_NOT_ALLOWED", 405),
    Row("another wrong method", "DELETE /api/users/me", "METHOD_NOT_ALLOWED", 405),
    Row("page by POST", "POST /demo", "METHOD_NOT_ALLOWED", 405),
    Row("no such verb", "POST /api/users:banish", "ROUTE_NOT_FOUND", 404),
    Row("id that is none", "GET /api/users/root", "INVALID_REQUEST", 400, pointer="/id"),
    Row("no such trace", "GET /dev/traces/zz", "TRACE_NOT_FOUND", 404),
]

RIGHTS = [
    Row("no such user", "GET /api/users/$nobody", "USER_NOT_FOUND", 404),
    Row("not a member reads", GET := f"GET {GROUP}", "CONVERSATION_NOT_FOUND", 404, who="outsider"),
    Row("not there", f"GET {GROUPS}/$nobody", "CONVERSATION_NOT_FOUND", 404),
    Row("not a member lists", f"GET {MESSAGES}?conversation_id=$group", "CONVERSATION_NOT_FOUND", 404, who="outsider"),
    Row("not a member sees members", f"{GET}/members", "CONVERSATION_NOT_FOUND", 404, who="outsider"),
    Row("not a member opens", "GET /api/messages/$message", "MESSAGE_NOT_FOUND", 404, who="outsider"),
    Row("not a member deletes", "DELETE /api/messages/$message", "MESSAGE_NOT_FOUND", 404, who="outsider"),
    Row("not a member marks", f"PUT {GROUP}/read", "CONVERSATION_NOT_FOUND", 404, {"seq": 1}, who="outsider"),
    Row("not the author", "PATCH /api/messages/$message", "NOT_AUTHOR", 403, {"text": "x"}, who="member"),
    Row("edit of a deleted one", "PATCH /api/messages/$deleted", "MESSAGE_DELETED", 409, {"text": "x"}),
    Row("member deletes another's", "DELETE /api/messages/$message", "ROLE_TOO_LOW", 403, who="member"),
    Row("guest writes", f"POST {MESSAGES}", "ROLE_TOO_LOW", 403, HELLO, who="guest"),
    Row("member renames", f"PATCH {GROUP}", "ROLE_TOO_LOW", 403, {"name": "mine"}, who="member"),
    Row("member invites", f"POST {GROUP}/members", "ROLE_TOO_LOW", 403, {"user_ids": ["$outsider"]}, who="member"),
    Row("guest removes", f"DELETE {GROUP}/members/$member", "ROLE_TOO_LOW", 403, who="guest"),
    Row("member promotes", f"PATCH {GROUP}/members/$member", "ROLE_TOO_LOW", 403, {"role": "admin"}, who="member"),
    Row("owner by invitation", f"POST {GROUP}/members", "INVALID_REQUEST", 400,
        {"user_ids": ["$outsider"], "role": "owner"}, pointer="/role"),
    Row("stranger invited", f"POST {GROUP}/members", "USER_NOT_FOUND", 404, {"user_ids": ["$nobody"]}),
    Row("invited twice", f"POST {GROUP}/members", "INVALID_REQUEST", 400, {"user_ids": ["$outsider"] * 2}),
    Row("no such member", f"DELETE {GROUP}/members/$outsider", "MEMBER_NOT_FOUND", 404),
    Row("last owner leaves", f"POST {GROUP}:leave", "LAST_OWNER", 409, {}),
    Row("last owner steps down", f"PATCH {GROUP}/members/$owner", "LAST_OWNER", 409, {"role": "member"}),
    Row("two people renamed", f"PATCH {GROUPS}/$dm", "DM_FIXED", 409, {"name": "x"}),
    Row("two people left", f"POST {GROUPS}/$dm:leave", "DM_FIXED", 409, {}),
    Row("alone with oneself", f"POST {GROUPS}", "INVALID_REQUEST", 400, {"type": "dm", "member_ids": ["$owner"]},
        pointer="/member_ids/0"),
    Row("two people of three", f"POST {GROUPS}", "INVALID_REQUEST", 400,
        {"type": "dm", "member_ids": ["$member", "$guest"]}, pointer="/member_ids"),
    Row("two people with a name", f"POST {GROUPS}", "INVALID_REQUEST", 400,
        {"type": "dm", "name": "us", "member_ids": ["$member"]}, pointer="/name"),
    Row("with a stranger", f"POST {GROUPS}", "USER_NOT_FOUND", 404, {"type": "dm", "member_ids": ["$nobody"]}),
]  # fmt: skip

ME = "GET /api/users/me"
LOGIN, REGISTER, REFRESH = "POST /api/users/login", "POST /api/users/register", "POST /api/users/token/refresh"
NEW = {"username": "somebody-new", "email": "somebody@example.com", "password": "long enough"}

IDENTITY = [
    Row("no token", ME, "TOKEN_MISSING", 401, who=""),
    Row("no token to write", f"POST {MESSAGES}", "TOKEN_MISSING", 401, HELLO, who=""),
    Row("token in the query", f"{ME}?access_token=x", "CREDENTIALS_IN_URL", 400, who=""),
    Row("ticket in the query", "GET /api/messages?ticket=x", "CREDENTIALS_IN_URL", 400),
    Row("etag without quotes", "PATCH /api/users/me", "INVALID_REQUEST", 400, {"bio": "x"},
        headers={"If-Match": "x"}, pointer="/If-Match"),
    Row("etag of the past", "PATCH /api/users/me", "ETAG_MISMATCH", 412, {"bio": "x"}, headers={"If-Match": '"x"'}),
    Row("weak etag", "PATCH /api/users/me", "ETAG_MISMATCH", 412, {"bio": "x"}, headers={"If-Match": 'W/"x"'}),
    Row("condition that nobody checks", "POST /api/users/logout", "INVALID_REQUEST", 400, {},
        headers={"If-Match": "*"}, pointer="/If-Match"),
    Row("another scheme", ME, "TOKEN_INVALID", 401, who="", headers={"Authorization": "Basic YTpi"}),
    Row("scheme alone", ME, "TOKEN_INVALID", 401, who="", headers={"Authorization": "Bearer"}),
    Row("two tokens", ME, "TOKEN_INVALID", 401, who="", headers={"Authorization": "Bearer a, Bearer b"}),
    Row("refresh token as access token", ME, "TOKEN_INVALID", 401, who="refresh"),
    *[
        Row(name.replace("_", " "), ME, "TOKEN_EXPIRED" if name == "expired" else "TOKEN_INVALID", 401, who=name)
        for name in (
            "garbage", "expired", "foreign", "unknown_key", "alg_none", "alg_none_signed", "wrong_audience",
            "wrong_issuer", "wrong_type", "brings_own_key", "another_subject", "huge",
        )
    ],
    Row("wrong password", LOGIN, "INVALID_CREDENTIALS", 401, {"username": "alice", "password": "x"}, who=""),
    Row("unknown name", LOGIN, "INVALID_CREDENTIALS", 401, {"username": "nobody", "password": "x"}, who=""),
    Row("NUL in a name", LOGIN, "INVALID_REQUEST", 400, {"username": "a\0", "password": "x"}, who=""),
    Row("object for a password", LOGIN, "INVALID_REQUEST", 400, {"username": "a", "password": {"$ne": ""}}, who=""),
    Row("garbage to refresh", REFRESH, "REFRESH_TOKEN_INVALID", 401, {"refresh_token": "x"}, who=""),
    Row("access token to refresh", REFRESH, "INVALID_REQUEST", 400, {"refresh_token": "x" * 201}, who=""),
    Row("used refresh token", REFRESH, "REFRESH_TOKEN_REUSED", 401, {"refresh_token": "$used_refresh"}, who=""),
    Row("name taken", REGISTER, "USERNAME_TAKEN", 409, {**NEW, "username": "ALICE"}, who=""),
    Row("address taken", REGISTER, "EMAIL_TAKEN", 409, {**NEW, "email": "Alice@example.com"}, who=""),
    Row("name of one letter", REGISTER, "INVALID_REQUEST", 400, {**NEW, "username": "a"}, who="", pointer="/username"),
    Row("name in another alphabet", REGISTER, "INVALID_REQUEST", 400, {**NEW, "username": "аlice"}, who=""),
    Row("address that is none", REGISTER, "INVALID_REQUEST", 400, {**NEW, "email": "home"}, who="", pointer="/email"),
    Row("short password", REGISTER, "INVALID_REQUEST", 400, {**NEW, "password": "short"}, who="", pointer="/password"),
    Row("huge password", REGISTER, "INVALID_REQUEST", 400, {**NEW, "password": "ß" * 513}, who="", pointer="/password"),
    Row("role by oneself", REGISTER, "UNKNOWN_FIELD", 400, {**NEW, "role": "admin"}, who="", pointer="/role"),
]  # fmt: skip

ROWS = [*BODIES, *FIELDS, *PAGES, *ROUTES, *RIGHTS, *IDENTITY]
