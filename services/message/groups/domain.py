"""Groups of people that a message can mention together. No I/O, no wire format."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mesh.errors import Conflict, Error, NotFound
from services.message.command import Command


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    workspace_id: str
    handle: str
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Filled:
    """A group with the ids of its members, in their order."""

    group: Group
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateGroup(Command):
    id: str
    handle: str
    name: str
    user_ids: tuple[str, ...]

    @property
    def told_ids(self) -> Collection[str]:
        return self.user_ids


@dataclass(frozen=True, slots=True)
class UpdateGroup(Command):
    """None leaves name or members as they are. Who is in it now is told too."""

    id: str
    name: str | None
    user_ids: tuple[str, ...] | None

    @property
    def told_ids(self) -> Collection[str]:
        return self.user_ids or ()


@dataclass(frozen=True, slots=True)
class DeleteGroup(Command):
    """Who is in it is told."""

    id: str


def not_found() -> Error:
    return NotFound("GROUP_NOT_FOUND", "There is no such group.")


def taken() -> Error:
    return Conflict("GROUP_TAKEN", "Another group has this handle.")
