"""How many tests run side by side."""

import os


def pytest_xdist_auto_num_workers() -> int:
    """Half of a test is waiting, for servers and browsers mostly: so three for two cores."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)
