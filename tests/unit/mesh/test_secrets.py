"""Secrets in files."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_bytes

from mesh.secrets import load_or_create


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """Mode 0600, and the same at each start."""
    path = tmp_path / "keys" / "secret"
    made = load_or_create(path, lambda: b"first")
    assert load_or_create(path, lambda: b"second") == made == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_many_at_once_agree(tmp_path: Path) -> None:
    """Whoever is first decides for all."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load_or_create(tmp_path / "secret", lambda: token_bytes(8)), range(32)))
    assert len(found) == 1
