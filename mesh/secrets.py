"""Secrets that are made on first run and kept in files which only their owner can read."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def load_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, written with mode 0600 from `make()` when it is not there. Safe between processes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # Made with mode 0600.
        draft = Path(name)
        with os.fdopen(number, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # Unlike a rename this fails when another process was first.
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
