"""Loads python-socketio without what only its clients and adapters have a use for: Redis and aiohttp.

They would be a fifth of the time to start and 30 MB of memory; whoever counts limits in Redis loads it then.
"""

import sys

_USELESS = ("aiohttp", "redis")
_known = {name: sys.modules.get(name) for name in _USELESS}
sys.modules.update(dict.fromkeys(_USELESS))  # type: ignore[arg-type]  # What is None here counts as not installed.
try:
    import socketio  # noqa: F401
finally:
    for name, module in _known.items():
        del sys.modules[name]
        if module is not None:
            sys.modules[name] = module
