"""What conversations promise, in plain Python: every operation as its contract says it, and nothing of how it is done.

Users and rooms are small numbers. A refusal is raised with the reason that the contract names.
"""

from dataclasses import dataclass, field

from tests.e2e.doors import Refused

OWNER, MEMBER = 1, 3
"""Roles, as the contract numbers them."""

Content = tuple[str, int, int, frozenset[int], bool]
"""What a send says: text, number of the message it answers, number of the thread's root, whom it names, everybody."""


@dataclass
class Said:
    """One message. `client_key` is the sender's own id for it."""

    seq: int
    sender: int
    client_key: str
    content: Content
    text: str
    named: frozenset[int]
    everybody: bool
    id: str = ""
    version: int = 1
    deleted_by: int | None = None
    reactions: dict[str, list[int]] = field(default_factory=dict)

    @property
    def reply_to(self) -> int:
        return self.content[1]

    @property
    def root(self) -> int:
        return self.content[2]

    @property
    def is_deleted(self) -> bool:
        return self.deleted_by is not None

    def mentions(self, user: int) -> bool:
        return self.everybody or user in self.named


@dataclass
class Part:
    """Somebody's part in a room: their role and their marks."""

    role: int
    read: int = 0
    receipt: int = 0
    delivered: int = 0


class Room:
    """A conversation in which everybody may mention everybody."""

    def __init__(self, owner: int, members: list[int], *, is_public: bool = False) -> None:
        self.is_public = is_public
        self.parts = {owner: Part(OWNER)} | {member: Part(MEMBER) for member in members}
        self.messages: list[Said] = []
        self.left_at: dict[int, int] = {}
        """By user who is out, the last number they may know of."""

    @property
    def last_seq(self) -> int:
        return len(self.messages)

    def part(self, user: int) -> Part:
        if user not in self.parts:
            raise Refused("CONVERSATION_NOT_FOUND")
        return self.parts[user]

    def message(self, user: int, seq: int) -> Said:
        if user not in self.parts:
            raise Refused("MESSAGE_NOT_FOUND")
        return self.messages[seq - 1]

    # Messages.

    def send(self, user: int, key: str, content: Content) -> tuple[Said, bool]:
        """The message, and whether it was there before."""
        self.part(user)
        for said in self.messages:
            if (said.sender, said.client_key) == (user, key):
                if said.content != content:
                    raise Refused("CLIENT_MSG_ID_CONFLICT")
                return said, True
        text, _, root, named, everybody = content
        if root and (self.messages[root - 1].root or self.messages[root - 1].is_deleted):
            raise Refused("THREAD_NOT_FOUND")
        said = Said(self.last_seq + 1, user, key, content, text, self.present(named), everybody)
        self.messages.append(said)
        return said, False

    def edit(self, user: int, seq: int, text: str, mentions: tuple[frozenset[int], bool] | None) -> Said:
        said = self.message(user, seq)
        if said.sender != user:
            raise Refused("NOT_AUTHOR")
        if said.is_deleted:
            raise Refused("MESSAGE_DELETED")
        named, everybody = (said.named, said.everybody) if mentions is None else mentions
        if mentions is not None:
            named = self.present(named)
        if (text, named, everybody) != (said.text, said.named, said.everybody):
            said.text, said.named, said.everybody = text, named, everybody
            said.version += 1
        return said

    def delete(self, user: int, seq: int) -> Said:
        said = self.message(user, seq)
        if said.sender != user and self.parts[user].role > OWNER:
            raise Refused("ROLE_TOO_LOW")
        if not said.is_deleted:
            said.deleted_by = user
            said.version += 1
        return said

    def undelete(self, user: int, seq: int) -> Said:
        """What the author deleted is the author's to take back, else the owner's."""
        said = self.message(user, seq)
        is_owner = self.parts[user].role == OWNER
        if said.deleted_by not in (None, said.sender):
            if not is_owner:
                raise Refused("ROLE_TOO_LOW")
        elif said.sender != user and (said.is_deleted or not is_owner):
            raise Refused("NOT_AUTHOR")
        if said.is_deleted:
            said.deleted_by = None
            said.version += 1
        return said

    def react(self, user: int, seq: int, emoji: str) -> list[int]:
        """Who uses the emoji then."""
        said = self.message(user, seq)
        if said.is_deleted:
            raise Refused("MESSAGE_DELETED")
        users = said.reactions.setdefault(emoji, [])
        if user not in users:
            users.append(user)
        return users

    def unreact(self, user: int, seq: int, emoji: str) -> list[int]:
        said = self.message(user, seq)
        users = [other for other in said.reactions.pop(emoji, []) if other != user]
        if users:
            said.reactions = {**said.reactions, emoji: users}
        return users

    # Members.

    def join(self, user: int) -> None:
        if user in self.parts:
            return
        if not self.is_public:
            raise Refused("CONVERSATION_NOT_FOUND")
        self._enter(user)

    def add(self, actor: int, user: int) -> None:
        """In a public channel, by any member."""
        if self.part(actor).role > OWNER and not self.is_public:
            raise Refused("ROLE_TOO_LOW")
        if user not in self.parts:
            self._enter(user)

    def leave(self, user: int) -> None:
        if self.part(user).role == OWNER and len(self.parts) > 1:
            raise Refused("LAST_OWNER")
        self._end(user)

    def remove(self, actor: int, user: int) -> None:
        is_owner = self.part(actor).role == OWNER
        if user not in self.parts:
            raise Refused("MEMBER_NOT_FOUND")
        if not is_owner:
            raise Refused("ROLE_TOO_LOW")
        self._end(user)

    def _enter(self, user: int) -> None:
        last = self.last_seq
        self.parts[user] = Part(MEMBER, last, last, last)
        self.left_at.pop(user, None)

    def _end(self, user: int) -> None:
        del self.parts[user]
        self.left_at[user] = self.last_seq

    # Marks.

    def mark_read(self, user: int, seq: int) -> Part:
        part, seq = self.part(user), min(seq, self.last_seq)
        if seq > part.read:
            part.read = seq
            part.receipt = max(part.receipt, seq)
            part.delivered = max(part.delivered, seq)
        return part

    def mark_unread(self, user: int, seq: int) -> Part:
        part = self.part(user)
        part.read = min(part.read, seq - 1)
        return part

    def mark_delivered(self, user: int, seq: int) -> Part:
        part = self.part(user)
        part.delivered = max(part.delivered, min(seq, self.last_seq))
        return part

    # What follows.

    def unread(self, user: int) -> tuple[int, int]:
        """By their definition: messages of others after the own mark that are not deleted, and which mention one."""
        after = self.messages[self.parts[user].read :]
        unread = [said for said in after if said.sender != user and not said.is_deleted]
        return len(unread), sum(said.mentions(user) for said in unread)

    def thread(self, root: int) -> tuple[int, int]:
        """How many replies are not deleted, and the number of the last reply."""
        replies = [said for said in self.messages if said.root == root]
        return sum(not said.is_deleted for said in replies), max((said.seq for said in replies), default=0)

    def present(self, users: frozenset[int]) -> frozenset[int]:
        return users & self.parts.keys()
