"""Invitations in their table."""

from collections.abc import Sequence
from typing import Any

from services.message.conversations.domain import Role
from services.message.invites.domain import Invite, State
from services.message.tables import invites

INVITE = invites.c[Invite.__slots__]


def invite_of(row: Sequence[Any]) -> Invite:
    values = dict(zip(Invite.__slots__, row, strict=True))
    values["role"], values["state"] = Role(values["role"]), State(values["state"])
    return Invite(**values)
