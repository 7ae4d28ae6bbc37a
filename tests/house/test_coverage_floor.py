"""The floor under the coverage of rules and pure parts holds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FULL: dict[str, Any] = {"missing_lines": [], "missing_branches": []}


def run(tmp_path: Path, files: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"files": files}))
    command = [sys.executable, str(ROOT / "tools" / "coverage_floor.py"), str(report)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_full_coverage_passes(tmp_path: Path) -> None:
    """Files that need not be covered may be short."""
    short = {**FULL, "missing_lines": [7]}
    files = {"services/user/keys/domain.py": FULL, "mesh/errors.py": FULL, "mesh/server.py": short}
    assert run(tmp_path, files).returncode == 0


@pytest.mark.parametrize("hole", [{"missing_lines": [7]}, {"missing_branches": [[7, -1]]}])
def test_a_hole_in_the_rules_fails(tmp_path: Path, hole: dict[str, Any]) -> None:
    """A line or a branch of a domain.py that no test reaches is named."""
    done = run(tmp_path, {"services/user/keys/domain.py": FULL | hole})
    assert done.returncode == 1
    assert "services/user/keys/domain.py" in done.stdout


def test_a_report_without_the_rules_fails(tmp_path: Path) -> None:
    """A report that measured nothing of it does not pass for a full one."""
    assert run(tmp_path, {"mesh/server.py": FULL}).returncode == 1
