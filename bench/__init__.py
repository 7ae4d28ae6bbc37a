"""What the system costs on this machine. `python -m bench` prints it; nothing here judges a figure."""

TEXT = "The quick brown fox jumps over the lazy dog, and back again."
"""What every message says that is sent to be measured."""
