"""How entries get into an audit log: numbered without gaps, chained, and in the transaction of what they tell of.

The state of the chain is an HMAC of all that was noted so far. An entry carries the SHA-256 of the state, the head the
state itself: without the key nobody makes an entry that fits, or cuts the log at a state that is gone.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import Connection, Table, insert, update

from mesh.audit.entry import Entry
from mesh.schema import EPOCH, MICROSECOND
from mesh.sealing import derive

HEAD_ID = 1
START = bytes(32)
"""The state of an empty log."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The audit log of one service: its tables, as `audit_tables` makes them, and the key of its chain."""

    log: Table
    head: Table
    key: bytes = field(repr=False)


def open_trail(service: str, log: Table, head: Table, secret: bytes) -> Trail:
    """The trail of a service, with a key of its own from the secret of the installation."""
    return Trail(log, head, derive(secret, f"audit of {service}"))


def note(connection: Connection, trail: Trail, *entries: Entry) -> None:
    """Appends entries. Call it last in a unit of work: it locks the log until the transaction ends."""
    if not entries:
        return
    head = trail.head.c
    at_head = update(trail.head).where(head.id == HEAD_ID)
    raised = at_head.values(seq=head.seq + len(entries)).returning(head.seq, head.hash)
    last, state = connection.execute(raised).one()
    rows = []
    for seq, entry in enumerate(entries, last - len(entries) + 1):
        row = _values(entry)
        state = advance(trail.key, state, [seq, (entry.at - EPOCH) // MICROSECOND, *[row[name] for name in _TEXTS]])
        rows.append({"seq": seq, "at": entry.at, **row, "hash": seal_of(state)})
    connection.execute(insert(trail.log), rows)
    connection.execute(at_head.values(hash=state))


def advance(key: bytes, state: bytes, fields: Sequence[object]) -> bytes:
    """The state of the chain after an entry, given as its fields in the order of FIELDS."""
    # A value of a type that no entry has can only come from outside: any text of it breaks the chain.
    return hmac.digest(key, state + json.dumps(fields, default=repr, separators=(",", ":")).encode(), "sha256")


def seal_of(state: bytes) -> bytes:
    """What an entry shows of the state of the chain."""
    return sha256(state).digest()


def _values(entry: Entry) -> dict[str, str]:
    detail = json.dumps(dict(entry.detail), sort_keys=True, separators=(",", ":"))
    return {**{name: getattr(entry, name) for name in _TEXTS if name != "detail"}, "detail": detail}


_TEXTS = ("workspace_id", "action", "result", "actor_id", "subject_id", "address", "trace_id", "detail")
FIELDS = ("seq", "at", *_TEXTS)
