"""The tests of the pages' JavaScript run under Node's own test runner; here each of its files is one test."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.timeout(180)  # the first run installs the official Socket.IO server
@pytest.mark.parametrize("suite", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_suite(suite: str) -> None:
    """Every test of the file passes; what it skips is said."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--test", "--test-reporter=tap", suite]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    reasons = {line.split("# SKIP", 1)[1].strip() for line in run.stdout.splitlines() if "# SKIP" in line}
    if reasons:
        pytest.skip("; ".join(sorted(reasons)))
