"""Holds the rules and the pure parts of the mesh to full branch coverage, given coverage's JSON report."""

import json
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

FULLY_COVERED = (
    "services/*/domain.py",
    "mesh/errors.py",
    "mesh/cursor.py",
    "mesh/call/status.py",
    "mesh/call/deadline.py",
    "mesh/policy/*.py",
)


def missed(file: dict[str, Any]) -> str:
    """The lines and branches of one file that no test reached; empty for none."""
    lines = [str(line) for line in file["missing_lines"]]
    branches = [f"{start}->{end}" for start, end in file["missing_branches"]]
    return ", ".join(lines + branches)


def main(report: Path) -> int:
    files = json.loads(report.read_text())["files"]
    held = {name: missed(file) for name, file in files.items() if any(fnmatch(name, p) for p in FULLY_COVERED)}
    short = {name: lines for name, lines in held.items() if lines}
    for name, lines in sorted(short.items()):
        print(f"{name} must be fully covered, but is not: {lines}")
    print(f"Fully covered: {len(held) - len(short)} of {len(held)} files that must be.")
    return 1 if short or not held else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
