"""What a history of acknowledgements promises about the messages that are found afterwards. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A message as it was acknowledged, or as it was found. `key` is the sender's own id for it."""

    conversation_id: str
    seq: int
    id: str
    key: str
    text: str


def violations(acked: Sequence[Entry], found: Sequence[Entry], attempted: Set[str]) -> list[str]:
    """What `found`, all messages of all conversations, breaks: loss, change, gap, repetition, invention.

    `acked` are all acknowledgements, `attempted` the keys of all messages that were ever sent.
    """
    return [*_lost(acked, found), *_gaps(found), *_repeated(found), *_invented(found, attempted)]


def missed(seen: Mapping[str, Sequence[int]], last: Mapping[str, int]) -> list[str]:
    """What is wrong with the positions that a follower saw, by conversation, which must be 1 to `last`, each once."""
    return [
        f"followed {conversation_id}: {len(seen.get(conversation_id, ()))} positions are not 1 to {pos} in order"
        for conversation_id, pos in last.items()
        if list(seen.get(conversation_id, ())) != list(range(1, pos + 1))
    ]


def _lost(acked: Sequence[Entry], found: Sequence[Entry]) -> Iterable[str]:
    by_id = {entry.id: entry for entry in found}
    for ack in acked:
        entry = by_id.get(ack.id)
        if entry is None:
            yield f"lost: {ack.key} was acknowledged as {ack.id}, and is not there"
        elif entry != ack:
            yield f"changed: {ack} is found as {entry}"


def _gaps(found: Sequence[Entry]) -> Iterable[str]:
    numbers: dict[str, list[int]] = {}
    for entry in found:
        numbers.setdefault(entry.conversation_id, []).append(entry.seq)
    for conversation_id, seqs in numbers.items():
        if missing := sorted(set(range(1, max(seqs) + 1)) - set(seqs)):
            yield f"gap: {conversation_id} has no {missing[:10]}"


def _repeated(found: Sequence[Entry]) -> Iterable[str]:
    for name, counts in (
        ("id", Counter(entry.id for entry in found)),
        ("key", Counter((entry.conversation_id, entry.key) for entry in found)),
        ("number", Counter((entry.conversation_id, entry.seq) for entry in found)),
    ):
        for value, count in counts.items():
            if count > 1:
                yield f"duplicate {name}: {value} is there {count} times"


def _invented(found: Sequence[Entry], attempted: Set[str]) -> Iterable[str]:
    for entry in found:
        if entry.key not in attempted:
            yield f"invented: nobody sent {entry.key}"
