"""The file that remembers what no consumer could handle."""

from pathlib import Path

from mesh.events.bus import Event
from mesh.events.dead_letters import DeadLetterFile

LETTER = Event("t.dlt", "k\n1", {"ce_id": "é"}, bytes(range(256)))


async def test_letters_survive_a_restart(tmp_path: Path) -> None:
    """What was appended is read back byte for byte, by another process too, in order."""
    path = tmp_path / "made" / "dead.jsonl"
    await DeadLetterFile(path).append(LETTER)
    await DeadLetterFile(path).append(Event("t.dlt", "k2", {}, b""))
    assert await DeadLetterFile(path).read() == [LETTER, Event("t.dlt", "k2", {}, b"")]


async def test_only_the_owner_may_read(tmp_path: Path) -> None:
    """The file holds what people wrote: nobody else may read it."""
    path = tmp_path / "dead.jsonl"
    await DeadLetterFile(path).append(LETTER)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_no_file_is_no_letter(tmp_path: Path) -> None:
    """Before the first dead letter there are none."""
    assert await DeadLetterFile(tmp_path / "dead.jsonl").read() == []


async def test_line_cut_short_spoils_no_other(tmp_path: Path) -> None:
    """A crash while writing loses that line only."""
    path = tmp_path / "dead.jsonl"
    await DeadLetterFile(path).append(LETTER)
    path.write_bytes(path.read_bytes() + b'\n{"topic": "t')
    await DeadLetterFile(path).append(LETTER)
    assert await DeadLetterFile(path).read() == [LETTER, LETTER]
