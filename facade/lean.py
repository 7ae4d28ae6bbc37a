"""Loads python-socketio without Redis, which it would load for an adapter that has no use here.

That alone would be a sixth of the time to start and 20 MB of memory; whoever counts limits in Redis loads it then.
"""

import sys

_known = sys.modules.get("redis")
sys.modules["redis"] = None  # type: ignore[assignment]  # What is None here counts as not installed.
try:
    import socketio  # noqa: F401
finally:
    del sys.modules["redis"]
    if _known is not None:
        sys.modules["redis"] = _known
