"""Real texts: the fortunes that Debian packages in several languages. Installed when absent, never kept here."""

import os
import re
import subprocess
from pathlib import Path

PACKAGES = {
    "English": ("fortunes", "fortunes-min"),
    "German": ("fortunes-de",),
    "Russian": ("fortunes-ru",),
    "Chinese": ("fortunes-zh",),
    "Italian": ("fortunes-it",),
    "Spanish": ("fortunes-es",),
    "Polish": ("fortunes-pl",),
}
FOLDER = "/usr/share/games/fortunes/"
MAX_CHARACTERS = 10_000
_SEPARATOR = re.compile(r"^%\n?", re.MULTILINE)


def install() -> None:
    """Installs the packages that are missing. Raises SystemExit when that cannot be done."""
    wanted = [package for packages in PACKAGES.values() for package in packages]
    missing = [package for package in wanted if not _files(package)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"Missing texts. As root: apt-get install --no-install-recommends {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qqy", "--no-install-recommends", *missing]):
        subprocess.run(["apt-get", *command], check=True, env=environment, stdout=subprocess.DEVNULL)


def read() -> dict[str, list[str]]:
    """By language, all texts that a message can hold, as they stand in the files."""
    return {language: _texts(packages) for language, packages in PACKAGES.items()}


def _texts(packages: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for path in sorted({path.resolve() for package in packages for path in _files(package)}):
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # In another encoding: nothing that a client could send.
        found += [text for text in _SEPARATOR.split(content) if 0 < len(text) <= MAX_CHARACTERS and "\0" not in text]
    return found


def _files(package: str) -> list[Path]:
    listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False).stdout.split()
    return [
        Path(name) for name in listed if name.startswith(FOLDER) and not name.endswith(".dat") and os.path.isfile(name)
    ]
