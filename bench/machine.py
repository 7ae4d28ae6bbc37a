"""Where and what was measured: figures mean nothing without it."""

import os
import platform
import subprocess
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent


def description(now: datetime) -> str:
    """Machine, Python, date and commit, one a line."""
    system = f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}"
    return "\n".join(
        [
            f"machine  {_processor()}, {os.cpu_count()} CPUs, {system}",
            f"python   {platform.python_implementation()} {platform.python_version()}",
            f"date     {now:%Y-%m-%d %H:%M} UTC",
            f"commit   {_commit()}",
        ]
    )


def cpu_seconds(pid: int) -> float:
    """User and system seconds that all threads of a process have used, in steps of a clock tick. Linux only."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    user, system = int(after_name[11]), int(after_name[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return found.stdout.strip() or "none"
