"""Checks that the contracts of this tree break nobody who uses those of the main before.

`buf breaking` runs on the images in gen/, so that neither side needs the sources of others or the network. The main
before is, in this order: CHAT_BREAKING_BASE; the last release (a tag `v*`), this commit apart; where this branch left
origin/main; the last commit whose contracts are not those of today. Without any of them there is nobody to break.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "gen/chat/descriptor.binpb"


def git(*arguments: str) -> bytes | None:
    """What git answers; None when it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def bases() -> Iterator[str]:
    """Revisions to compare with, the best first."""
    if named := os.environ.get("CHAT_BREAKING_BASE"):
        yield named
        return
    if tag := git("describe", "--tags", "--abbrev=0", "--match=v*", "HEAD~1"):
        yield tag.decode().strip()
    fork, head = git("merge-base", "HEAD", "origin/main"), git("rev-parse", "HEAD")
    if fork and fork != head:
        yield fork.decode().strip()
    history = (git("log", "--format=%H", "--", IMAGE) or b"").decode().split()
    yield from (revision for revision in history if git("show", f"{revision}:{IMAGE}") != git("show", f"HEAD:{IMAGE}"))


def main() -> int:
    for base in bases():
        image = git("show", f"{base}:{IMAGE}")
        if image is not None:
            break
    else:
        print("No earlier contracts to compare with.")
        return 0
    buf = str(Path(sys.executable).with_name("buf"))
    with tempfile.NamedTemporaryFile(suffix=".binpb") as against:
        against.write(image)
        against.flush()
        command = [buf, "breaking", IMAGE, "--against", against.name, "--config", "buf.yaml", "--path", "chat"]
        done = subprocess.run(command, cwd=ROOT, check=False)
    print(f"Contracts compared with {base}: {'nothing breaks' if done.returncode == 0 else 'see above'}.")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
