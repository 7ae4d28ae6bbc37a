"""Temporary folders for data, by what keeps them: a disk, or memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.machine import ROOT

SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def on_disk() -> Iterator[Path]:
    """A folder beside the project, since that for temporary files may be in memory."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / ".cache", prefix="bench-") as name:
        yield Path(name)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory, where the system has one."""
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None, prefix="bench-") as name:
        yield Path(name)
