"""Tests, and the programs that try whole systems."""

import socketio  # noqa: F401  # With its clients, which the facade leaves out when it comes first.
