"""Packages of npm that tests take, outside of the project."""

import os
import subprocess
from pathlib import Path


def installed(package: str, version: str) -> Path:
    """The folder whose `node_modules` holds a package; filled when it is empty."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "massive-scale-chat" / f"{package}@{version}"
    if not (folder / "node_modules" / package).exists():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--silent")
        subprocess.run(["npm", "install", "--prefix", str(folder), *quiet, f"{package}@{version}"], check=True)
    return folder
