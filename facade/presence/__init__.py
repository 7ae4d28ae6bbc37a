"""Presence at the edge: the devices of this process, and which of its sockets want to hear of whom."""
